"""What the pixels of a finished picture tell against its source, and against the truth where that is known.

These figures decode the pictures once more, so `measure` has them and the report of a render has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.appearance import mouth_view
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import CHIN, JAW, NOSE_BASE, fit_poses, to_canonical
from lipsync_engine.faces.mesh import LIPS, LOWER_LIP, UPPER_LIP, lower_face
from lipsync_engine.faces.mouth import measured
from lipsync_engine.measure.steadiness import at_the_same_motion, flicker
from lipsync_engine.media import video
from lipsync_engine.records import FloatArray

Figures = dict[str, float | None]

#: Points on the red of the lips, off their edges: between the outer and the inner ring.
_RED = tuple(point for lip in (UPPER_LIP, LOWER_LIP) for ring in lip[1:3] for point in ring[2:-2])
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SHUT, _FEWEST = 0.1, 5
_FLICKER_FLOOR = 0.25  # levels of 255
_RESIDUAL_FLOOR = 0.25  # mean square, levels of 255
_LEAST_SIDE = 11  # pixels, the window of the structural similarity


def changed_figures(source: Path, before: FaceTrack, result: Path, after: FaceTrack) -> Figures:
    """The result against the source; both tracks are of one person, frame by frame the same.

    Args:
        source: the source picture.
        before: the person in it.
        result: the result.
        after: the person in that.

    Returns:
        flow_residual_ratio: what is left of a mouth's picture after the one before it is warped onto it by optical
            flow (the warping error of Lai et al. 2018), over the source's at the same motion of the lips; 1: as smooth.
        flicker_ratio: change of the light of the skin about the mouth at 3 to 12 Hz, over the source's (`flicker`).
        lip_colour_shift: earth mover's distance of the lips' colours, levels of 255, the worst of R, G and B.
        lip_thickness_ratio: height of the red of the closed lips over the source's; 1: the same lips.
        Each is None where it is not defined.
    """
    from scipy.stats import wasserstein_distance

    old, new = _seen(source, before), _seen(result, after)
    thick_old, thick_new = _thickness(before), _thickness(after)
    shift = None
    if len(old.colours) and len(new.colours):
        a, b = np.concatenate(old.colours), np.concatenate(new.colours)
        shift = float(max(wasserstein_distance(a[:, c], b[:, c]) for c in range(3)))
    ratio = at_the_same_motion(*old.values(), *new.values(), floor=_RESIDUAL_FLOOR)
    light_old, light_new = flicker(np.array(old.skin), before), flicker(np.array(new.skin), after)
    return {
        "flicker_ratio": light_new / max(light_old, _FLICKER_FLOOR) if light_old is not None and light_new else None,
        "flow_residual_ratio": None if ratio is None else float(np.sqrt(ratio)),
        "lip_colour_shift": shift,
        "lip_thickness_ratio": thick_new / thick_old if thick_old and thick_new else None,
    }


@dataclass(slots=True)
class _Seen:
    motion: list[float] = field(default_factory=list)
    residual: list[float] = field(default_factory=list)
    colours: list[NDArray[np.uint8]] = field(default_factory=list)
    skin: list[FloatArray] = field(default_factory=list)

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array(self.motion), np.array(self.residual)


def _seen(picture: Path, track: FaceTrack) -> _Seen:
    out, last, last_frame = _Seen(), np.zeros((0, 0), np.uint8), -2
    facts = video.probe(picture)
    lips = to_canonical(track.landmarks[:, LIPS], fit_poses(track.landmarks))[:, :, :2]
    for row, frame in _rows(picture, track):
        view, mesh = Picture(frame.planes, facts.colour), track.landmarks[row]
        mouth = mouth_view(view, mesh)
        out.colours.append(view.colours(mesh[list(_RED), :2]))
        out.skin.append(view.colours(mesh[list(_skin()), :2]) @ _LUMA)
        if frame.index == last_frame + 1:
            out.motion.append(float(np.sqrt(((lips[row] - lips[row - 1]) ** 2).mean())))
            out.residual.append(_left_by_flow(last, mouth))
        last, last_frame = mouth, frame.index
    return out


@lru_cache(maxsize=1)
def _skin() -> tuple[int, ...]:
    """Points of the skin that speech moves: not the lips, and not the contour, where the background begins."""
    return tuple(sorted(set(lower_face()) - set(LIPS) - set(JAW)))


def _left_by_flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Mean square of what a dense flow (Farneback 2003) does not explain."""
    flow = cv2.calcOpticalFlowFarneback(after, before, np.zeros((*after.shape, 2), np.float32), 0.5, 3, 9, 3, 5, 1.1, 0)
    rows, columns = np.mgrid[: after.shape[0], : after.shape[1]].astype(np.float32)
    warped = cv2.remap(
        before, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
    )
    return float(((after.astype(np.float64) - warped) ** 2).mean())


def _thickness(track: FaceTrack) -> float | None:
    """Median height of both lips' red where the mouth is most closed, face widths."""
    if len(track.frame) < _FEWEST:
        return None
    mouth = measured(track.landmarks, fit_poses(track.landmarks))[0]
    shut = mouth[:, 0] <= np.quantile(mouth[:, 0], _SHUT)
    return float(np.median((mouth[:, 3] - mouth[:, 0])[shut]))


def truth_figures(truth: Path, person: FaceTrack, result: Path) -> Figures:
    """The result against the picture it should have become, over the mouth from the nose's base to below the chin.

    Args:
        truth: real footage of the same words, frame by frame.
        person: who speaks, in either: the head stands alike in both.
        result: the picture to judge.

    Returns:
        mouth_psnr, mouth_gradient_psnr (dB) and mouth_ssim of the luma, means over the frames.
    """
    rows: dict[str, list[float]] = {"mouth_psnr": [], "mouth_gradient_psnr": [], "mouth_ssim": []}
    facts = video.probe(truth), video.probe(result)
    units = [255.0 / (2**f.depth - 1) for f in facts]
    wanted = {int(frame): row for row, frame in enumerate(person.frame)}
    for true, got in zip(video.read(truth, facts[0]), video.read(result, facts[1]), strict=False):
        row = wanted.get(true.index)
        if row is None or true.planes[0].shape != got.planes[0].shape:
            continue
        box = _mouth_box(person.landmarks[row])
        a, b = (f.planes[0][box].astype(np.float32) * unit for f, unit in zip((true, got), units, strict=True))
        if min(a.shape) < _LEAST_SIDE:
            continue
        rows["mouth_psnr"].append(psnr(a, b))
        rows["mouth_gradient_psnr"].append(psnr(slope(a), slope(b)))
        rows["mouth_ssim"].append(ssim(a, b))
    return {name: float(np.mean(values)) if values else None for name, values in rows.items()}


def _mouth_box(mesh: FloatArray) -> tuple[slice, slice]:
    points = mesh[[*LIPS, CHIN, NOSE_BASE], :2]
    margin = 0.05 * float(np.ptp(mesh[:, 0]))
    left, top = np.maximum(np.floor(points.min(axis=0) - (margin, 0)), 0).astype(int)
    right, bottom = np.maximum(np.ceil(points.max(axis=0) + margin), 0).astype(int)
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def slope(image: FloatArray) -> FloatArray:
    """Length of the gradient of a picture, float32 [h, w]."""
    across, down = (cv2.Sobel(image, cv2.CV_32F, x, 1 - x, scale=0.25) for x in (1, 0))
    return np.asarray(np.hypot(across, down), np.float32)


def ssim(a: FloatArray, b: FloatArray) -> float:
    """Structural similarity of two pictures (Wang et al. 2004, Gaussian window of 1.5 pixels).

    Args:
        a: float32 [h, w], 0 to 255.
        b: float32 [h, w], 0 to 255.
    """
    from skimage.metrics import structural_similarity

    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=255.0, **wang))


def psnr(a: FloatArray, b: FloatArray) -> float:
    """Peak signal to noise of two pictures, float32 [h, w] of 0 to 255, in dB; of equal ones 68."""
    return float(10 * np.log10(255.0**2 / max(float(((a - b) ** 2).mean()), 1e-2)))


def _rows(picture: Path, track: FaceTrack) -> Iterator[tuple[int, video.Frame]]:
    """The frames in which the person is seen, with the person's row."""
    wanted = {int(frame): row for row, frame in enumerate(track.frame)}
    for frame in video.read(picture, video.probe(picture)):
        row = wanted.get(frame.index)
        if row is not None:
            yield row, frame
