"""Intelligibility of the dub: what a recogniser hears in each line, against the script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.qc.evidence import Measured, Recogniser
from tasks.records.script import Line, Script
from tasks.understood.compare import Understanding, compare
from tasks.understood.words import by_character

_NAMED = 5  # lines in a note


def understandings(dub: Script, recogniser: Recogniser | None) -> dict[int, Understanding]:
    """How each line that was heard is understood, by its id."""
    heard = (recogniser.heard if recogniser else None) or {}
    return {line.id: compare(line.text, heard[line.id], dub.language) for line in dub.lines if line.id in heard}


def intelligibility(dub: Script, recogniser: Recogniser | None, judged: Mapping[int, Understanding]) -> dict[str, Any]:
    """Word error rate of the dub against its script (character error rate in scripts without spaces).

    Args:
        dub: the dub's script.
        recogniser: with what it heard; None if there is none.
        judged: by line id, how far each line was understood.

    Returns:
        ``{"wer": share}`` or ``{"cer": share}``, and ``backend``, ``lines`` (heard), ``by_sound`` (pieces that are
        spelled otherwise and sound the same), ``not_understood`` (line ids, the worst first) and ``note``; where the
        share is None the note says why.
    """
    measure = "cer" if by_character(dub.language) else "wer"
    facts: dict[str, Any] = {"backend": recogniser.name or None if recogniser else None, "lines": len(judged)}
    words = sum(one.words for one in judged.values())
    if recogniser is None or recogniser.heard is None or not words:
        why = recogniser.note if recogniser else "not heard: no recogniser was used"
        return {measure: None, **facts, "by_sound": 0, "not_understood": [], "note": why or _NOTHING}
    rate = sum(one.error * one.words for one in judged.values()) / words
    by_sound = sum(one.by_sound for one in judged.values())
    notes = ["in the dialogue stem, line by line"]
    if by_sound:
        notes.append(f"{by_sound} spelled otherwise but said the same")
    if recogniser.advisory:
        notes.append("the recogniser's own errors count too")
    return {
        measure: round(rate, 3),
        **facts,
        "by_sound": by_sound,
        "not_understood": _worst(judged),
        "note": "; ".join(notes),
    }


_NOTHING = "there is no dubbed speech whose words are known"


def not_understood(dub: Script, recogniser: Recogniser | None, judged: Mapping[int, Understanding]) -> Measured:
    """How many lines are not understood, with the worst of them.

    Args:
        dub: the dub's script.
        recogniser: with what it heard; None if there is none.
        judged: by line id, how far each line was understood.
    """
    if recogniser is None or recogniser.heard is None or not judged:
        return Measured(None, (recogniser.note if recogniser else "not heard: no recogniser was used") or _NOTHING)
    worst = _worst(judged)
    lines = {line.id: line for line in dub.lines}
    named = ", ".join(_named(lines[one], judged[one]) for one in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    return Measured(float(len(worst)), f"line{'s' if len(worst) != 1 else ''} {named}{more}" if worst else "")


def lost_lines(dub: Script, recogniser: Recogniser | None, judged: Mapping[int, Understanding]) -> list[str]:
    """A note on each of the worst lines: where it is, what it says and what is heard.

    Args:
        dub: the dub's script.
        recogniser: with what it heard; None if there is none.
        judged: by line id, how far each line was understood.
    """
    heard = (recogniser.heard if recogniser else None) or {}
    lines = {line.id: line for line in dub.lines}
    worst = _worst(judged)
    notes = [_lost(lines[one], heard[one], short=judged[one].short) for one in worst[:_NAMED]]
    if len(worst) > _NAMED:
        notes.append(f"{len(worst) - _NAMED} more lines are not understood: see the report.")
    return notes


def _worst(judged: Mapping[int, Understanding]) -> list[int]:
    lost = [line for line, one in judged.items() if not one.understood]
    return sorted(lost, key=lambda line: (judged[line].short, -judged[line].error, line))


def _named(line: Line, how: Understanding) -> str:
    return f"{line.id} ({'short' if how.short else f'{how.error:.0%}'})"


def _lost(line: Line, heard: str, *, short: bool) -> str:
    what = f"“{_cut(heard)}” is heard" if heard else "nothing is heard"
    doubt = " (it is short: the recogniser may be at fault)" if short else ""
    return f"Line {line.id} at {line.start_ms / 1000:.1f} s is not understood: for “{_cut(line.text)}” {what}{doubt}."


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 80 else plain[:79] + "…"
