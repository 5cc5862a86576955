"""Assigns Kokoro's voices to speakers: the most similar in timbre and pitch, all different.

The voices were measured once (`configs/kokoro_voices.yaml`, `benchmarks.kokoro_voiceprints`); a speaker is measured on
a clip of the original.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from configs.kokoro import SpokenLanguage
from configs.kokoro_voices import Sound, sound_of
from tasks.records.script import Speaker
from tasks.synthesize import Matched

Direction = NDArray[np.float64]

#: Lent to a language with too few voices of its own, and those that are lent where these are too few as well.
_LENT = {"female": ("af_heart", "bf_emma"), "male": ("am_michael", "bm_george")}
_LENT_LAST = {"female": ("af_bella", "bf_isabella"), "male": ("am_fenrir", "am_puck")}
#: Weight of an octave, as cosine distance of voiceprints: men and women differ by most of one.
_OCTAVE = 0.3
#: Below and above, a speaker counts as male or female; in between, similarity decides.
_SURELY_DEEP_HZ, _SURELY_HIGH_HZ = 155.0, 175.0
#: Cost of a voice with another language's accent, and of one of the other sex.
_FOREIGN, _OTHER_SEX = 0.15, 0.5
#: Added for a voice that is lent last.
_LAST = 0.2
#: Distance of two unmeasured voices, typical of two strangers; median pitches of men and women.
_STRANGERS, _MALE_HZ, _FEMALE_HZ = 0.4, 120.0, 210.0
#: Minimum distance of two voices of one title, in the same measure.
APART = 0.08


def own_voices(table: SpokenLanguage) -> dict[str, list[str]]:
    """The voices of a language by sex, the best first, then the mixtures of two of them."""
    return {
        sex: [*names, *(f"{one}+{other}" for at, one in enumerate(names) for other in names[at + 1 :])]
        for sex, names in (("female", table.female), ("male", table.male))
    }


def lent_voices(table: SpokenLanguage, lent: Mapping[str, Sequence[str]] = _LENT) -> dict[str, list[str]]:
    """Mixtures of a language's voices with those of another language, by sex.

    Args:
        table: the language.
        lent: which of other languages, by sex.
    """
    return {
        sex: [f"{one}+{other}" for one in names for other in lent[sex] if one != other and other not in names]
        for sex, names in (("female", table.female), ("male", table.male))
    }


def match(
    table: SpokenLanguage,
    speakers: Sequence[Speaker],
    prints: Mapping[str, Direction],
    taken: Collection[str] = (),
) -> Matched:
    """A voice for every speaker, with the best total similarity, all different if there are enough voices.

    Args:
        table: the language.
        speakers: the speakers, with pitch if known.
        prints: speaker id to the speaker's embedding, unit vector, float64 [256]; may be empty.
        taken: voices that are already in use.

    Returns:
        The voices, and notes on what was chosen, lent or shared.
    """
    first, last = lent_voices(table), lent_voices(table, _LENT_LAST)
    rarely = {name for names in last.values() for name in names}
    lent = {name for names in first.values() for name in names} | rarely
    offer = {
        name: sex == "male" for voices in (own_voices(table), first, last) for sex in voices for name in voices[sex]
    }
    sounds = {name: sound_of(name) or _unmeasured(name, offer) for name in (*offer, *taken)}
    names = [name for name in offer if all(apart(sounds[name], sounds[one]) >= APART for one in taken)] or list(offer)
    cost = np.array(
        [
            [
                _unlike(speaker, prints.get(speaker.id), sounds[name])
                + _FOREIGN * (name in lent)
                + _LAST * (name in rarely)
                + _OTHER_SEX * _wrong(speaker, place, deep=offer[name], heard=speaker.id in prints)
                + 1e-4 * rank  # tie-break: the better voice
                for rank, name in enumerate(names)
            ]
            for place, speaker in enumerate(speakers)
        ]
    ).reshape(len(speakers), len(names))
    chosen = _assigned(cost, [sounds[name] for name in names])
    named = [(speaker.id, names[column]) for speaker, column in zip(speakers, chosen, strict=True)]
    notes = _notes(named, prints, lent, sounds)
    return Matched(dict(named), notes)


def apart(one: Sound, other: Sound) -> float:
    """Distance of two voices: the cosine distance of their voiceprints, plus their difference in pitch."""
    if one is other:
        return 0.0
    return _distance(one.direction, other.direction) + _octaves(one.pitch_hz, other.pitch_hz)


def _unlike(speaker: Speaker, direction: Direction | None, voice: Sound) -> float:
    sound = 0.0 if direction is None else _distance(direction, voice.direction)
    return sound + _octaves(speaker.pitch_hz, voice.pitch_hz)


def _distance(one: Direction, other: Direction) -> float:
    return float(1 - one @ other) if one.any() and other.any() else _STRANGERS


def _unmeasured(name: str, offer: Mapping[str, bool]) -> Sound:
    """A neutral sound for a voice that is not in the table; only its sex is known."""
    pitch_hz = 0.0 if name not in offer else _MALE_HZ if offer[name] else _FEMALE_HZ
    return Sound(np.zeros(256), pitch_hz)


def _octaves(one_hz: float, other_hz: float) -> float:
    return _OCTAVE * abs(math.log2(one_hz / other_hz)) if one_hz > 0 and other_hz > 0 else 0.0


def _wrong(speaker: Speaker, place: int, *, deep: bool, heard: bool) -> bool:
    """Whether a voice is of the other sex by the speaker's pitch; alternating if nothing is known of the speaker."""
    if speaker.pitch_hz > 0:
        return speaker.pitch_hz > _SURELY_HIGH_HZ if deep else speaker.pitch_hz < _SURELY_DEEP_HZ
    return not heard and deep != (place % 2 == 1)


def _assigned(cost: NDArray[np.float64], sounds: Sequence[Sound]) -> list[int]:
    """Columns for all rows with minimum total cost; a voice too close to another is replaced by the next best."""
    from scipy.optimize import linear_sum_assignment

    chosen = [0] * len(cost)
    for first in range(0, len(cost), len(sounds)):  # with more speakers than voices, voices are reused
        rows, columns = linear_sum_assignment(cost[first : first + len(sounds)])
        for row, column in zip(rows, columns, strict=True):
            chosen[first + row] = int(column)
    given: list[int] = []
    for row, column in enumerate(chosen):
        others = [*given, *chosen[row + 1 :]]
        nearest = [min((apart(sound, sounds[one]) for one in others), default=9.0) for sound in sounds]
        if nearest[column] < APART:
            free = [place for place in range(len(sounds)) if nearest[place] >= APART]
            column = min(free, key=lambda place: cost[row, place]) if free else int(np.argmin(cost[row] - nearest))
        given.append(column)
        chosen[row] = column
    return chosen


def _notes(
    named: Sequence[tuple[str, str]],
    prints: Mapping[str, Direction],
    lent: Collection[str],
    sounds: Mapping[str, Sound],
) -> tuple[str, ...]:
    notes = []
    like = [f"{who} {float(prints[who] @ sounds[name].direction):.2f}" for who, name in named if who in prints]
    if like:
        notes.append(f"Voices were chosen by similarity to the speakers (1 is identical): {', '.join(like)}.")
    if borrowed := [f"{who} ({name})" for who, name in named if name in lent]:
        notes.append(f"The language has too few voices: mixed with one of another language for {', '.join(borrowed)}.")
    near = [
        f"{one[0]} and {other[0]}"
        for one, other in combinations(named, 2)
        if apart(sounds[one[1]], sounds[other[1]]) < APART
    ]
    if near:
        notes.append(f"There are too few voices for all speakers: {', '.join(near[:5])} sound alike.")
    return tuple(notes)
