"""A mouth that is drawn beside its place is told, although its sounds and seams are right."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from lipsync_engine.draw import blend
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.measure.place import place_offset
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech import espeak
from tests.clips import ffmpeg
from tests.stand_ins import GRID, stand_in

#: A render whose figure is beyond this needs review (configs/gates.yaml).
WARN, FAIL = 0.006, 0.010
SIDEWAYS, DOWN = -1, -2


@pytest.fixture(scope="module")
def title(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("place") / "title.mp4"
    speaker = stand_in(GRID.format("bbaf2n"))
    ffmpeg("-i", speaker, "-an", "-c:v", "libx264", "-crf", "18", path)
    return path


@pytest.fixture(scope="module")
def track(title) -> FaceTrack:
    return analyse(title, title.with_name("track.npz"))


def rendered(title: Path, track: FaceTrack, folder: Path):
    spoken = espeak.synthesize("Mamá baja la papa blanca a la sala.", espeak.voice_for("es"))
    sf.write(folder / "dub.wav", spoken.samples, spoken.sample_rate_hz)
    return resync(title, folder / "dub.wav", spoken.phones, track, folder / "dub.mp4", Options())


def test_a_good_mouth_sits_in_its_place(title, track, tmp_path):
    assert rendered(title, track, tmp_path).place_offset < WARN


@pytest.mark.parametrize(("axis", "pixels"), [(SIDEWAYS, 4), (DOWN, 4)])
def test_a_mouth_pasted_four_pixels_aside_fails(axis, pixels, title, track, tmp_path, monkeypatch):
    textures = blend._textures

    def aside(flow, observed):
        luma, chroma = textures(flow, observed)
        return torch.roll(luma, pixels, axis), torch.roll(chroma, pixels // 2, axis)

    monkeypatch.setattr(blend, "_textures", aside)
    assert rendered(title, track, tmp_path).place_offset > FAIL


def test_a_track_against_itself_is_in_its_place(track):
    person = track.of(track.identities[0])
    assert place_offset(person, person) < 0.002


def test_too_few_frames_tell_nothing(track):
    few = track.of(track.identities[0]).rows(np.arange(5))
    assert place_offset(few, few) is None
