"""How much of the source's mouth is still there after the edit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import MouthPlan, MouthSeries

_FEWEST_FRAMES = 40
_FAR_S = 0.4  # from this shift on, the source's mouth is another one
_SHIFTS = 200


@dataclass(frozen=True, slots=True)
class Leak:
    """What the source's aperture explains of the seen one beyond the plan.

    Attributes:
        correlation: partial correlation, the plan held constant.
        share: of the source's motion that is still seen (the coefficient of the regression).
        noise: standard deviation of ``correlation`` for the same source shifted in time, which cannot have leaked; a
            correlation within twice of it means nothing.
    """

    correlation: float
    share: float
    noise: float


def source_leak(series: MouthSeries, plan: MouthPlan, source: MouthSeries) -> Leak | None:
    """Partial correlation of seen and source aperture given a cubic in the planned one, and its noise.

    The cubic takes up the bend of the tracker near the closed and the wide open mouth, which a line would leave in the
    remainder. The remainder is 2 to 4 % of the motion and moves slowly, so that a few seconds hold few independent
    values: the noise tells how few.

    Args:
        series: the mouth that is seen.
        plan: what was planned.
        source: the mouth of the source picture.

    Returns:
        ``None`` with fewer than 40 common frames, or where nothing moves.
    """
    times = series.times_s
    if source.valid.sum() < _FEWEST_FRAMES or not len(times):
        return None
    old = np.interp(times, source.times_s[source.valid], source.values[source.valid, 0].astype(np.float64))
    nearest = np.clip(np.searchsorted(source.times_s, times - 1e-6), 0, len(source.times_s) - 1)
    wanted = np.interp(times, plan.series.times_s, plan.series.values[:, 0])
    shown = series.valid & source.valid[nearest]
    if shown.sum() < _FEWEST_FRAMES:
        return None
    seen, old, wanted = series.values[shown, 0].astype(np.float64), old[shown], wanted[shown]
    scaled = (wanted - wanted.mean()) / (wanted.std() + 1e-9)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(scaled), scaled, scaled**2, scaled**3], axis=1))
    far = max(1, round(_FAR_S / max(float(np.median(np.diff(times))), 1e-3)))
    left = _remainder(basis, seen)
    steps = (
        np.unique(np.linspace(far, len(old) - far, _SHIFTS).astype(int)) if len(old) > 2 * far else np.array([], int)
    )
    own = _remainder(basis, old)
    if float(np.linalg.norm(left)) < 1e-9 or float(np.linalg.norm(own)) < 1e-9:
        return None
    shifted = [_cosine(left, _remainder(basis, np.roll(old, step))) for step in steps]
    noise = float(np.std(shifted)) if shifted else float("nan")
    return Leak(_cosine(left, own), float(left @ own / (own @ own)), noise)


def _remainder(basis: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - basis @ (basis.T @ values), np.float64)


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a @ b) / max(float(np.linalg.norm(a)) * float(np.linalg.norm(b)), 1e-12)
