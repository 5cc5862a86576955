"""The one streaming pass over the picture: face mesh, shots, identities, and what the mouth library needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine import video
from lipsync_engine.facetrack import FaceTrack, smooth
from lipsync_engine.geometry import POINTS, fit_poses, to_canonical
from lipsync_engine.identity import merge_people
from lipsync_engine.records import FloatArray

Progress = Callable[[float, str], None]
Watch = Callable[[video.Frame, list[FloatArray]], None]
MAX_FACES = 4
#: Histogram distance (Bhattacharyya) above which two frames belong to different shots.
_CUT = 0.42
#: Appearances shorter than this are noise of the detector.
_MIN_SPAN_S = 0.25


@dataclass(slots=True)
class _Span:
    """A face followed without interruption."""

    first: int
    landmarks: list[FloatArray] = field(default_factory=list)
    looks: list[tuple[float, FloatArray, NDArray[np.uint8]]] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.first + len(self.landmarks) - 1


class MeshSource:
    """MediaPipe face mesh over the picture; where that sees nobody, over a crop around a far-away face."""

    def __init__(self, faces: int = MAX_FACES) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        from mediapipe.python.solutions import face_detection, face_mesh

        def mesh() -> Any:
            return face_mesh.FaceMesh(max_num_faces=faces, refine_landmarks=True, min_detection_confidence=0.5)

        self._whole, self._close = mesh(), mesh()
        self._far = face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5)
        self._crop: tuple[int, int, int, int] | None = None
        self._misses = 0

    def find(self, rgb: NDArray[np.uint8], index: int) -> list[FloatArray]:
        """Meshes of the faces in one frame, each float32 [478, 3] in pixels."""
        height, width = rgb.shape[:2]
        if self._crop is None:
            found = _meshes(self._whole, rgb, (0, 0, width, height))
            if found or index % 5:
                return found
            self._crop = self._look_far(rgb)
        if self._crop is None:
            return []
        found = _meshes(self._close, rgb, self._crop)
        self._misses = 0 if found else self._misses + 1
        if self._misses > 5:
            self._crop, self._misses = None, 0
        return found

    def _look_far(self, rgb: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
        height, width = rgb.shape[:2]
        detections = self._far.process(rgb).detections or []
        boxes = [d.location_data.relative_bounding_box for d in detections]
        if not boxes:
            return None
        reach = max(max(b.width * width, b.height * height) for b in boxes)
        left = min(b.xmin for b in boxes) * width - reach
        top = min(b.ymin for b in boxes) * height - reach
        right = max(b.xmin + b.width for b in boxes) * width + reach
        bottom = max(b.ymin + b.height for b in boxes) * height + reach
        return max(0, int(left)), max(0, int(top)), min(width, int(right)), min(height, int(bottom))

    def close(self) -> None:
        """Free the models."""
        for model in (self._whole, self._close, self._far):
            model.close()


def _meshes(model: Any, rgb: NDArray[np.uint8], box: tuple[int, int, int, int]) -> list[FloatArray]:
    left, top, right, bottom = box
    crop = np.ascontiguousarray(rgb[top:bottom, left:right])
    if min(crop.shape[:2]) < 16:
        return []
    out = []
    for face in model.process(crop).multi_face_landmarks or []:
        points = np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32)
        scale = np.array([right - left, bottom - top, right - left], np.float32)
        points = points * scale + np.array([left, top, 0], np.float32)
        if points.shape[0] == POINTS and np.isfinite(points).all():
            out.append(points)
    return out


def track_faces(
    path: Path, progress: Progress | None = None, *, faces: int = MAX_FACES, watch: Watch | None = None
) -> FaceTrack:
    """Follow every face of a title in one pass.

    Args:
        path: the picture.
        progress: called with (share done, message).
        faces: most faces in one frame.
        watch: called with every frame and the meshes found in it.

    Raises:
        MediaError: the picture cannot be decoded.
    """
    facts = video.probe(path)
    source = MeshSource(faces)
    open_spans: list[_Span] = []
    closed: list[_Span] = []
    times: list[float] = []
    shots: list[int] = []
    histogram: FloatArray | None = None
    try:
        for frame in video.read(path, facts):
            rgb = frame.rgb()
            histogram, cut = _cut(frame.planes, histogram)
            shots.append((shots[-1] if shots else 0) + int(cut))
            times.append(frame.time_s)
            if cut:
                closed, open_spans = closed + open_spans, []
            meshes = source.find(rgb, frame.index)
            if watch:
                watch(frame, meshes)
            _link(open_spans, meshes, frame.index, rgb)
            closed += [s for s in open_spans if s.last < frame.index]
            open_spans = [s for s in open_spans if s.last == frame.index]
            if progress and frame.index % 25 == 0:
                progress(min(1.0, frame.index / max(facts.frames, 1)), f"frame {frame.index}")
    finally:
        source.close()
    spans = [s for s in closed + open_spans if len(s.landmarks) >= _MIN_SPAN_S * float(facts.rate) or len(times) < 8]
    size = np.array([facts.width, facts.height], np.int32)
    return _assemble(spans, np.array(times), np.array(shots, np.int32), size, float(facts.rate))


def _cut(planes: video.Planes, before: FloatArray | None) -> tuple[FloatArray, bool]:
    small = [cv2.resize(p, (64, 36), interpolation=cv2.INTER_AREA) for p in planes]
    top = 1024 if planes[0].dtype == np.uint16 else 256
    counts = [cv2.calcHist([p], [0], None, [32], [0, top]).ravel() for p in small]
    now = np.concatenate(counts).astype(np.float32)
    now /= max(float(now.sum()), 1.0)
    if before is None:
        return now, False
    return now, cv2.compareHist(before, now, cv2.HISTCMP_BHATTACHARYYA) > _CUT


def _link(spans: list[_Span], faces: list[FloatArray], index: int, rgb: NDArray[np.uint8]) -> None:
    """Give each mesh to the span whose last face is nearest in place and size; start spans for the others."""
    free = [s for s in spans if s.last == index - 1]
    for mesh in sorted(faces, key=lambda m: -float(np.ptp(m[:, 0]))):
        width = float(np.ptp(mesh[:, 0])) + 1e-6
        middle = mesh[:, :2].mean(axis=0)
        costs = [float(np.linalg.norm(s.landmarks[-1][:, :2].mean(axis=0) - middle)) / width for s in free]
        if costs and min(costs) < 0.5:
            span = free.pop(int(np.argmin(costs)))
        elif any(_overlaps(s, mesh, index) for s in spans):
            continue
        else:
            span = _Span(index)
            spans.append(span)
        span.landmarks.append(mesh)
        span.looks.append(_look(rgb, mesh))


def _overlaps(span: _Span, mesh: FloatArray, index: int) -> bool:
    """The mesh found the same face twice in this frame."""
    if span.last != index:
        return False
    gap = np.linalg.norm(span.landmarks[-1][:, :2].mean(axis=0) - mesh[:, :2].mean(axis=0))
    return bool(gap < 0.4 * np.ptp(mesh[:, 0]))


def _look(rgb: NDArray[np.uint8], mesh: FloatArray) -> tuple[float, FloatArray, NDArray[np.uint8]]:
    """Sharpness and pose-normalised thumbnail of the mouth, colour of the cheeks."""
    left, right = mesh[33, :2], mesh[263, :2]
    axis = right - left
    unit = float(np.linalg.norm(axis)) + 1e-6
    mouth = mesh[[61, 291, 2, 152], :2].mean(axis=0)
    scale = 60.0 / unit
    turn = np.array([[axis[0], axis[1]], [-axis[1], axis[0]]]) / unit * scale
    matrix = np.hstack([turn, (np.array([48, 32]) - turn @ mouth)[:, None]])
    patch = cv2.warpAffine(rgb, matrix, (96, 64), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    luma = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(luma[8:56, 12:84], cv2.CV_32F).var())
    thumb = np.asarray(cv2.resize(luma, (24, 16), interpolation=cv2.INTER_AREA), np.uint8)
    cheeks = np.round(mesh[[50, 280, 205, 425, 36, 266], :2]).astype(int)
    inside = np.clip(cheeks, 0, np.array(rgb.shape[1::-1]) - 1)
    return sharpness, rgb[inside[:, 1], inside[:, 0]].mean(axis=0).astype(np.float32), thumb


def _assemble(
    spans: list[_Span],
    times: NDArray[np.float64],
    shots: NDArray[np.int32],
    size: NDArray[np.int32],
    rate: float,
) -> FaceTrack:
    raw = [np.stack(s.landmarks) for s in spans]
    meshes = [smooth(r, rate) for r in raw]
    confidence = [np.exp(-((fit_poses(r).residual / 0.055) ** 2)) for r in raw]
    lights = [np.stack([light for _, light, _ in s.looks]) for s in spans]
    shapes = [np.median(to_canonical(m, fit_poses(m)), axis=0) for m in meshes]
    firsts = [(s.first, s.last, int(shots[s.first])) for s in spans]
    people = merge_people(firsts, shapes, [np.median(light, axis=0) for light in lights], meshes)

    def column(values: list[Any], kind: Any, shape: tuple[int, ...] = ()) -> Any:
        return np.concatenate(values).astype(kind) if values else np.zeros((0, *shape), kind)

    lengths = [len(r) for r in raw]
    track = FaceTrack(
        times_s=times.astype(np.float64),
        shots=shots,
        size=size,
        speech=np.zeros((0, 3), np.int64),
        frame=column([np.arange(s.first, s.last + 1) for s in spans], np.int32),
        identity=column([np.full(n, p) for n, p in zip(lengths, people, strict=True)], np.int32),
        span=column([np.full(n, i) for i, n in enumerate(lengths)], np.int32),
        landmarks=column(meshes, np.float32, (POINTS, 3)),
        confidence=column(confidence, np.float32),
        sharpness=column([[v for v, _, _ in s.looks] for s in spans], np.float32),
        light=column(lights, np.float32, (3,)),
        thumb=column([np.stack([t for _, _, t in s.looks]) for s in spans], np.uint8, (16, 24)),
    )
    return track.rows(np.lexsort((track.frame, track.identity)))
