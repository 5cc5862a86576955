"""The small immutable records that the engine's modules hand to each other. No behaviour, no heavy imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

#: Channels of a mouth vector, each a distance after pose normalisation, divided by the face's width.
#: MediaPipe mesh points: inner lips 13-14, mouth corners 61-291, chin to nose base 152-2, outer lips 0-17,
#: face width 234-454.
CHANNELS = ("aperture", "width", "jaw", "lip_height")


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound with its place on the audio's clock.

    Attributes:
        ipa: the segment in IPA, without stress marks (``"p"``, ``"aː"``, ``"t͡ʃ"``); ``""`` is silence.
        start_ms: start, integer milliseconds from the beginning of the audio.
        end_ms: end, exclusive; never before ``start_ms``.
        stress: 0 unstressed, 1 secondary, 2 primary (vowels only).
    """

    ipa: str
    start_ms: int
    end_ms: int
    stress: int = 0


@dataclass(frozen=True, slots=True)
class MouthSeries:
    """The mouth of one face over time, as measured in the picture or as planned for it.

    Attributes:
        times_s: float64 [T], presentation time of each frame in seconds, increasing.
        values: float32 [T, 4], the ``CHANNELS`` in units of face width; NaN where not valid.
        valid: bool [T], False where the face was not seen well enough.
    """

    times_s: NDArray[np.float64]
    values: FloatArray
    valid: BoolArray


@dataclass(frozen=True, slots=True)
class Habit:
    """How one speaker makes a sound; float32 [4] each in ``CHANNELS`` order.

    Attributes:
        offset: how far the speaker's target lies from the usual one, face widths.
        insistence: factor on how much the sound insists on its target.
    """

    offset: FloatArray
    insistence: FloatArray


@dataclass(frozen=True, slots=True)
class SpeakerStats:
    """What one speaker's mouth does in this title, in units of face width, each float32 [4] in ``CHANNELS`` order.

    Attributes:
        rest: median pose in silence (or the modal closed pose where the title has no silence).
        closed: pose at bilabial closure (aperture near 0).
        open: pose at the 95th percentile of aperture.
        low: 5th percentile of each channel.
        high: 95th percentile of each channel.
        std: standard deviation of each channel while speaking.
        frames: how many frames the figures come from.
        mean: mean of each channel while speaking; ``None`` where it is not known.
        chin_slope: face widths that the chin drops for each that the lips part; ``None`` where it is not known.
        pace: speed of the opening that one frame of speech in twenty exceeds, face widths a second; ``None``: not
            known.
        habits: how the speaker makes sounds: ``"phone:class"`` or ``"class:class"`` to the habit.
    """

    rest: FloatArray
    closed: FloatArray
    open: FloatArray
    low: FloatArray
    high: FloatArray
    std: FloatArray
    frames: int
    mean: FloatArray | None = None
    chin_slope: float | None = None
    pace: float | None = None
    habits: Mapping[str, Habit] = field(default_factory=dict)


Four = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """How the sounds' targets are moved, so that the dub opens as far and as variously as the speaker does.

    Attributes:
        gain: how much further from the centre each channel of the mouth goes.
        shift: face widths that each is moved by.
        centre: mean of each in the speech of the dub, face widths.
    """

    gain: Four
    shift: Four
    centre: Four


@dataclass(frozen=True, slots=True)
class Settled:
    """What the plan of one mouth takes from the whole of a dub; ``None`` where that is too short to tell.

    An edited dub is given what its unedited one came to: else one changed word would move every line a little.

    Attributes:
        spread: of the targets.
        stiffer: how much stiffer than usual the mouth is, so that it is no quicker than the speaker's.
        vowels_db: mean and standard deviation of the vowels' loudness.
        chin: face widths that the chin is lowered by for each that the lips part.
    """

    spread: Spread | None = None
    stiffer: float = 1.0
    vowels_db: tuple[float, float] | None = None
    chin: float | None = None


@dataclass(frozen=True, slots=True)
class MouthPlan:
    """Where the mouth shall be at each frame to speak the new words.

    Attributes:
        series: target ``MouthSeries`` in units of face width (all frames valid).
        closure: bool [T], the lips must touch (bilabial apex).
        labiodental: bool [T], the lower lip must reach the upper teeth.
        rest: bool [T], silence of 200 ms or more: the speaker's rest pose, without motion.
        speech: bool [T], some phone is being spoken.
        tongue: float32 [T], height of the tongue's front, 0 on the floor of the mouth to 1 behind the upper teeth;
            ``None`` where no phones are known.
        sound: int8 [T], the kind of sound that is spoken (`plan.kinds`); ``None`` where no phones made the plan.
        settled: what it took from the whole of the dub; ``None`` where no phones made it.
    """

    series: MouthSeries
    closure: BoolArray
    labiodental: BoolArray
    rest: BoolArray
    speech: BoolArray
    tongue: FloatArray | None = None
    sound: NDArray[np.int8] | None = None
    settled: Settled | None = None


def settled_of(stored: Mapping[str, Any]) -> Settled:
    """What was settled, from its fields as JSON has them."""
    spread, vowels = stored["spread"], stored["vowels_db"]
    return Settled(
        spread=None if spread is None else Spread(*(_four(spread[name]) for name in ("gain", "shift", "centre"))),
        stiffer=float(stored["stiffer"]),
        vowels_db=None if vowels is None else (float(vowels[0]), float(vowels[1])),
        chin=stored["chin"],
    )


def _four(values: Sequence[float]) -> Four:
    first, second, third, fourth = values
    return first, second, third, fourth
