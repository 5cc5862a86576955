"""Drawings are told from filmed faces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_engine.faces.drawing import Sketches, is_drawn, lines
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.track import MeshSource, track_faces
from lipsync_engine.media import video
from tests.lipsync_engine.scenes import write
from tests.speech_media import media
from tests.talking_head import portrait

DRAWN = ("liveportrait/assets/examples/source/s7.jpg", "sadtalker/examples/source_image/art_7.png")


def toon(rgb: np.ndarray) -> np.ndarray:
    """A photograph as a cartoon filter draws it: few tones, inked edges."""
    flat = rgb
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 9, 60, 9)
    grey = cv2.medianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 7)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 4)
    return np.asarray(cv2.bitwise_and(flat // 24 * 24 + 12, flat // 24 * 24 + 12, mask=ink), np.uint8)


def test_a_photograph_is_none_and_its_cartoon_is_one() -> None:
    photograph = portrait(360, 288)
    mesh = MeshSource(1).find(photograph)[0]
    real, drawn = (lines(Picture.of_rgb(p), mesh) for p in (photograph, toon(photograph)))
    assert real < 80
    assert drawn > 115


@pytest.mark.parametrize("name", DRAWN)
def test_cartoons_are_drawings(name) -> None:
    rgb = cv2.cvtColor(cv2.imread(str(media(name))), cv2.COLOR_BGR2RGB)
    rgb = np.ascontiguousarray(rgb[: len(rgb) // 2 * 2, : rgb.shape[1] // 2 * 2])
    assert lines(Picture.of_rgb(rgb), MeshSource(1).find(rgb)[0]) > 115


@pytest.mark.parametrize("drawn", [False, True])
def test_the_analysis_remembers_it(drawn, tmp_path) -> None:
    picture = portrait(360, 288)
    path = write(tmp_path / "still.mp4", [toon(picture) if drawn else picture] * 10)
    sketches = Sketches(video.probe(path))
    track: FaceTrack = track_faces(path, watch=sketches.see)
    stored = tmp_path / "track.npz"
    track.save(stored, sketches.member(track))
    assert is_drawn(stored, track.identities[0]) == drawn


def test_what_was_not_looked_at_is_no_drawing(tmp_path) -> None:
    assert not is_drawn(None, 0)
    assert not is_drawn(tmp_path / "none.npz", 0)
