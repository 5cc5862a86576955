"""Whether a finished picture is as steady as its source: skin that shakes, light that flickers.

Speech itself moves cheeks and light: on one filmed speaker the second difference of "still" skin is six times larger
where the lips are accelerated most than where they rest. A dub that speaks faster than its source must not count as
unsteady for that, so both figures compare like with like.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses, to_canonical
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.faces.mouth import measured
from lipsync_engine.media.audio import runs

Values = NDArray[np.float64]

#: Skin that speech hardly moves but a bad warp would: nose foot and wings, upper cheeks.
_STILL_SKIN = (2, 97, 326, 98, 327, 49, 279, 129, 358, 50, 280, 101, 330, 36, 266)
#: Motion of the skin, face widths, that no tracker tells from none.
_JITTER_FLOOR = 2e-4
_CLASSES, _FEWEST = 4, 5
_BAND_HZ, _SHORTEST_S = (3.0, 12.0), 1.0


def jitter_ratio(before: FaceTrack, after: FaceTrack) -> float | None:
    """Shaking of still skin over the source's, at the source's own motion of the lips (1: as steady).

    Root-mean-square second difference of pose-normalised skin.

    Args:
        before: one person in the source.
        after: the same person and frames in the result.

    Returns:
        ``None`` where `at_the_same_motion` is.
    """
    ratio = at_the_same_motion(*_accelerations(before), *_accelerations(after), floor=_JITTER_FLOOR**2)
    return None if ratio is None else float(np.sqrt(ratio))


def at_the_same_motion(
    source_motion: Values, source: Values, motion: Values, result: Values, *, floor: float
) -> float | None:
    """Mean of ``result`` over mean of ``source``, as if the result moved as the source does (direct standardisation).

    Means are taken within four classes of equally many source frames by their motion, and over the classes as often as
    the source has them.

    Args:
        source_motion: float64 [N], how much the lips move at each frame of the source.
        source: float64 [N], the quantity there.
        motion: float64 [M], the same of the result.
        result: float64 [M].
        floor: least mean of the source that differs from none.

    Returns:
        ``None`` where no class has five frames on both sides.
    """
    if len(source_motion) < _FEWEST:
        return None
    edges = np.quantile(source_motion, np.linspace(0, 1, _CLASSES + 1)[1:-1])
    there, here = np.searchsorted(edges, source_motion), np.searchsorted(edges, motion)
    known = [k for k in range(_CLASSES) if min((there == k).sum(), (here == k).sum()) >= _FEWEST]
    if not known:
        return None
    weight = np.array([(there == k).sum() for k in known])
    old = weight @ [source[there == k].mean() for k in known] / weight.sum()
    new = weight @ [result[here == k].mean() for k in known] / weight.sum()
    return float(new / max(old, floor))


def _accelerations(track: FaceTrack) -> tuple[Values, Values]:
    """Second differences of the lips (root mean square) and of still skin (mean square), in runs of frames."""
    points = to_canonical(track.landmarks[:, [*LIPS, *_STILL_SKIN]], fit_poses(track.landmarks))[:, :, :2]
    second = points[2:] - 2 * points[1:-1] + points[:-2]
    second = second[(track.frame[2:] - track.frame[:-2]) == 2] ** 2
    lips, skin = second[:, : len(LIPS)], second[:, len(LIPS) :]
    return np.sqrt(lips.mean(axis=(1, 2))), skin.mean(axis=(1, 2))


def flicker(skin: NDArray[np.floating[Any]], track: FaceTrack) -> float | None:
    """Change of the skin's brightness between 3 and 12 Hz, levels of 255, root mean square over the points.

    What the mouth's own shape explains in that band (folds, shade of the lips) is taken out by least squares, since a
    dub opens at other times than its source.

    Args:
        skin: float [N, P], luma of points of the skin about the mouth, a row for each row of ``track``.
        track: one person.

    Returns:
        ``None`` without a run of a second.
    """
    rate = 1.0 / float(np.median(np.diff(track.times_s))) if len(track.times_s) > 1 else 0.0
    fewest = max(round(_SHORTEST_S * rate), _FEWEST * 2)
    if len(track.frame) < fewest:
        return None
    mouth = measured(track.landmarks, fit_poses(track.landmarks))[0].astype(np.float64)
    together = np.concatenate([np.diff(track.frame) == 1, [False]])
    spans = [(start, end + 1) for start, end in runs(together) if end + 1 - start >= fewest]
    if not spans:
        return None
    light = np.concatenate([_within_band(skin[start:end].astype(np.float64), rate) for start, end in spans])
    shape = np.concatenate([_within_band(np.hstack([m, m**2]), rate) for m in (mouth[a:b] for a, b in spans)])
    left = light - shape @ np.linalg.lstsq(shape, light, rcond=None)[0]
    return float(np.sqrt((left**2).sum(axis=0).mean() / sum(end - start for start, end in spans)))


def _within_band(values: Values, rate: float) -> Values:
    """Fourier coefficients [C, columns] of evenly sampled columns within the band.

    The sum of their squares over the number of samples is the variance there.
    """
    hz = np.fft.rfftfreq(len(values), 1 / rate)
    inside = (hz >= _BAND_HZ[0]) & (hz <= min(_BAND_HZ[1], rate / 2))
    taper = np.hanning(len(values))  # without it a slow change of light leaks into the band
    spectrum = np.fft.rfft((values - values.mean(axis=0)) * taper[:, None], axis=0)[inside]
    return np.asarray(np.concatenate([spectrum.real, spectrum.imag]) * np.sqrt(2 / (taper**2).sum()))
