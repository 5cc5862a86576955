"""What a text writes in signs, in words: numbers, dates, times, currencies, units, ordinals, abbreviations, addresses.

The script keeps what is written; only a voice is given the words. Languages are those of ``configs/spoken_forms.yaml``.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.words.spoken_form.rules import Reading, readings

__all__ = ["Reading", "in_words", "readings"]


def in_words(text: str, language: str, ipa: Sequence[Reading] = ()) -> tuple[str, tuple[Reading, ...]]:
    """A text as it is said, and spans of it moved along; within a span nothing is changed.

    Args:
        text: a line.
        language: BCP-47 tag.
        ipa: spans (first character, last exclusive) with their pronunciation, in order.
    """
    said, at, moved, waiting = "", 0, [], list(ipa)

    def up_to(place: int) -> None:
        nonlocal said, at
        while waiting and waiting[0][1] <= place:
            start, end, sounds = waiting.pop(0)
            begin = len(said) + start - at
            moved.append((begin, begin + end - start, sounds))
        said += text[at:place]
        at = place

    for start, end, words in readings(text, language):
        if any(begin < end and start < until for begin, until, _ in ipa):
            continue
        up_to(start)
        said, at = said + words, end
    up_to(len(text))
    return said, tuple(moved)
