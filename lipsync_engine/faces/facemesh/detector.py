"""Finds faces in a reduced picture (BlazeFace), and in parts of it where they are small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.models import FAR, NEAR, Model, Run, open_model
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.records import FloatArray

#: Least probability of a face (MediaPipe's own value for the far detector is .6, for the near one .5).
_LEAST = {FAR: 0.6, NEAR: 0.5}
#: Boxes of one picture that overlap more are one face.
_SAME = 0.3


@dataclass(frozen=True, slots=True)
class Detection:
    """One face.

    Attributes:
        box: float32 [4], left, top, right, bottom in pixels.
        eyes: float32 [2, 2], the eye on the left of an upright face first.
        score: probability.
    """

    box: FloatArray
    eyes: FloatArray
    score: float


class FaceDetector:
    """Both of MediaPipe's detectors on one device: one for faces anywhere, one for those that fill the picture."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._runs: dict[Model, Run] = {FAR: open_model(FAR, device)}
        self._anchors = {model: _anchors(model) for model in (FAR, NEAR)}

    def find(
        self, picture: Picture, box: tuple[int, int, int, int] | None = None, *, near: bool = False
    ) -> list[Detection]:
        """Faces in the picture, the surest first.

        Args:
            picture: where to look.
            box: only in this part (left, top, right, bottom).
            near: look for faces that fill the picture; else for faces of any size from a twentieth of it.
        """
        return self._run(NEAR if near else FAR, picture, box)

    def _run(self, model: Model, picture: Picture, box: tuple[int, int, int, int] | None) -> list[Detection]:
        if model not in self._runs:
            self._runs[model] = open_model(model, self._device)
        small, scale, left, top = picture.reduced(model.side, box)
        boxes, scores = _split(self._runs[model](small[None]))
        sure = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
        keep = np.flatnonzero(sure >= _LEAST[model])
        decoded = boxes[keep].reshape(-1, 8, 2).copy()
        decoded[:, [0, 2, 3, 4, 5, 6, 7]] += self._anchors[model][keep][:, None] * model.side
        corners = np.concatenate(
            [decoded[:, 0] - decoded[:, 1] / 2, decoded[:, 0] + decoded[:, 1] / 2, decoded[:, 2], decoded[:, 3]], axis=1
        )
        corners = corners * scale + np.array([left, top] * 4, np.float32)
        return _merge(corners.astype(np.float32), sure[keep].astype(np.float32))


def _split(out: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Boxes [n, 16] (centre, size, six points, in pixels of the input) and scores [n]."""
    scores, boxes = sorted((values[0] for values in out.values()), key=len)
    return boxes.reshape(-1, 16), scores


def _anchors(model: Model) -> FloatArray:
    """Centres of the detector's cells, float32 [n, 2], 0 to 1 (``ssd_anchors_calculator.cc``, sizes fixed to 1)."""
    layers = [(4, 1)] if model is FAR else [(8, 2), (16, 6)]
    out = []
    for stride, repeats in layers:
        cells = model.side // stride
        y, x = np.mgrid[:cells, :cells]
        out.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]) + 0.5, repeats, axis=0) / cells)
    return np.asarray(np.concatenate(out), np.float32)


def _merge(corners: FloatArray, scores: FloatArray) -> list[Detection]:
    """Weighted suppression: overlapping answers are averaged by their probability."""
    out = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        same = overlap(corners[left[0], :4], corners[left, :4]) > _SAME
        same[0] = True
        group = left[same]
        mean = np.average(corners[group], axis=0, weights=scores[group]).astype(np.float32)
        out.append(Detection(mean[:4], mean[4:].reshape(2, 2), float(scores[left[0]])))
        left = left[~same]
    return out


def overlap(box: NDArray[np.floating[Any]], boxes: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Intersection over union of a box, float [4] (left, top, right, bottom), with each of ``boxes``, float [n, 4]."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=1)
    area = np.prod(box[2:] - box[:2]) + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(inner / np.maximum(area - inner, 1e-6))
