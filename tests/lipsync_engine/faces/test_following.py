"""Faces followed through a title: crossings, late arrivals, losses, cuts; jitter against a motion that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_engine.faces.facemesh.mesh import FaceMesh
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.follow import Follower
from lipsync_engine.faces.geometry import ANCHORS, fit_poses
from lipsync_engine.faces.stabilise import Smoothing, settled
from lipsync_engine.faces.track import track_faces
from tests.lipsync_engine.scenes import GRID, frames_of, person, put, wall, write
from tests.speech_media import ROOT, recording
from tests.stand_ins import FILMS

NAMES = ("bbaf2n", "brbk7n", "swiz3n", "lwbsza")


@pytest.fixture(scope="module")
def people() -> list[list[np.ndarray]]:
    return [frames_of(GRID.format(name)) for name in NAMES]


def _face(name: str) -> str:
    """Whose face a clip shows: each recording has its own, while stand-ins share two in other light."""
    clip = GRID.format(name)
    return name if (ROOT / clip).exists() else FILMS[clip].who.portrait


def _track(tmp_path, frames) -> FaceTrack:
    return track_faces(write(tmp_path / "scene.mp4", frames), device="cpu")


def _x(track: FaceTrack, who: int, frame: int) -> float:
    rows = track.of(who)
    return float(rows.landmarks[np.flatnonzero(rows.frame == frame)[0], :, 0].mean())


def test_two_people_who_cross_stay_who_they_are(tmp_path, people) -> None:
    def scene(index: int) -> np.ndarray:
        canvas = wall(800, 360)
        put(canvas, person(people[0][index]), 40 + index * 7, 80)
        put(canvas, person(people[1][index]), 560 - index * 7, 60)
        return canvas

    track = _track(tmp_path, (scene(i) for i in range(75)))
    assert len(track.identities) == 2
    ends = {who: (_x(track, who, 0), _x(track, who, 74)) for who in track.identities}
    assert sorted(start < end for start, end in ends.values()) == [False, True]
    assert all(abs(start - end) > 300 for start, end in ends.values())
    front = track.of(track.identities[0])
    assert len(front.frame) == 75


def test_a_small_face_that_comes_late_is_seen_from_its_first_frame(tmp_path, people) -> None:
    def scene(index: int) -> np.ndarray:
        canvas = wall(1280, 720)
        put(canvas, cv2.resize(people[2][index], None, fx=2.2, fy=2.2), 0, 80)
        if index >= 21:
            put(canvas, cv2.resize(person(people[0][index]), None, fx=0.75, fy=0.75), 1000, 400)
        return canvas

    track = _track(tmp_path, (scene(i) for i in range(50)))
    assert [len(track.of(who).frame) for who in track.identities] == [50, 29]
    assert track.of(track.identities[1]).frame[0] == 21


def test_a_face_lost_for_a_third_of_a_second_is_the_same_person(tmp_path, people) -> None:
    def scene(index: int) -> np.ndarray:
        canvas = wall(900, 500)
        put(canvas, person(people[0][index]), 300, 150)
        if 20 <= index < 28:
            canvas[150:400, 300:480] = 90
        return canvas

    track = _track(tmp_path, (scene(i) for i in range(50)))
    assert len(track.identities) == 1
    seen = set(track.frame.tolist())
    assert seen >= set(range(19)) | set(range(30, 50))
    assert not seen & set(range(22, 27))


def test_a_title_cut_every_second_keeps_its_people_apart_and_together(tmp_path, people) -> None:
    order = (0, 1, 2, 3, 1, 0, 3, 2)
    frames = (people[who][25 * (k // 4) + i] for k, who in enumerate(order) for i in range(25))
    track = _track(tmp_path, frames)
    assert np.flatnonzero(np.diff(track.shots)).tolist() == [24, 49, 74, 99, 124, 149, 174]
    found = [track.identity[track.frame == 25 * k + 12].tolist() for k in range(len(order))]
    assert all(len(rows) == 1 for rows in found)
    truth: dict[str, set[int]] = {}
    for who, rows in zip(order, found, strict=True):
        truth.setdefault(_face(NAMES[who]), set()).add(rows[0])
    assert all(len(names) == 1 for names in truth.values())
    assert len(set.union(*truth.values())) == len(truth)


def test_batches_follow_as_one_by_one(people) -> None:
    pictures = [Picture.of_rgb(rgb) for rgb in people[1][:16]]
    found = []
    for mesh in (FaceMesh(), FaceMesh(torch_on_cpu=True)):
        follower = Follower(1, "cpu", mesh)
        found.append(np.stack([meshes[0] for meshes in follower.take(pictures, 0)]))
    gaps = np.linalg.norm(found[0][..., :2] - found[1][..., :2], axis=2)
    assert np.median(gaps) < 0.4  # pixels of a picture 288 high
    assert np.percentile(gaps, 99) < 1.5


def test_texture_takes_out_jitter_and_keeps_the_heads_motion(people) -> None:
    rng = np.random.default_rng(2)
    rgb = cv2.cvtColor(cv2.imread(str(recording("face_recognition/examples/obama-1080p.jpg"))), cv2.COLOR_BGR2RGB)
    time = np.arange(50) / 25
    path = np.stack([15 * np.sin(2 * np.pi * 1.5 * time), 9 * np.sin(2 * np.pi * time + 1)], axis=1)
    path += np.cumsum(rng.normal(0, 0.4, path.shape), axis=0)
    follower = Follower(1)
    for start in range(0, 50, 10):
        pictures = []
        for shift in path[start : start + 10]:
            move = np.array([[1, 0, shift[0] - 480], [0, 1, shift[1] - 60]])
            view = cv2.warpAffine(rgb, move, (960, 720), flags=cv2.INTER_CUBIC).astype(np.float32)
            noisy = view + rng.normal(0, 8, (720, 960, 1)).astype(np.float32)
            pictures.append(Picture.of_rgb(np.clip(noisy, 0, 255).astype(np.uint8)))
        follower.take(pictures, start)
    (seen,) = follower.seen
    raw = np.stack(seen.landmarks)

    def error(meshes: np.ndarray) -> float:
        centre = meshes[:, list(ANCHORS), :2].mean(axis=1) - path
        return float(np.sqrt(((centre - centre.mean(axis=0))[6:-6] ** 2).sum(axis=1).mean()))

    final = np.concatenate(list(settled(raw, np.array(seen.steadier.errors), 25.0)))
    smoothed = Smoothing(fit_poses(raw), 25.0).smooth(raw, slice(0, 50))
    assert error(final) < 0.3
    assert error(final) < 0.5 * error(raw)
    assert error(final) < 0.5 * error(smoothed)
