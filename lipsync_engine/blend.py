"""Put the observation's mouth into the target frame: same light, no seam, nothing outside the mask."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.video import Planes
from lipsync_engine.warp import Field, chroma_map, sample

Image = NDArray[np.float32]


def compose(
    target: Planes,
    field: Field,
    observations: list[tuple[Planes, tuple[int, int]]],
    shares: list[float],
    width_px: float,
) -> None:
    """Write the edited region into ``target`` in place.

    Args:
        target: planes of the frame; changed only where ``field.inside``.
        field: maps of this frame.
        observations: for each patch map its planes and the (left, top) of those planes in their frame.
        shares: weight of each observation, adding up to 1.
        width_px: pixels for a face width, the unit of the light match's reach.
    """
    for index in range(3):
        half = index > 0
        base_map = chroma_map(field.base) if half else field.base
        alpha = _half(field.alpha) if half else field.alpha
        inside = _half(field.inside.astype(np.float32)) > 0 if half else field.inside
        view = _view(target[index], field, half)
        base = sample(view, base_map)
        patch = np.zeros_like(base)
        for where, (planes, (left, top)), share in zip(field.patches, observations, shares, strict=True):
            local = where - np.array([left, top], np.float32)
            patch += share * sample(planes[index], chroma_map(local) if half else local)
        patch += _light(base, patch, alpha, width_px / (2 if half else 1))
        mixed = base + alpha * (patch - base)
        top_value = 1023 if view.dtype == np.uint16 else 255
        view[inside] = np.clip(np.rint(mixed[inside]), 0, top_value).astype(view.dtype)


def _view(plane: NDArray[np.generic], field: Field, half: bool) -> NDArray[np.generic]:
    step = 2 if half else 1
    r = field.region
    return plane[r.top // step : (r.top + r.height) // step, r.left // step : (r.left + r.width) // step]


def _half(image: Image) -> Image:
    size = (image.shape[1] // 2, image.shape[0] // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _light(base: Image, patch: Image, alpha: Image, width_px: float) -> Image:
    """Smooth difference of light, measured on the skin around the mouth and carried inwards (a membrane)."""
    height, width = base.shape
    small = (max(4, width // 4), max(4, height // 4))
    weight = np.where((alpha > 0.02) & (alpha < 0.75), 1.0, 0.0).astype(np.float32)
    ring = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    difference = cv2.resize(weight * (base - patch), small, interpolation=cv2.INTER_AREA)
    sigma = max(0.09 * width_px / 4, 0.8)
    spread = cv2.GaussianBlur(ring, (0, 0), sigma)
    smooth = cv2.GaussianBlur(difference, (0, 0), sigma)
    wide = cv2.GaussianBlur(ring, (0, 0), 3 * sigma)
    far = cv2.GaussianBlur(difference, (0, 0), 3 * sigma) / (wide + 1e-4)
    near = (smooth + 0.05 * far) / (spread + 0.05)
    return np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
