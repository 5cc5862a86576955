"""Listens to a script line by line, and judges how well each line is understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.keep.store import Store
from tasks.understood.compare import Understanding, compare
from tasks.understood.ears import Clip, Ears


@dataclass(frozen=True)
class HeardLine:
    """What a recogniser wrote of a line, and how that was judged."""

    text: str
    understanding: Understanding


def hear_lines(ears: Ears, said: Sequence[str], clips: Sequence[Callable[[], Clip]], store: Store) -> list[HeardLine]:
    """Listen to lines. One that is not understood among others is heard once more on its own, and the better counts.

    Args:
        ears: the recogniser; must not be deaf.
        said: what each line should say.
        clips: the sound of each, read when it is needed.
        store: remembers what was heard.

    Raises:
        PermanentError, ProviderBusyError: the recogniser cannot listen.
    """
    together = list(ears.heard((clip() for clip in clips), store))
    return [_better(ears, text, heard, clip, store) for text, heard, clip in zip(said, together, clips, strict=True)]


def hear_line(ears: Ears, said: str, clip: Clip, store: Store) -> HeardLine:
    """Listen to one line on its own; errors as `hear_lines`.

    Args:
        ears: the recogniser; must not be deaf.
        said: what the line should say.
        clip: its sound.
        store: remembers what was heard.
    """
    (heard,) = ears.heard([clip], store)
    return HeardLine(heard, compare(said, heard, ears.language))


def _better(ears: Ears, said: str, heard: str, clip: Callable[[], Clip], store: Store) -> HeardLine:
    first = HeardLine(heard, compare(said, heard, ears.language))
    if first.understanding.understood:
        return first
    alone = hear_line(ears, said, clip(), store)
    return min(first, alone, key=lambda one: one.understanding.error)
