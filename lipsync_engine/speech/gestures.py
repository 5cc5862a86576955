"""A phone timeline as timed gestures: which target holds when, and when the lips must touch or rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import Phone
from lipsync_engine.speech.articulation import Contact, Target, segments, stressed, target

Mode = Literal["phoneme", "syllable"]
MODES: tuple[Mode, ...] = ("phoneme", "syllable")

SILENCE_S = 0.2  # a silence this long brings the mouth to rest
EASE_S = 0.12  # and takes this long at either end
_DIPHTHONG_SPLIT = 0.6
_TONGUE_ONLY = 0.15  # lip weight up to which a sound is made behind the lips
_TEMPO_WINDOW_S = 0.25
_RELEASED = 0.82  # share of a sound at which its contact ends
_SHUT_S, _TEETH_S = 0.08, 0.05  # how long a contact of the lips, or of lip and teeth, lasts at least
_GIVEN, _OPENING_S = 1 / 3, 0.08  # share that a sound gives to the next one's closure; what a vowel keeps at least
_TOO_SHORT_S = 0.04  # a sound of the tongue this short moves neither lips nor jaw (JALI: shorter than a frame)


@dataclass(frozen=True, slots=True)
class Gesture:
    """One target, held from ``start_s`` to ``end_s``; times in seconds on the audio's clock.

    Attributes:
        start_s: start.
        end_s: end.
        goal: what the mouth shall do.
        ipa: the phone that it is part of.
        nucleus: for a vowel the number of its phone from 1 on, which a diphthong's two halves share; else 0.
    """

    start_s: float
    end_s: float
    goal: Target
    ipa: str = ""
    nucleus: int = 0


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


def gestures_of(phones: Sequence[Phone], mode: Mode = "phoneme") -> tuple[Gesture, ...]:
    """Gestures of a timeline in time order; silences have none.

    A diphthong is two gestures at 60 and 40 percent (as in Rhubarb), other symbols of several sounds share
    evenly.

    Args:
        phones: the timeline.
        mode: ``"phoneme"``: every sound that the lips or the jaw show; ``"syllable"``: one opening a syllable, that of
            its nucleus, and the contacts: for cartoons and faces far away.
    """
    marked = any(p.stress for p in phones)
    found: list[Gesture] = []
    for number, phone in enumerate(phones, start=1):
        sounds = segments(phone.ipa)
        if not sounds or phone.end_ms <= phone.start_ms:
            continue
        goals = [stressed(target(s), phone.stress, marked) if s.place == "vowel" else target(s) for s in sounds]
        edges = _edges(phone.start_ms / 1000, phone.end_ms / 1000, len(goals))
        found += [
            Gesture(a, b, goal, phone.ipa, number if sound.place == "vowel" else 0)
            for a, b, goal, sound in zip(edges, edges[1:], goals, sounds, strict=False)
        ]
    return tuple(_syllables(found) if mode == "syllable" else _without_hurried_tongue(found))


def _syllables(gestures: list[Gesture]) -> list[Gesture]:
    """The contacts, and for every vowel or diphthong its widest target over all the time up to its neighbours."""
    kept: list[Gesture] = []
    for gesture in gestures:
        if not gesture.goal.contact and not gesture.nucleus:
            continue
        last = kept[-1] if kept else None
        if last and gesture.nucleus and last.nucleus == gesture.nucleus:
            goal = max(last.goal, gesture.goal, key=lambda goal: goal.aperture)
            kept[-1] = replace(last, end_s=gesture.end_s, goal=goal)
        else:
            kept.append(gesture)
    for number, (before, after) in enumerate(pairwise(kept)):
        if after.start_s - before.end_s >= SILENCE_S:
            continue
        meeting = (before.end_s + after.start_s) / 2 if before.nucleus and after.nucleus else before.end_s
        meeting = after.start_s if before.nucleus and after.goal.contact else meeting
        kept[number] = replace(before, end_s=meeting if before.nucleus else before.end_s)
        kept[number + 1] = replace(after, start_s=meeting if after.nucleus else after.start_s)
    return kept


def _without_hurried_tongue(gestures: list[Gesture]) -> list[Gesture]:
    """Drop what only a hurried tongue does: it would draw the lips of fast speech towards the middle."""
    return [
        g for g in gestures if g.goal.contact or g.goal.lip_weight > _TONGUE_ONLY or g.end_s - g.start_s >= _TOO_SHORT_S
    ]


def tempo_s(times_s: NDArray[np.float64], phones: Sequence[Phone]) -> NDArray[np.float64]:
    """Mean length of the sounds spoken within a quarter second of each moment, seconds; infinite in silence.

    Args:
        times_s: float64 [T], seconds.
        phones: what is said.

    Returns:
        float64 [T].
    """
    spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in phones if segments(p.ipa) and p.end_ms > p.start_ms]
    middles = np.array([(a + b) / 2 for a, b in spoken])
    lengths = np.concatenate([[0.0], np.cumsum([b - a for a, b in spoken])])
    first, last = (np.searchsorted(middles, times_s + side) for side in (-_TEMPO_WINDOW_S, _TEMPO_WINDOW_S))
    total = lengths[last] - lengths[first]
    return np.asarray(np.where(last > first, total / np.maximum(last - first, 1), np.inf), np.float64)


def _edges(start: float, end: float, parts: int) -> list[float]:
    shares = [0.0, _DIPHTHONG_SPLIT, 1.0] if parts == 2 else [i / parts for i in range(parts + 1)]
    return [start + share * (end - start) for share in shares]


def touches_of(gestures: Sequence[Gesture]) -> tuple[Touch, ...]:
    """The spans of contact: the first 82 % of a sound, but 80 ms for lips and 50 ms for teeth where there is room.

    The phone of a stop is often its burst alone, which lips that have been shut before it let go: 13 bilabials of six
    filmed speakers were seen shut for 67 ms and more (median 133), from up to 160 ms before the phone on. What is
    missing is taken from the sound before, but no more than a third of it, and a vowel keeps the time to open.

    Contacts of one kind that follow each other without a gap ("mb", "pp") stay closed in between.
    """
    found: list[Touch] = []
    for number, gesture in enumerate(gestures):
        if not gesture.goal.contact:
            continue
        earliest = _room_before(gestures[number - 1]) if number else float("-inf")
        end = gesture.start_s + _RELEASED * (gesture.end_s - gesture.start_s)
        least = _SHUT_S if gesture.goal.contact == "closure" else _TEETH_S
        span = Touch(min(max(end - least, earliest), gesture.start_s), end, gesture.goal.contact)
        last = found[-1] if found else None
        if last and last.contact == span.contact and gesture.start_s - last.end_s < 0.04:
            found[-1] = Touch(last.start_s, span.end_s, last.contact)
        else:
            found.append(span)
    return tuple(found)


def _room_before(gesture: Gesture) -> float:
    """From when on the lips may close in a sound for the next one, seconds."""
    given = gesture.end_s - _GIVEN * (gesture.end_s - gesture.start_s)
    return max(given, gesture.start_s + _OPENING_S) if gesture.nucleus else given


def rests_of(
    phones: Sequence[Phone], end_s: float, silence_s: float = SILENCE_S, ease_s: float = EASE_S
) -> tuple[tuple[float, float], ...]:
    """Spans of motionless rest: silences of 200 ms or more, less 120 ms at each spoken edge.

    Args:
        phones: the timeline; gaps between phones are silence too.
        end_s: until when to look; beyond the last phone there is silence.
        silence_s: the shortest silence that brings a mouth to rest.
        ease_s: what it takes at either end.

    Returns:
        (start, end) in seconds; a silence too short for both eases has a span of no length at its middle.
    """
    spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in phones if segments(p.ipa) and p.end_ms > p.start_ms]
    starts = [float("-inf")] + [end for _, end in spoken]
    ends = [start for start, _ in spoken] + [max(end_s, spoken[-1][1] if spoken else 0.0) + 10.0]
    rests = []
    for start, end in zip(starts, ends, strict=True):
        if end - start < silence_s - 1e-9:
            continue
        first, last = start + ease_s, end - ease_s
        middle = (start + end) / 2
        rests.append((first, last) if last > first else (middle, middle))
    return tuple(rests)
