"""Which titles show enough of a mouth to speak with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.plan.library import build
from tests.lipsync_engine.face import long_track

ROWS = 250


def film(aperture: np.ndarray, thumb: np.ndarray) -> FaceTrack:
    """A face whose lips stand so far apart (face widths), and whose mouth looks so open (0 to 1)."""
    track = long_track(ROWS)
    meshes = np.repeat(track.landmarks[:1], ROWS, axis=0)
    meshes[:, 14, 1] = meshes[:, 13, 1] + 200 * aperture
    meshes[:, 17, 1] = meshes[:, 14, 1] + 14
    noise = np.random.default_rng(3).normal(0, 3, (ROWS, 16, 24))
    pictures = np.full((ROWS, 16, 24), 140.0) + noise
    pictures[:, 6:10, 6:18] -= 100 * thumb[:, None, None]
    return replace(track, landmarks=meshes, thumb=np.clip(pictures, 0, 255).astype(np.uint8))


def speech() -> np.ndarray:
    time = np.arange(ROWS) / 25
    return 0.04 * (1 - np.cos(2 * np.pi * 2.1 * time)) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * time))


def test_a_mouth_that_speaks_is_enough() -> None:
    aperture = speech()
    track = film(aperture, aperture / 0.08)
    assert build(track).lacks == ""


def test_a_trackers_noise_is_no_speech() -> None:
    random = np.random.default_rng(5)
    smile = 0.03 + random.normal(0, 0.004, ROWS)
    smile[[40, 90]] = 0.002, 0.07  # two frames that the tracker misread
    assert "varies by" in build(film(smile, np.full(ROWS, 0.4))).lacks


def test_openings_that_the_pictures_do_not_show_are_not_believed() -> None:
    assert "bear out" in build(film(speech(), np.full(ROWS, 0.4))).lacks


@pytest.mark.parametrize("states", [2, 3])
def test_a_mouth_that_is_only_shut_or_open_is_too_little(states) -> None:
    at = np.arange(ROWS) // 25 % states / (states - 1)
    assert "different mouths" in build(film(0.08 * at, at)).lacks


def test_a_few_frames_are_too_little() -> None:
    track = film(speech(), speech() / 0.08)
    assert "8 usable frames" in build(track.rows(slice(0, 8))).lacks
