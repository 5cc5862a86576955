"""Retakes: an unintelligible line is spoken again in other ways, a limited number of times; the clearest take wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from configs.profile import PaceSettings
from tasks.keep.assets import path_of
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.records.made import Retaken
from tasks.records.natural_speed import NATURAL_SPEED
from tasks.records.script import Line
from tasks.records.take import Take
from tasks.synthesize.respell import respelled
from tasks.synthesize.takes import VoiceSession
from tasks.understood.ears import clip_of
from tasks.understood.lines import HeardLine, hear_line, hear_lines

_SLOWER, _FASTER = 0.9, 1.1
_SHOWN = 5  # lines listed in the notes


@dataclass(frozen=True)
class _Way:
    """Another way to speak a line; ``name`` completes "spoken again"."""

    name: str
    text: str
    pace: float
    reading: int = 0


def clearest(
    session: VoiceSession, lines: Sequence[Line], takes: Sequence[Take], settings: PaceSettings, most: int
) -> tuple[list[Take], list[Retaken], list[str]]:
    """Recognise the takes, and speak unintelligible lines again.

    Args:
        session: the voices and the recogniser; without a recogniser the takes are returned unchanged.
        lines: the spoken lines.
        takes: one for each line.
        settings: settings of the pace.
        most: maximum retakes of a line.

    Returns:
        The takes, with retakes; records of the lines that were not understood; and notes.
    """
    if session.ears.listener is None or most <= 0:
        return list(takes), [], []
    clips = [partial(clip_of, path_of(take.audio)) for take in takes]
    try:
        heard = hear_lines(session.ears, [line.text for line in lines], clips, session.store)
    except (PermanentError, ProviderBusyError) as error:  # speech is delivered unchecked rather than not at all
        return list(takes), [], [f"The takes were not checked by recognition: {error.what}"]
    kept, retakes = [], []
    for line, take, first in zip(lines, takes, heard, strict=True):
        if first.understanding.understood or session.recorded(line) is not None:
            kept.append(take)
            continue
        best, retaken = _again(session, line, take, first, settings, most)
        kept.append(best)
        retakes.append(retaken)
    return kept, retakes, _notes(retakes)


def _again(
    session: VoiceSession, line: Line, take: Take, first: HeardLine, settings: PaceSettings, most: int
) -> tuple[Take, Retaken]:
    tried: list[tuple[str, Take, HeardLine]] = [("", take, first)]
    for way, _ in zip(_ways(session, line, take), range(most), strict=False):
        again = session.again(line.model_copy(update={"text": way.text}), way.pace, way.reading, settings)
        heard = hear_line(session.ears, line.text, clip_of(path_of(again.audio)), session.store)
        tried.append((way.name, again, heard))
        if heard.understanding.understood and _fits(again, take, line):
            break
    fitting = [one for one in tried if _fits(one[1], take, line)]
    won, best, heard = min(fitting, key=lambda one: one[2].understanding.error)
    return best, Retaken(
        line=line.id,
        said=line.text,
        ways=tuple(name for name, _, _ in tried[1:]),
        won=won,
        heard=heard.text,
        before=first.understanding.error,
        after=heard.understanding.error,
        understood=heard.understanding.understood,
    )


def _ways(session: VoiceSession, line: Line, take: Take) -> Iterator[_Way]:
    """Each way once: another reading if the voice has several, another spelling, another pace, both."""
    text, facts = respelled(line.text, session.language), session.backend.facts
    if facts.varies:
        yield _Way("in another reading", line.text, take.pace, session.readings)
    if text != line.text:
        yield _Way("respelled", text, take.pace, session.readings + 1 if facts.varies else 0)
    if facts.paces:
        slot_ms = line.end_ms - line.start_ms
        slow = take.duration_ms / _SLOWER <= NATURAL_SPEED[1] * slot_ms
        paces = (("slower", _SLOWER), ("faster", _FASTER)) if slow else (("faster", _FASTER), ("slower", _SLOWER))
        for name, factor in paces:
            yield _Way(name, text, round(take.pace * factor, 2))
    elif facts.varies:
        yield _Way("in a third reading", text, take.pace, session.readings + 2)


def _fits(take: Take, first: Take, line: Line) -> bool:
    """Whether a take fits its slot, or is no further from it than the first take."""
    slot_ms = line.end_ms - line.start_ms
    if take is first or slot_ms <= 0:
        return True
    low, high = NATURAL_SPEED[0] * slot_ms, NATURAL_SPEED[1] * slot_ms
    return low <= take.duration_ms <= high or abs(take.duration_ms - slot_ms) <= abs(first.duration_ms - slot_ms)


def _notes(retaken: Sequence[Retaken]) -> list[str]:
    if not retaken:
        return []
    lost = [one for one in retaken if not one.understood]
    won = [one for one in retaken if one.understood]
    many = f"{len(retaken)} line{'s were' if len(retaken) != 1 else ' was'} not understood and spoken again"
    notes = [f"{many}: {len(won)} {'are' if len(won) != 1 else 'is'} understood now, {len(lost)} not."]
    notes += [f"Line {one.line} is understood now, {one.won}." if one.won else "" for one in won[:_SHOWN]]
    notes += [_lost(one) for one in lost[:_SHOWN]]
    if len(lost) > _SHOWN:
        notes.append(f"{len(lost) - _SHOWN} more lines are not understood: see the report.")
    return [note for note in notes if note]


def _lost(one: Retaken) -> str:
    tried = f" (tried {', '.join(one.ways)})" if one.ways else ""
    heard = f"“{_short(one.heard)}” was recognised" if one.heard else "nothing was recognised"
    return f"Line {one.line} is not understood{tried}: for “{_short(one.said)}”, {heard}."


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 80 else plain[:79] + "…"
