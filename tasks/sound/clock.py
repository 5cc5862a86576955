"""The clock of a recording against the title's: a shift and a speed, found by robust regression. Pure timing maths.

A moment ``t`` of the title is heard in the recording at ``speed * t + shift``: 1.04 is a recording that was slowed by
four per cent. The word for it is ``slowness`` here, to keep the direction plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Ratios between the frame rates of film and television, as slowness of the recording.
FRAME_RATES = {
    "24 to 25": 24 / 25,
    "25 to 24": 25 / 24,
    "23.976 to 25": 24_000 / 25_025,
    "25 to 23.976": 25_025 / 24_000,
    "23.976 to 24": 1000 / 1001,
    "24 to 23.976": 1001 / 1000,
}
#: A ratio counts as one of these where that moves no line by more than this.
_SNAP_MS = 12.0
#: Nothing is moved for less than this: 20 ms are promised, and times are whole milliseconds.
_LEAST_MS = 19.0
#: Before any line was heard: actors are early or late by so much, and this is worth so many lines.
_EXPECTED_MS, _EXPECTED_WEIGHT = 20.0, 1
_FEWEST_FOR_SPEED = 3
_SHORTEST_FOR_SPEED_MS = 5_000.0
_OUTLIER = 3.5
_CERTAIN = 0.995  # one-sided

Anchors = NDArray[np.float64]  # [N, 2]: title ms, recording ms


@dataclass(frozen=True)
class Clock:
    """Where the title's moments are in a recording.

    Attributes:
        slowness: seconds of recording for each second of the title.
        shift_ms: where the title's start is in the recording.
        name: of the frame-rate conversion that it is, or empty.
    """

    slowness: float = 1.0
    shift_ms: float = 0.0
    name: str = ""

    def recording_ms(self, title_ms: float) -> float:
        """When a moment of the title is heard in the recording."""
        return self.slowness * title_ms + self.shift_ms

    def title_ms(self, recording_ms: float) -> float:
        """When a moment of the recording belongs in the title."""
        return (recording_ms - self.shift_ms) / self.slowness

    @property
    def same(self) -> bool:
        """Whether the recording runs with the title."""
        return self.slowness == 1.0 and self.shift_ms == 0.0


@dataclass(frozen=True)
class Fitted:
    """A clock and how well it is known.

    Attributes:
        clock: the recording's.
        scatter_ms: how far a single anchor lies from it (standard deviation of those that agree).
        error_ms: standard error of the clock at the worse end of the anchors.
        agreed: anchors that agree.
        anchors: of how many.
    """

    clock: Clock
    scatter_ms: float
    error_ms: float
    agreed: int
    anchors: int


def fit_clock(anchors: Anchors) -> Fitted:
    """The clock through a cloud of anchors, some of which may be wrong.

    Theil and Sen's line finds those that agree, least squares over them the clock. What the anchors cannot tell from
    nothing is nothing: a speed that could be chance (Student's t, 1 %) is 1, and a shift is none where it is below
    20 ms, chance, or twice the scatter of the lines. Few lines that happen to agree are not believed at once: their
    scatter is mixed with what actors usually have.

    Args:
        anchors: float64 [N, 2], the same moments on the title's and on the recording's clock, milliseconds.
    """
    if not len(anchors):
        return Fitted(Clock(), 0.0, 0.0, 0, 0)
    title, heard = anchors[:, 0], anchors[:, 1]
    span = float(np.ptp(title))
    with_speed = len(anchors) >= _FEWEST_FOR_SPEED and span >= _SHORTEST_FOR_SPEED_MS
    slope = _median_slope(anchors) if with_speed else 1.0
    away = heard - slope * title
    away -= np.median(away)
    near = np.abs(away) <= max(40.0, _OUTLIER * 1.4826 * float(np.median(np.abs(away))))
    agreed = anchors[near]
    middle = float(agreed[:, 0].mean())
    spread = float(np.sum((agreed[:, 0] - middle) ** 2))
    count = len(agreed)
    speed_error = 0.0
    if with_speed and count >= _FEWEST_FOR_SPEED and spread > 0:
        slope = float(np.sum((agreed[:, 0] - middle) * (agreed[:, 1] - agreed[:, 1].mean())) / spread)
        expected, certain = _expected(agreed, slope, 2)
        speed_error = expected / float(np.sqrt(spread))
        if abs(slope - 1) <= certain * speed_error:
            slope, speed_error = 1.0, 0.0
    else:
        slope = 1.0
    scatter = _scatter(agreed, slope)
    expected, certain = _expected(agreed, slope, 1 if slope == 1.0 else 2)
    reach = max(abs(agreed[:, 0].min() - middle), abs(agreed[:, 0].max() - middle))
    error = float(np.hypot(expected / np.sqrt(count), speed_error * reach))
    clock = _snapped(slope, agreed, error)
    spread_ms = float(np.std(heard - slope * title))  # of all, not only of those that agree
    if clock.slowness == 1.0 and abs(clock.shift_ms) <= max(_LEAST_MS, certain * error, 2 * scatter, spread_ms):
        clock = Clock()
    return Fitted(clock, round(scatter, 1), round(error, 1), count, len(anchors))


def _scatter(agreed: Anchors, slope: float) -> float:
    """Standard deviation of the anchors around the clock."""
    return float(np.std(agreed[:, 1] - slope * agreed[:, 0]))


def _expected(agreed: Anchors, slope: float, parameters: int) -> tuple[float, float]:
    """The scatter of the lines as it is believed, and how many standard errors make certainty."""
    from scipy.stats import t

    freedom = max(0, len(agreed) - parameters) + _EXPECTED_WEIGHT
    squares = _EXPECTED_WEIGHT * _EXPECTED_MS**2 + len(agreed) * _scatter(agreed, slope) ** 2
    return float(np.sqrt(squares / freedom)), float(t.ppf(_CERTAIN, freedom))


def _median_slope(anchors: Anchors) -> float:
    from scipy.stats import theilslopes

    step = max(1, len(anchors) // 1000)
    return float(theilslopes(anchors[::step, 1], anchors[::step, 0])[0])


def _snapped(slope: float, agreed: Anchors, error_ms: float) -> Clock:
    """The clock with that slowness, or with a frame-rate ratio that the anchors cannot tell from it."""
    reach = float(np.abs(agreed[:, 0] - agreed[:, 0].mean()).max())
    name = ""
    if slope != 1.0:
        nearest = min(FRAME_RATES, key=lambda known: abs(FRAME_RATES[known] - slope))
        if abs(FRAME_RATES[nearest] - slope) * reach <= min(_SNAP_MS, 2 * error_ms):
            name, slope = nearest, FRAME_RATES[nearest]
    shift = float(np.mean(agreed[:, 1] - slope * agreed[:, 0]))
    return Clock(slope, shift, name)


def beyond(clock: Clock, furthest_ms: float, speed: float) -> bool:
    """Whether a clock is further from the title's than is believed.

    Args:
        clock: as fitted.
        furthest_ms: largest shift.
        speed: largest difference in speed, as a share.
    """
    return abs(clock.shift_ms) > furthest_ms or abs(clock.slowness - 1) > speed + 1e-9


def mapped(spans: Sequence[tuple[int, int]], clock: Clock) -> list[tuple[int, int]]:
    """Spans of a recording on the title's clock."""
    return [(round(clock.title_ms(start)), round(clock.title_ms(end))) for start, end in spans]
