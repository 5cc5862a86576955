"""The one streaming pass over the picture: face mesh, shots, identities, and what the mouth library needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.mesh import FaceMesh
from lipsync_engine.faces.facemesh.models import device_named
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.follow import Appearance, Follower
from lipsync_engine.faces.geometry import POINTS, fit_poses, typical_shape
from lipsync_engine.faces.identity import Place, merge_people
from lipsync_engine.faces.shots import CutFinder
from lipsync_engine.faces.stabilise import settled
from lipsync_engine.media import video
from lipsync_engine.media.filearray import FileArray, Spool
from lipsync_engine.records import BoolArray, FloatArray

Progress = Callable[[float, str], None]
Watch = Callable[[video.Frame, list[FloatArray]], None]
MAX_FACES = 4
#: Appearances shorter than this are noise of the detector.
_MIN_SPAN_S = 0.25
#: Correlation of nose and cheeks with their running mean below which they are partly covered.
_COVERED = 0.5
#: Pictures followed together, as far as this much memory holds them.
_CHUNK, _CHUNK_BYTES = 16, 64 << 20


class MeshSource:
    """Finds the faces of single pictures.

    Args:
        faces: most faces in one picture; the largest are kept.
    """

    def __init__(self, faces: int = MAX_FACES) -> None:
        self._follower = Follower(faces)

    def find(self, rgb: NDArray[np.uint8], index: int = 0) -> list[FloatArray]:
        """Meshes of the faces in one picture, uint8 [H, W, 3], each float32 [478, 3] in pixels, the largest first."""
        before = len(self._follower.seen)
        self._follower.take([Picture.of_rgb(rgb)], index)
        self._follower.end_shot()
        return [a.landmarks[0] for a in self._follower.seen[before:] if a.landmarks]


def track_faces(
    path: Path,
    progress: Progress | None = None,
    *,
    faces: int = MAX_FACES,
    watch: Watch | None = None,
    device: str = "cpu",
    mesh: FaceMesh | None = None,
    only: BoolArray | None = None,
    until_s: float | None = None,
    stabilise: bool = True,
) -> FaceTrack:
    """Follow every face of a title in one pass.

    Args:
        path: the picture.
        progress: called with (share done, message).
        faces: most faces in one frame.
        watch: called with every frame, in order, and the meshes found in it (as the network gives them).
        device: where the networks run: ``"cpu"``, a torch device, or ``"auto"`` (a GPU where there is one).
        mesh: the mesh network, if not the device's own.
        only: bool [T], frames in which faces are followed; ``None`` for all.
        until_s: the first frame from here on is the last one that is read; ``None`` for all.
        stabilise: take the mesh's jitter out by the skin's texture; else meshes are only smoothed.

    Raises:
        MediaError: the picture cannot be decoded.
        ModelError: the face networks are not installed.
    """
    facts = video.probe(path)
    following = _Following(facts, Follower(faces, device_named(device), mesh), watch, only)
    for frame in video.read(path, facts):
        following.see(frame)
        if progress and frame.index % 25 == 0:
            progress(min(1.0, frame.index / max(facts.frames, 1)), f"frame {frame.index}")
        if until_s is not None and frame.time_s >= until_s:
            break
    return _track(following, facts, stabilise)


def track_frames(
    frames: Iterable[video.Frame], facts: video.VideoFacts, *, first: int, faces: int = MAX_FACES
) -> FaceTrack:
    """Follow every face of some consecutive frames, as if they were the whole of a picture.

    Args:
        frames: in order.
        facts: of their picture.
        first: number of the first one; in the track it is frame 0.
        faces: most faces in one frame.
    """
    following = _Following(facts, Follower(faces), None, None)
    for frame in frames:
        frame.index -= first
        following.see(frame)
    return _track(following, facts, stabilise=True)


def _track(following: _Following, facts: video.VideoFacts, stabilise: bool) -> FaceTrack:
    seen = following.end()
    rate = float(facts.rate)
    least = _MIN_SPAN_S * rate if len(following.times) >= 8 else 1
    seen = [a for a in seen if a.landmarks and len(a.landmarks) >= least]
    size = np.array([facts.width, facts.height], np.int32)
    return _assemble(seen, np.array(following.times), np.array(following.shots, np.int32), size, rate, stabilise)


class _Following:
    """The pass: a picture waits until it is known whether a shot begins with it; then some are followed together.

    Args:
        facts: of the picture.
        follower: of the faces.
        watch: called with every frame, in order, and the meshes found in it.
        only: bool [T], frames in which faces are followed; ``None`` for all.

    Attributes:
        times: presentation time of each frame, seconds.
        shots: number of each frame's shot.
    """

    def __init__(
        self, facts: video.VideoFacts, follower: Follower, watch: Watch | None, only: BoolArray | None
    ) -> None:
        self.times: list[float] = []
        self.shots: list[int] = []
        self._facts, self._follower, self._watch, self._only = facts, follower, watch, only
        self._cuts = CutFinder(float(facts.rate))
        self._waiting: deque[video.Frame] = deque()
        self._chunk: list[video.Frame] = []
        self._size = _chunk_size(facts)

    def see(self, frame: video.Frame) -> None:
        """Take the next frame."""
        self.times.append(frame.time_s)
        self._waiting.append(frame)
        for cut in self._cuts.see(Picture(frame.planes, self._facts.colour)):
            self._decided(cut)

    def end(self) -> list[Appearance]:
        """Every face that was seen, after the last frame."""
        for cut in self._cuts.end():
            self._decided(cut)
        self._follow()
        return self._follower.seen

    def _decided(self, cut: bool) -> None:
        if cut or len(self._chunk) == self._size:
            self._follow()
        if cut:
            self._follower.end_shot()
        self.shots.append((self.shots[-1] if self.shots else 0) + int(cut))
        frame = self._waiting.popleft()
        if self._only is None or (frame.index < len(self._only) and self._only[frame.index]):
            self._chunk.append(frame)
        else:
            self._follow()
            self._follower.end_shot()

    def _follow(self) -> None:
        pictures = [Picture(frame.planes, self._facts.colour) for frame in self._chunk]
        meshes = self._follower.take(pictures, self._chunk[0].index) if self._chunk else []
        if self._watch:
            for frame, found in zip(self._chunk, meshes, strict=True):
                self._watch(frame, found)
        self._chunk.clear()


def _chunk_size(facts: video.VideoFacts) -> int:
    frame_bytes = facts.width * facts.height * 3 // 2 * (2 if facts.depth > 8 else 1)
    return max(2, min(_CHUNK, _CHUNK_BYTES // frame_bytes))


def _assemble(
    seen: list[Appearance],
    times: NDArray[np.float64],
    shots: NDArray[np.int32],
    size: NDArray[np.int32],
    rate: float,
    stabilise: bool,
) -> FaceTrack:
    seen = sorted(seen, key=lambda a: a.first)
    places = [Place(a.first, a.last, int(shots[a.first])) for a in seen]
    confidence, lengths = [], [len(a.landmarks) for a in seen]
    spool = Spool((POINTS, 3), np.float32)
    for appearance in seen:
        raw = appearance.landmarks.stored()
        confidence.append(_confidence(appearance, raw))
        errors = np.array(appearance.steadier.errors)
        for part in settled(raw, errors if stabilise else np.full_like(errors, np.nan), rate):
            spool.append(part)
    landmarks = spool.array()
    ends = np.cumsum([0, *lengths])
    meshes = [landmarks.rows(slice(a, b)) for a, b in pairwise(ends.tolist())]
    lights = [np.stack([look.light for look in a.looks]) for a in seen]
    shapes = [typical_shape(m, fit_poses(m)) for m in meshes]
    people = merge_people(places, shapes, [a.face.vectors() for a in seen], meshes, rate)

    def column(values: list[Any], kind: Any, shape: tuple[int, ...] = ()) -> Any:
        return np.concatenate(values).astype(kind, copy=False) if values else np.zeros((0, *shape), kind)

    track = FaceTrack(
        times_s=times.astype(np.float64),
        shots=shots,
        size=size,
        speech=np.zeros((0, 3), np.int64),
        frame=column([np.arange(p.first, p.last + 1) for p in places], np.int32),
        identity=column([np.full(n, p) for n, p in zip(lengths, people, strict=True)], np.int32),
        span=column([np.full(n, i) for i, n in enumerate(lengths)], np.int32),
        landmarks=landmarks,
        confidence=column(confidence, np.float32),
        sharpness=column([[look.sharpness for look in a.looks] for a in seen], np.float32),
        light=column(lights, np.float32, (3,)),
        thumb=column([np.stack([look.thumb for look in a.looks]) for a in seen], np.uint8, (16, 24)),
    )
    order = np.lexsort((track.frame, track.identity))
    return track if (np.diff(order) == 1).all() else track.rows(order)


def _confidence(appearance: Appearance, raw: FileArray) -> NDArray[np.float64]:
    """How sure each picture's mesh is: by the network, by the fit of the rigid points, by what covers the face."""
    presence = np.clip(2 * np.array(appearance.presence) - 1, 0, 1)
    bare = np.clip(np.array(appearance.steadier.likeness) / _COVERED, 0, 1)
    return np.asarray(presence * bare * np.exp(-((fit_poses(raw).residual / 0.055) ** 2)))
