"""A recording heard by a recogniser of the Whisper family, stretch by stretch, as a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.languages import tag_of
from tasks.machine.heap import trim
from tasks.records.progress import Progress
from tasks.records.script import Script
from tasks.transcribe.hearing import Belief, Heard, Span, Stretch, heard_stretches
from tasks.transcribe.tongues import Tongues

#: What is said in a stretch, in the language of a recogniser's name.
Hear = Callable[[Stretch, str], Iterable[Heard]]


@dataclass(frozen=True)
class Recording:
    """What is heard: a file of 16 kHz mono, its spans of speech, in order, and their languages."""

    audio: Path
    spans: Sequence[Span]
    tongues: Tongues


def script_of(
    recording: Recording,
    hear: Hear,
    progress: Progress,
    *,
    language: str | None,
    pause_ms: int,
    origin: str,
    notes: Sequence[str] = (),
) -> Script:
    """The script of a recording.

    Args:
        recording: what is heard.
        hear: asks the recogniser.
        progress: called with the share done, 0 to 1; the search for speech is its first tenth.
        language: as given by the user; None for the main one of the recording.
        pause_ms: silence that ends a line.
        origin: the recogniser's name.
        notes: of the recogniser.
    """
    belief, tongues = Belief(recording.spans), recording.tongues
    for stretch in heard_stretches(recording.spans, recording.audio, cuts=tongues.cuts):
        trim()
        belief.take(hear(stretch, tongues.at(stretch)), stretch)
        progress(min(1.0, 0.1 + 0.9 * stretch.end_ms / recording.spans[-1][1]))
    return Script(
        language=language or tag_of(tongues.main),
        lines=tongues.lines(belief.words, pause_ms),
        origin=origin,
        notes=(*tongues.notes(), *notes, *belief.notes()),
    )
