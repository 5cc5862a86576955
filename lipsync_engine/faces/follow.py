"""Follows faces from picture to picture: finds newcomers, loses who leaves, keeps two tracks off one face."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.appearance import Look, alike, face_view, front_view, look_of
from lipsync_engine.faces.facemesh import regions
from lipsync_engine.faces.facemesh.detector import Detection, FaceDetector
from lipsync_engine.faces.facemesh.mesh import SIDE, FaceMesh
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.frontal import MeanFace
from lipsync_engine.faces.geometry import POINTS, misfit
from lipsync_engine.faces.stabilise import Steadier
from lipsync_engine.media.filearray import FileArray, Spool
from lipsync_engine.records import FloatArray

#: Probability of a face below which it is lost (MediaPipe's own value).
_PRESENT = 0.5
#: Misfit of the rigid points (face widths) that no face has: the mesh has slipped off.
_MISFIT = 0.16
#: Correlation of a face with itself in the picture before below which it is another, or covered.
_STRANGER = 0.7
#: Smallest face that is followed, pixels across.
_SMALLEST = 12.0
#: Centres nearer than this (face widths) are one face.
_SAME = 0.4
#: Where the network likes batches, it runs on every fourth picture first; the regions between are interpolated.
_STRIDE = 4
#: Movement between two such pictures (region sides) above which the pictures between are followed one by one.
_FAST = 0.12
_BATCH = 64
#: Parts in which small faces are searched, as a share of the picture's longer side.
_PART = 0.4
#: Pictures between two searches for newcomers while somebody is followed.
_SEARCH = 16


class Meshes:
    """The meshes of one appearance in order, float32 [478, 3] each; they lie in a spool, not in memory."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._at = spool, array("q")

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, number: int) -> FloatArray:
        return self._spool.array()[self._at[number]]

    def append(self, mesh: FloatArray) -> None:
        """Add the next picture's mesh, float32 [478, 3], pixels."""
        self._at.append(self._spool.append(mesh[None]))

    def stored(self) -> FileArray:
        """All of them, float32 [n, 478, 3]."""
        return self._spool.array(np.array(self._at, np.int64))


@dataclass(slots=True)
class Appearance:
    """A face followed without interruption; what is listed runs over the frames from ``first``."""

    first: int
    landmarks: Meshes
    presence: list[float] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    steadier: Steadier = field(default_factory=Steadier)
    face: MeanFace = field(default_factory=MeanFace)
    view: NDArray[np.uint8] | None = None

    @property
    def last(self) -> int:
        """Number of the last frame in which the face is seen."""
        return self.first + len(self.landmarks) - 1


@dataclass(slots=True)
class _Path:
    """What the network saw along some pictures, until the face was lost."""

    landmarks: list[FloatArray] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    views: list[NDArray[np.uint8]] = field(default_factory=list)


class Follower:
    """Follows up to ``faces`` faces through one title.

    Args:
        faces: most faces in one picture; the largest are kept.
        device: where the networks run.
        mesh: the mesh network, if not the device's own.
    """

    def __init__(self, faces: int, device: str = "cpu", mesh: FaceMesh | None = None) -> None:
        self._faces = faces
        self._mesh = mesh or FaceMesh(device)
        self._detector = FaceDetector(device)
        self._alive: list[Appearance] = []
        self._fresh = True
        self._part = 0
        self._since = 0
        self._spool = Spool((POINTS, 3), np.float32)
        self.seen: list[Appearance] = []

    def take(self, pictures: list[Picture], first: int) -> list[list[FloatArray]]:
        """Follow through consecutive pictures of one shot.

        Args:
            pictures: at least one.
            first: number of the first one.

        Returns:
            The meshes found in each picture, float32 [478, 3] each.
        """
        starts = [a.landmarks[-1] for a in self._alive]
        if self._fresh:
            starts = self._newcomers(pictures[0], [], self._parts(pictures[0]))
            self._alive = [Appearance(first, Meshes(self._spool)) for _ in starts]
            self.seen += self._alive
            self._fresh = False
        paths = self._along(pictures, starts)
        self._part_doubles(paths, starts)
        self._part_strangers(paths, pictures)
        for appearance, path in zip(self._alive, paths, strict=True):
            self._extend(appearance, pictures, first, path)
        end = first + len(pictures) - 1
        lost = any(a.last != end for a in self._alive)
        self._alive = [a for a in self._alive if a.last == end and a.landmarks]
        self._find_newcomers(pictures, first, paths, now=lost)
        here = [a for a in self.seen if a.landmarks and a.last >= first]
        numbers = range(first, first + len(pictures))
        return [[a.landmarks[n - a.first] for a in here if a.first <= n <= a.last] for n in numbers]

    def end_shot(self) -> None:
        """Forget who is there: the next picture is of another shot."""
        self._alive, self._fresh = [], True

    def _extend(self, appearance: Appearance, pictures: list[Picture], first: int, path: _Path) -> None:
        known = len(appearance.landmarks)
        offset = appearance.last + 1 - first if appearance.landmarks else appearance.first - first
        for picture, mesh, presence in zip(pictures[offset:], path.landmarks, path.presence, strict=False):
            appearance.landmarks.append(mesh)
            appearance.presence.append(presence)
            appearance.looks.append(look_of(picture, mesh))
            number = len(appearance.landmarks) - known - 1
            appearance.view = path.views[number] if number < len(path.views) else face_view(picture, mesh)
            appearance.steadier.see(picture, mesh)
            appearance.face.see(front_view(appearance.view, mesh))

    def _find_newcomers(self, pictures: list[Picture], first: int, paths: list[_Path], *, now: bool) -> None:
        """Search the last picture (if it is time, or ``now``); follow whom it shows back to where they came in."""
        self._since += len(pictures)
        if len(self._alive) >= self._faces or (self._alive and self._since < _SEARCH and not now):
            return
        self._since = 0
        parts = self._parts(pictures[-1])
        self._part += 1  # the whole picture each time, every second time a part of it, too
        chosen = [parts[self._part // 2 % len(parts)]] if self._part % 2 else []
        known = [a.landmarks[-1] for a in self._alive]
        found = self._newcomers(pictures[-1], known, chosen)
        if not found:
            return
        back = self._along(pictures[::-1], found)
        for path in back:
            taken = [[p.landmarks[i] for p in paths if i < len(p.landmarks)] for i in range(len(pictures))][::-1]
            length = len(path.landmarks)
            free = next((i for i in range(length) if any(_close(path.landmarks[i], o) for o in taken[i])), length)
            if not free:
                continue
            newcomer = Appearance(first + len(pictures) - free, Meshes(self._spool))
            path.landmarks, path.presence = path.landmarks[:free][::-1], path.presence[:free][::-1]
            self._extend(newcomer, pictures, first, path)
            self._alive.append(newcomer)
            self.seen.append(newcomer)

    def _newcomers(
        self, picture: Picture, known: list[FloatArray], parts: list[tuple[int, int, int, int]]
    ) -> list[FloatArray]:
        """Meshes of faces that are not ``known``, the largest first, no more than there is room for."""
        detections = self._detector.find(picture) or ([] if known else self._detector.find(picture, near=True))
        for part in parts:
            detections += self._detector.find(picture, part)
        fresh: list[Detection] = []
        for found in detections:
            others = [_box(mesh) for mesh in known] + [d.box for d in fresh]
            if not any(_near(found.box, box) for box in others):
                fresh.append(found)
        meshes: list[FloatArray] = []
        for found in sorted(fresh, key=lambda d: -float(np.ptp(d.box[::2]))):
            mesh = self._settled(picture, found)
            if mesh is not None and not any(_close(mesh, other) for other in known + meshes):
                meshes.append(mesh)
        return meshes[: self._faces - len(known)]

    def _settled(self, picture: Picture, found: Detection) -> FloatArray | None:
        """The mesh in a detection's box, looked at again around its own landmarks until it rests."""
        region = regions.around_boxes(found.box[None], found.eyes[None])
        for _ in range(3):
            points, presence = self._see([picture], region)
            if not is_face(points[0], float(presence[0]), picture):
                return None
            region = regions.around_landmarks(points)
        return np.asarray(points[0])

    def _see(self, pictures: list[Picture], around: regions.Regions) -> tuple[FloatArray, FloatArray]:
        """One region in each picture."""
        crops = np.stack([p.crop(region, SIDE) for p, region in zip(pictures, around, strict=True)])
        points, presence = self._mesh(crops)
        return regions.to_picture(points, around, SIDE), presence

    def _along(self, pictures: list[Picture], starts: list[FloatArray]) -> list[_Path]:
        """Follow each face through the pictures."""
        if not starts:
            return []
        if not self._mesh.batches or len(pictures) < _STRIDE:
            return self._one_by_one(pictures, starts)
        return self._in_batches(pictures, starts)

    def _one_by_one(self, pictures: list[Picture], starts: list[FloatArray]) -> list[_Path]:
        """Each picture is looked at where the face was in the one before, as MediaPipe does."""
        paths = [_Path() for _ in starts]
        last = list(starts)
        going = list(range(len(starts)))
        for picture in pictures:
            if not going:
                break
            around = regions.around_landmarks(np.stack([last[i] for i in going]))
            points, presence = self._see([picture] * len(going), around)
            for i, mesh, sure in zip(list(going), points, presence, strict=True):
                if not is_face(mesh, float(sure), picture):
                    going.remove(i)
                    continue
                paths[i].landmarks.append(mesh)
                paths[i].presence.append(float(sure))
                last[i] = mesh
        return paths

    def _in_batches(self, pictures: list[Picture], starts: list[FloatArray]) -> list[_Path]:
        """Every fourth picture first, then all of them at regions interpolated between.

        A region so laid does not follow the network's own jitter, and does not lag behind the head.
        """
        stops = list(range(_STRIDE - 1, len(pictures), _STRIDE))
        if stops[-1] != len(pictures) - 1:
            stops.append(len(pictures) - 1)
        coarse = self._one_by_one([pictures[i] for i in stops], starts)
        steady: list[int] = []
        around: list[regions.Regions] = []
        for i, (start, path) in enumerate(zip(starts, coarse, strict=True)):
            if len(path.landmarks) < len(stops):
                continue
            knots = regions.around_landmarks(np.stack([start, *path.landmarks]))
            moved = np.linalg.norm(np.diff(knots[:, :2], axis=0), axis=1) / knots[1:, 2]
            if moved.max() > _FAST:
                continue
            steps = np.diff([-1, *stops])
            pieces = [regions.between(knots[k], knots[k + 1], int(n)) for k, n in enumerate(steps)]
            steady.append(i)
            around.append(np.concatenate(pieces))
        paths = coarse
        rest = [i for i in range(len(starts)) if i not in steady]
        for i, path in zip(rest, self._one_by_one(pictures, [starts[i] for i in rest]), strict=True):
            paths[i] = path
        if steady:
            self._fill(paths, steady, pictures, np.concatenate(around))
        return paths

    def _fill(self, paths: list[_Path], which: list[int], pictures: list[Picture], around: regions.Regions) -> None:
        every = pictures * len(which)
        parts = [self._see(every[at : at + _BATCH], around[at : at + _BATCH]) for at in range(0, len(every), _BATCH)]
        points = np.concatenate([p for p, _ in parts]).reshape(len(which), len(pictures), -1, 3)
        presence = np.concatenate([s for _, s in parts]).reshape(len(which), len(pictures))
        for i, meshes, sure in zip(which, points, presence, strict=True):
            good = [is_face(m, float(s), p) for m, s, p in zip(meshes, sure, pictures, strict=True)]
            length = good.index(False) if False in good else len(good)
            paths[i] = _Path(list(meshes[:length]), [float(s) for s in sure[:length]])

    def _part_doubles(self, paths: list[_Path], starts: list[FloatArray]) -> None:
        """Where two tracks meet on one face, the one that jumped there ends."""
        for i in range(len(paths)):
            for j in range(i + 1, len(paths)):
                length = min(len(paths[i].landmarks), len(paths[j].landmarks))
                met = next((k for k in range(length) if _close(paths[i].landmarks[k], paths[j].landmarks[k])), None)
                if met is None:
                    continue
                loser = max((i, j), key=lambda n: (_jump(paths[n].landmarks[: met + 1], starts[n]), n))
                del paths[loser].landmarks[met:], paths[loser].presence[met:]

    def _part_strangers(self, paths: list[_Path], pictures: list[Picture]) -> None:
        """End a track where its face becomes another between two pictures: it slid there, or a cut was missed."""
        for appearance, path in zip(self._alive, paths, strict=True):
            before = appearance.view
            for number, (mesh, picture) in enumerate(zip(path.landmarks, pictures, strict=False)):
                now = face_view(picture, mesh)
                if before is not None and alike(before, now) < _STRANGER:
                    del path.landmarks[number:], path.presence[number:]
                    break
                path.views.append(now)
                before = now

    def _parts(self, picture: Picture) -> list[tuple[int, int, int, int]]:
        """Overlapping squares that cover the picture."""
        width, height = picture.size
        side = min(max(int(max(width, height) * _PART), 128), min(width, height))
        columns, rows = (max(1, int(np.ceil((n - side) / (0.75 * side))) + 1) for n in (width, height))
        lefts = np.linspace(0, width - side, columns).astype(int)
        tops = np.linspace(0, height - side, rows).astype(int)
        return [(int(x), int(y), int(x) + side, int(y) + side) for y in tops for x in lefts]


def is_face(mesh: FloatArray, presence: float, picture: Picture) -> bool:
    """Whether the mesh network has found a face.

    Args:
        mesh: float32 [478, 3], pixels of the picture.
        presence: probability of a face by the network.
        picture: where it was looked for.
    """
    if presence < _PRESENT or not np.isfinite(mesh).all():
        return False
    width, height = picture.size
    x, y = mesh[:, :2].mean(axis=0)
    if not (0 <= x < width and 0 <= y < height) or np.ptp(mesh[:, 0]) < _SMALLEST:
        return False
    return misfit(mesh) < _MISFIT


def _jump(landmarks: list[FloatArray], start: FloatArray) -> float:
    """Largest step between neighbouring pictures against the one before it, in face widths."""
    middles = np.stack([m[:, :2].mean(axis=0) for m in (start, *landmarks)])
    width = float(np.ptp(start[:, 0])) + 1e-6
    steps = np.diff(middles, axis=0)
    change = np.diff(steps, axis=0) if len(steps) > 1 else steps
    return float(np.linalg.norm(change, axis=1).max()) / width


def _box(mesh: FloatArray) -> FloatArray:
    return np.concatenate([mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)])


def _near(a: FloatArray, b: FloatArray) -> bool:
    """Whether two boxes show one face: the centres are within half of the larger's size."""
    reach = max(float((a[2:] - a[:2]).max()), float((b[2:] - b[:2]).max()))
    gap = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    return bool(np.linalg.norm(gap) < 0.5 * reach)


def _close(a: FloatArray, b: FloatArray) -> bool:
    gap = np.linalg.norm(a[:, :2].mean(axis=0) - b[:, :2].mean(axis=0))
    return bool(gap < _SAME * min(np.ptp(a[:, 0]), np.ptp(b[:, 0])))
