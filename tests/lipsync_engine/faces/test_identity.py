"""Who is who across a title that is cut to pieces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_engine.faces.identity import Place, merge_people
from lipsync_engine.faces.track import track_faces
from lipsync_engine.media import video
from tests.lipsync_engine.scenes import write
from tests.speech_media import media

#: Three people who turn and tilt their heads, and the light in which one of them is shown second by second.
PEOPLE = (
    "video-retalking/examples/face/4.mp4",
    "sadtalker/examples/ref_video/WDA_KatieHill_000.mp4",
    "open-dubbing/tests/data/englishvideo.mp4",
)
LIGHTS = ((1, 1, 1, 1.0), (0.8, 1.0, 1.15, 1.0), (0.6, 0.6, 0.6, 1.5), (1.1, 1.0, 0.7, 0.8))


def seconds(name: str, count: int) -> list[list[np.ndarray]]:
    """The first seconds of a clip, eight frames each, in a picture of 320x240."""
    path = media(name)
    facts = video.probe(path)
    rate = float(facts.rate)
    wanted = [[round((n + i / 8) * rate) for i in range(8)] for n in range(count)]
    found = {}
    for frame in video.read(path, facts):
        if frame.index > wanted[-1][-1]:
            break
        if any(frame.index in second for second in wanted):
            found[frame.index] = _fitted(frame.rgb())
    return [[found[i] for i in second] for second in wanted]


def _fitted(rgb: np.ndarray) -> np.ndarray:
    scale = min(320 / rgb.shape[1], 240 / rgb.shape[0])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:240, :320]
    return cv2.copyMakeBorder(small, 0, 240 - small.shape[0], 0, 320 - small.shape[1], cv2.BORDER_CONSTANT)


def test_three_people_cut_every_second_are_three(tmp_path) -> None:
    people = [seconds(name, 4) for name in PEOPLE]
    order = [(who, second) for second in range(4) for who in range(3)]
    path = write(tmp_path / "cuts.mp4", (f for who, s in order for f in people[who][s]), rate=8)
    track = track_faces(path)
    found: dict[int, set[int]] = {}
    for number, (who, _) in enumerate(order):
        found.setdefault(who, set()).update(track.identity[track.frame == 8 * number + 4].tolist())
    assert [len(names) for names in found.values()] == [1, 1, 1]
    assert len(track.identities) == 3


@pytest.mark.parametrize("name", PEOPLE[:2])
def test_one_person_in_changing_light_is_one(name, tmp_path) -> None:
    def lit(rgb: np.ndarray, light: tuple[float, ...]) -> np.ndarray:
        return np.clip(255 * (rgb / 255 * light[:3]) ** light[3], 0, 255).astype(np.uint8)

    shots = seconds(name, 4)
    frames = (lit(f, light) for shot, light in zip(shots, LIGHTS, strict=True) for f in shot)
    assert len(track_faces(write(tmp_path / "lights.mp4", frames, rate=8)).identities) == 1


def looks(*along: float) -> dict[str, list[np.ndarray]]:
    """Appearances of which those near each other along a line look alike."""
    pictures = [np.array([[np.cos(at), np.sin(at)]], np.float32) for at in along]
    return {
        "shapes": [np.zeros((478, 3))] * len(along),
        "faces": pictures,
        "meshes": [np.zeros((1, 478, 3))] * len(along),
    }


def test_two_who_look_alike_through_a_third_are_one_whatever_comes_first() -> None:
    places = [Place(10 * n, 10 * n + 9, n) for n in range(3)]
    for along in ((0.0, 1.2, 0.6), (0.0, 0.6, 1.2), (0.6, 0.0, 1.2)):
        assert merge_people(places, **looks(*along), rate=25.0) == [0, 0, 0]


def test_nobody_is_in_a_frame_twice() -> None:
    places = [Place(0, 9, 0), Place(5, 14, 0), Place(20, 29, 1)]
    assert merge_people(places, **looks(0.0, 0.2, 0.15), rate=25.0) == [0, 1, 1]
