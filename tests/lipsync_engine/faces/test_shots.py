"""Hard cuts are found; flashes, fades and pans are not taken for cuts."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.shots import CutFinder
from tests.lipsync_engine.scenes import GRID, frames_of
from tests.speech_media import recording

CLIPS = (
    "open-dubbing/tests/data/englishvideo.mp4",
    "latentsync/assets/demo1_video.mp4",
    *(GRID.format(name) for name in ("bbaf2n", "brbk7n", "lbax4n", "lwbsza", "swiz3n")),
)


@pytest.fixture(scope="module")
def clips() -> list[list[Picture]]:
    def small(rgb: np.ndarray) -> Picture:
        return Picture.of_rgb(cv2.resize(rgb, (320, 180), interpolation=cv2.INTER_AREA))

    return [[small(rgb) for rgb in frames_of(name, 40)] for name in CLIPS]


def cuts(pictures: list[Picture]) -> list[int]:
    finder = CutFinder(25.0)
    decided = [cut for picture in pictures for cut in finder.see(picture)] + finder.end()
    assert len(decided) == len(pictures)
    return np.flatnonzero(decided).tolist()


def test_cuts_between_clips_are_found_at_their_frame(clips) -> None:
    pairs = list(itertools.permutations(clips, 2))
    found = [cuts(a[:12] + b[:12]) for a, b in pairs]
    assert sum(f == [12] for f in found) >= 0.95 * len(pairs)
    assert not any(set(f) - {12} for f in found)


def test_a_shot_that_goes_on_has_no_cut(clips) -> None:
    assert all(cuts(clip) == [] for clip in clips)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_no_cut(clips, length) -> None:
    for clip in clips:
        lit = list(clip)
        for at in range(15, 15 + length):
            luma = np.clip(lit[at].planes[0].astype(int) + 120, 0, 255).astype(np.uint8)
            lit[at] = Picture((luma, *lit[at].planes[1:]), lit[at].colour)
        assert cuts(lit) == []


def test_a_fade_is_no_cut(clips) -> None:
    for clip in clips:
        dark = [(p.planes[0] * (1 - i / len(clip))).astype(np.uint8) for i, p in enumerate(clip)]
        assert cuts([Picture((d, *p.planes[1:]), p.colour) for d, p in zip(dark, clip, strict=True)]) == []


@pytest.mark.parametrize("speed", [0.03, 0.08, 0.12])
def test_a_fast_pan_is_no_cut(speed) -> None:
    rgb = cv2.imread(str(recording("face_recognition/examples/two_people.jpg")))[100:320]
    width, at, step, seen = 390, 0.0, speed * 390, []
    for _ in range(30):
        seen.append(Picture.of_rgb(np.ascontiguousarray(rgb[:, int(at) : int(at) + width])))
        step = -step if not 0 <= at + step <= rgb.shape[1] - width else step
        at += step
    assert cuts(seen) == []
