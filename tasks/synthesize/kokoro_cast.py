"""Which of Kokoro's voices is whose: the one that is most like the speaker, in sound and in pitch, and no two alike.

How the voices sound was measured once (`configs/kokoro_voices.yaml`, `benchmarks.kokoro_voiceprints`); how a speaker
sounds is measured on a clip of the original.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from configs.kokoro import SpokenLanguage
from configs.kokoro_voices import Sound, sound_of
from tasks.records.model import Speaker
from tasks.synthesize import Matched

Direction = NDArray[np.float64]

#: Lent to a language whose own voices do not suffice.
_LENT = {"female": ("af_heart", "bf_emma"), "male": ("am_michael", "bm_george")}
#: What an octave counts, as cosine distance of voiceprints: men and women are most of one apart.
_OCTAVE = 0.3
#: Below and above, a speaker is taken for a man or a woman; between, likeness decides.
_SURELY_DEEP_HZ, _SURELY_HIGH_HZ = 155.0, 175.0
#: What a voice with another language's accent costs, and one of the other sex.
_FOREIGN, _OTHER_SEX = 0.15, 0.5
#: Distance of two voices of which nothing is known, as that of most strangers; medians of men and women.
_STRANGERS, _MALE_HZ, _FEMALE_HZ = 0.4, 120.0, 210.0
#: Two voices of one title are at least so far apart, in the same measure.
APART = 0.08


def own_voices(table: SpokenLanguage) -> dict[str, list[str]]:
    """The voices of a language by sex, the best first, then the mixtures of two of them."""
    return {
        sex: [*names, *(f"{one}+{other}" for at, one in enumerate(names) for other in names[at + 1 :])]
        for sex, names in (("female", table.female), ("male", table.male))
    }


def lent_voices(table: SpokenLanguage) -> dict[str, list[str]]:
    """Mixtures of a language's voices with those of another language, by sex."""
    return {
        sex: [f"{one}+{other}" for one in names for other in _LENT[sex] if one != other and other not in names]
        for sex, names in (("female", table.female), ("male", table.male))
    }


def match(
    table: SpokenLanguage,
    speakers: Sequence[Speaker],
    prints: Mapping[str, Direction],
    taken: Collection[str] = (),
) -> Matched:
    """A voice for every speaker, all together as like them as can be, no two alike as long as there are voices.

    Args:
        table: the language.
        speakers: who speaks, with the pitch where it is known.
        prints: speaker id to the unit vector [256] of that speaker; may be empty.
        taken: voices that others have.

    Returns:
        The voices, and notes on what was chosen, lent or shared.
    """
    lent = {name for names in lent_voices(table).values() for name in names}
    offer = {
        name: sex == "male"
        for voices in (own_voices(table), lent_voices(table))
        for sex in voices
        for name in voices[sex]
    }
    sounds = {name: sound_of(name) or _unmeasured(name, offer) for name in (*offer, *taken)}
    names = [name for name in offer if all(apart(sounds[name], sounds[one]) >= APART for one in taken)] or list(offer)
    cost = np.array(
        [
            [
                _unlike(speaker, prints.get(speaker.id), sounds[name])
                + _FOREIGN * (name in lent)
                + _OTHER_SEX * _wrong(speaker, place, deep=offer[name], heard=speaker.id in prints)
                + 1e-4 * rank  # of equals the better voice
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
    """How far two voices are from each other: the cosine distance of their voiceprints, and their pitch."""
    if one is other:
        return 0.0
    return _distance(one.direction, other.direction) + _octaves(one.pitch_hz, other.pitch_hz)


def _unlike(speaker: Speaker, direction: Direction | None, voice: Sound) -> float:
    sound = 0.0 if direction is None else _distance(direction, voice.direction)
    return sound + _octaves(speaker.pitch_hz, voice.pitch_hz)


def _distance(one: Direction, other: Direction) -> float:
    return float(1 - one @ other) if one.any() and other.any() else _STRANGERS


def _unmeasured(name: str, offer: Mapping[str, bool]) -> Sound:
    """What is taken for the sound of a voice that the table does not have: nothing but whether it is deep."""
    pitch_hz = 0.0 if name not in offer else _MALE_HZ if offer[name] else _FEMALE_HZ
    return Sound(np.zeros(256), pitch_hz)


def _octaves(one_hz: float, other_hz: float) -> float:
    return _OCTAVE * abs(math.log2(one_hz / other_hz)) if one_hz > 0 and other_hz > 0 else 0.0


def _wrong(speaker: Speaker, place: int, *, deep: bool, heard: bool) -> bool:
    """Whether a voice is of the other sex, as far as the pitch tells; by turns where nothing is known of a speaker."""
    if speaker.pitch_hz > 0:
        return speaker.pitch_hz > _SURELY_HIGH_HZ if deep else speaker.pitch_hz < _SURELY_DEEP_HZ
    return not heard and deep != (place % 2 == 1)


def _assigned(cost: NDArray[np.float64], sounds: Sequence[Sound]) -> list[int]:
    """Columns for all rows at the least cost in sum; whose voice is too near to another's takes the next best apart."""
    from scipy.optimize import linear_sum_assignment

    chosen = [0] * len(cost)
    for first in range(0, len(cost), len(sounds)):  # where there are more speakers than voices they are given again
        rows, columns = linear_sum_assignment(cost[first : first + len(sounds)])
        for row, column in zip(rows, columns, strict=True):
            chosen[first + row] = int(column)
    given: list[int] = []
    for row, column in enumerate(chosen):
        others = [*given, *chosen[row + 1 :]]
        nearest = [min((apart(sound, sounds[one]) for one in others), default=9.0) for sound in sounds]
        if nearest[column] < APART:
            free = [place for place in range(len(sounds)) if nearest[place] >= APART]
            column = min(free, key=lambda place: cost[row, place]) if free else int(np.argmax(nearest))
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
        notes.append(f"Voices were chosen by their likeness to the speakers (1 is the same): {', '.join(like)}.")
    if borrowed := [f"{who} ({name})" for who, name in named if name in lent]:
        notes.append(f"The language has too few voices: mixed with one of another language for {', '.join(borrowed)}.")
    near = [
        f"{one[0]} and {other[0]}"
        for one, other in combinations(named, 2)
        if apart(sounds[one[1]], sounds[other[1]]) < APART
    ]
    if near:
        notes.append(f"There are too few voices to tell all speakers apart: {', '.join(near[:5])} sound alike.")
    return tuple(notes)
