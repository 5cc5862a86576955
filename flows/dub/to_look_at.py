"""What there is to look at in a stage of a dub, in words: where it waits for approval only then, and for who looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.records.made import Laid, Mixed, Spoken
from tasks.records.script import Script
from tasks.records.step_record import StepRecord

_PICTURE = ("lipsync", "translate-film", "conform-film")


def script_to_look_at(script: Script, notes: Sequence[str]) -> tuple[str, ...]:
    """What is noted of a translation, and lines that say nothing.

    Args:
        script: in the dub's language.
        notes: of the step that made it.
    """
    empty = [str(line.id) for line in script.lines if not line.text.strip()]
    return (*notes, *([f"lines {', '.join(empty)} say nothing"] if empty else []))


def premix_to_look_at(script: Script, laid: Laid, mixed: Mixed, ledger: Sequence[StepRecord[Any]]) -> tuple[str, ...]:
    """Lines that do not fit, are not heard or were not understood, and a level that was missed.

    Args:
        script: in the dub's language.
        laid: the speech in its place.
        mixed: with the bed.
        ledger: the steps so far.
    """
    placed = {one.line for one in laid.placements}
    spoken = [record.value for record in ledger if isinstance(record.value, Spoken)]
    found = {
        "run into the next one": [one.line for one in laid.placements if one.fit == "overlong"],
        "are not heard": [line.id for line in script.lines if placed and line.text.strip() and line.id not in placed],
        "were not understood": [one.line for each in spoken for one in each.retaken if not one.understood],
    }
    told = [f"lines {', '.join(map(str, lines))} {what}" for what, lines in found.items() if lines]
    return (*told, *(["the loudness is not on target"] if not mixed.encoded.on_target else []))


def picture_to_look_at(ledger: Sequence[StepRecord[Any]]) -> tuple[str, ...]:
    """What is noted of the picture.

    Args:
        ledger: the steps so far.
    """
    return tuple(dict.fromkeys(note for record in ledger if record.step in _PICTURE for note in record.notes))
