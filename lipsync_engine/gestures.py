"""A phone timeline as timed gestures: which target holds when, and when the lips must touch or rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lipsync_engine.articulation import Contact, Target, segments, stressed, target
from lipsync_engine.records import Phone

SILENCE_S = 0.2  # a silence this long brings the mouth to rest
EASE_S = 0.12  # and takes this long at either end
_DIPHTHONG_SPLIT = 0.6


@dataclass(frozen=True, slots=True)
class Gesture:
    """One target, held from ``start_s`` to ``end_s``; times in seconds on the audio's clock."""

    start_s: float
    end_s: float
    goal: Target


@dataclass(frozen=True, slots=True)
class Touch:
    """A time span in which the lips (or lip and teeth) must touch."""

    start_s: float
    end_s: float
    contact: Contact

    @property
    def apex_s(self) -> float:
        """The middle of the contact."""
        return (self.start_s + self.end_s) / 2


def gestures_of(phones: Sequence[Phone]) -> tuple[Gesture, ...]:
    """Gestures of a timeline in time order; silences have none.

    A diphthong is two gestures at 60 and 40 percent (as in Rhubarb), other symbols of several sounds share
    evenly.
    """
    marked = any(p.stress for p in phones)
    found: list[Gesture] = []
    for phone in phones:
        sounds = segments(phone.ipa)
        if not sounds or phone.end_ms <= phone.start_ms:
            continue
        goals = [stressed(target(s), phone.stress, marked) if s.place == "vowel" else target(s) for s in sounds]
        edges = _edges(phone.start_ms / 1000, phone.end_ms / 1000, len(goals))
        found += [Gesture(a, b, goal) for a, b, goal in zip(edges, edges[1:], goals, strict=False)]
    return tuple(found)


def _edges(start: float, end: float, parts: int) -> list[float]:
    shares = [0.0, _DIPHTHONG_SPLIT, 1.0] if parts == 2 else [i / parts for i in range(parts + 1)]
    return [start + share * (end - start) for share in shares]


def touches_of(gestures: Sequence[Gesture]) -> tuple[Touch, ...]:
    """The spans of contact: from the sound's start to 75 % of it, 40 to 80 ms long (JALI; Rhubarb).

    Contacts of one kind that follow each other without a gap ("mb", "pp") stay closed in between.
    """
    found: list[Touch] = []
    for gesture in gestures:
        if not gesture.goal.contact:
            continue
        duration = gesture.end_s - gesture.start_s
        held = min(max(0.75 * duration, 0.04), 0.08, duration)
        middle = gesture.start_s + 0.45 * duration
        start = max(gesture.start_s, middle - held / 2)
        span = Touch(start, start + held, gesture.goal.contact)
        last = found[-1] if found else None
        if last and last.contact == span.contact and gesture.start_s - last.end_s < 0.04:
            found[-1] = Touch(last.start_s, span.end_s, last.contact)
        else:
            found.append(span)
    return tuple(found)


def rests_of(phones: Sequence[Phone], end_s: float) -> tuple[tuple[float, float], ...]:
    """Spans of motionless rest: silences of 200 ms or more, less 120 ms at each spoken edge.

    Args:
        phones: the timeline; gaps between phones are silence too.
        end_s: until when to look; beyond the last phone there is silence.

    Returns:
        (start, end) in seconds; a silence too short for both eases has a span of no length at its middle.
    """
    spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in phones if segments(p.ipa) and p.end_ms > p.start_ms]
    starts = [float("-inf")] + [end for _, end in spoken]
    ends = [start for start, _ in spoken] + [max(end_s, spoken[-1][1] if spoken else 0.0) + 10.0]
    rests = []
    for start, end in zip(starts, ends, strict=True):
        if end - start < SILENCE_S - 1e-9:
            continue
        first, last = start + EASE_S, end - EASE_S
        middle = (start + end) / 2
        rests.append((first, last) if last > first else (middle, middle))
    return tuple(rests)
