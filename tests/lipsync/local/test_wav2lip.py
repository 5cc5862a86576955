"""Wav2Lip as published: names, shapes, what it hears and what it draws; then one clip drawn from end to end.

The stored values were made by the authors' own code with the same weights; with POLYDUB_WAV2LIP_CHECKOUT (a checkout of
github.com/Rudrabha/Wav2Lip) both are run side by side.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from flows.ask.plan import checked_profile
from lipsync_engine.media import video
from tasks.lipsync.choose import lipsyncer
from tasks.lipsync.local.wav2lip import Wav2Lip
from tasks.lipsync.local.wav2lip_job import draw
from tasks.lipsync.local.wav2lip_network import VARIANTS, load
from tasks.lipsync.local.wav2lip_sound import STEPS, mel, windows
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError
from tasks.records.progress import silent
from tests.clips import ffmpeg
from tests.lipsync.engine_here import engine_here
from tests.lipsync.local import wav2lip_weights as weights
from tests.speech_media import recording

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("wav2lip_golden.json").read_text("utf-8"))
CHECKOUT = os.environ.get("POLYDUB_WAV2LIP_CHECKOUT", "")
SIZES = [variant.side for variant in VARIANTS]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights.save(tmp_path_factory.mktemp("wav2lip") / "copy.pth", weights.copying())


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The authors' ``models`` and ``audio``."""
    if not CHECKOUT:
        pytest.skip("POLYDUB_WAV2LIP_CHECKOUT names no checkout of Wav2Lip")
    monkeypatch.syspath_prepend(CHECKOUT)
    for name in ("models", "audio", "hparams"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("models")


@pytest.mark.parametrize("side", SIZES)
def test_every_size_has_the_published_names_and_shapes(side: int) -> None:
    names = weights.all_shapes()[side]
    told = GOLDEN["sizes"][str(side)]
    assert sum(int(np.prod(shape)) for shape in names.values()) == told["parameters"]
    assert weights.digest(names) == told["names"]


@pytest.mark.parametrize("side", [SIZES[0], *(pytest.param(side, marks=pytest.mark.slow) for side in SIZES[1:])])
def test_the_same_weights_draw_what_the_published_code_draws(side: int, tmp_path: Path) -> None:
    state = weights.seeded(weights.all_shapes()[side])
    generator = load(weights.save(tmp_path / "seeded.pth", state))
    assert generator.variant.side == side
    with torch.inference_mode():
        drawn = generator(*weights.inputs(side)).numpy()
    assert drawn.shape == (1, 3, side, side)
    assert weights.sampled(drawn) == pytest.approx(GOLDEN["sizes"][str(side)]["drawn"], abs=1e-5)


def test_the_published_code_draws_the_same_beside_ours(published: ModuleType, tmp_path: Path) -> None:
    theirs = published.Wav2Lip().eval()
    state = weights.seeded(weights.all_shapes()[96])
    theirs.load_state_dict(state, strict=False)
    assert {name for name in theirs.state_dict() if not name.endswith("num_batches_tracked")} == set(state)
    ours = load(weights.save(tmp_path / "seeded.pth", theirs.state_dict()))
    sound, faces = weights.inputs(96)
    with torch.inference_mode():
        assert torch.allclose(ours(sound, faces), theirs(sound, faces), atol=1e-5, rtol=0)


def test_it_hears_what_the_published_code_hears(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "sound.wav", weights.spoken(), 16_000, subtype="FLOAT")
    heard = mel(tmp_path / "sound.wav")
    assert list(heard.shape) == GOLDEN["mel"]["shape"]
    assert weights.sampled(heard) == pytest.approx(GOLDEN["mel"]["values"], abs=1e-4)


def test_the_published_code_hears_the_same_beside_ours(
    published: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import librosa

    audio = importlib.import_module("audio")
    # What librosa 0.7 did: positional arguments, mirrored ends.
    bands = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    monkeypatch.setattr(audio, "_build_mel_basis", lambda: bands)
    monkeypatch.setattr(librosa, "stft", partial(librosa.stft, pad_mode="reflect"))
    soundfile.write(tmp_path / "sound.wav", weights.spoken(), 16_000, subtype="FLOAT")
    theirs = audio.melspectrogram(weights.spoken())
    assert np.allclose(mel(tmp_path / "sound.wav"), theirs, atol=1e-4)


def test_silence_is_heard_as_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "sound.wav", np.zeros(8000), 16_000)
    assert (mel(tmp_path / "sound.wav") == -4).all()


@given(steps=st.integers(1, 400), frames=st.integers(1, 120), rate=st.sampled_from([12.0, 24000 / 1001, 25.0, 60.0]))
def test_every_picture_gets_the_sound_of_its_moment(steps: int, frames: int, rate: float) -> None:
    sound = np.tile(np.arange(steps, dtype=np.float32), (80, 1))
    heard = windows(sound, frames, rate)
    assert heard.shape == (frames, 1, 80, STEPS)
    for index, window in enumerate(heard[:, 0, 0]):
        first = min(int(index * 80 / rate), max(0, steps - STEPS))
        assert window[0] == first
        assert (np.diff(window[: min(STEPS, steps)]) == 1).all()


def test_layouts_in_which_checkpoints_are_handed_on_load(tmp_path: Path) -> None:
    state = weights.copying()
    torch.save(state, tmp_path / "bare.pth")
    assert load(tmp_path / "bare.pth").variant.side == 96


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"state_dict": {"module.w": torch.zeros(3)}}, "not a known Wav2Lip generator"),
        ([1, 2], "not a known Wav2Lip generator"),
        (b"<html>not found</html>", "cannot be read"),
        (Path("x"), "cannot be read"),  # an object: weights alone are read, no code runs
    ],
)
def test_a_file_that_is_no_checkpoint_is_said_to_be_none(content: object, said: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(BadInputError, match=f"{said}|bad.pth"):
        load(file)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eleven frames of a speaker and their sound."""
    folder = tmp_path_factory.mktemp("shot")
    clip = recording("lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg")
    ffmpeg("-i", clip, "-an", "-frames:v", "11", "-c:v", "libx264", "-crf", "8", folder / "shot.mp4")
    ffmpeg("-i", clip, "-vn", "-t", "0.44", "-ac", "1", "-ar", "48000", folder / "speech.wav")
    return folder / "shot.mp4", folder / "speech.wav"


def pictures(path: Path) -> np.ndarray:
    return np.stack([frame.rgb() for frame in video.read(path, video.probe(path))]).astype(float)


def test_a_face_is_drawn_where_it_is_and_the_rest_stays(
    shot: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    told: list[float] = []
    assert draw(*shot, checkpoint, tmp_path / "out.mp4", 4, told.append) == 11
    assert told == sorted(told)
    assert told[-1] == 1
    before, after = pictures(shot[0]), pictures(tmp_path / "out.mp4")
    assert before.shape == after.shape
    changed = np.abs(after - before).mean(axis=(0, 3))
    assert changed[:60].mean() < 1.5  # the wall above the head
    drawn = changed[150:250, 110:190]
    assert 2 < drawn.mean() < 20  # paler and of 96 pixels, but the same face in the same colours


def test_each_size_of_face_is_hidden_as_its_authors_hide_it() -> None:
    from tasks.lipsync.local.wav2lip_job import _inputs

    whole = np.full((1, 384, 384, 3), 255, np.uint8)
    published = _inputs(whole[:, :96, :96], VARIANTS[0])[0]
    assert published[:3, 48:].max() == 0
    assert published[:3, :48].min() == published[3:].min() == 1
    bordered = _inputs(whole, VARIANTS[-1])[0]
    assert bordered[0, 192:376, 8:376].max() == -1
    assert min(bordered[0, 376:].min(), bordered[0, :, :8].min(), bordered[0, :, 376:].min()) == 1


def test_without_a_face_the_shot_is_refused_in_words(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = tmp_path / "wall.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=0.4:r=25:s=160x120", "-pix_fmt", "yuv420p", wall)
    soundfile.write(tmp_path / "speech.wav", np.zeros(19_200), 48_000)
    engine_here(monkeypatch, "local.wav2lip")
    system = Wav2Lip(Wav2Lip.Options(checkpoint=checkpoint, device="cpu"))
    with pytest.raises(PermanentError, match="no face"):
        system.reanimate(wall, tmp_path / "speech.wav", tmp_path / "out.mp4", silent)


def test_the_checkpoint_is_the_users(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDUB_WAV2LIP_CHECKPOINT", raising=False)
    without = Wav2Lip(Wav2Lip.Options())
    assert "none is downloaded" in without.missing()[0]
    with pytest.raises(MissingBackendError, match="POLYDUB_WAV2LIP_CHECKPOINT"):
        without.reanimate(checkpoint, checkpoint, tmp_path / "out.mp4", silent)
    assert "no checkpoint" in Wav2Lip(Wav2Lip.Options(checkpoint=tmp_path / "absent.pth")).missing()[0]
    monkeypatch.setenv("POLYDUB_WAV2LIP_CHECKPOINT", str(checkpoint))
    named = Wav2Lip(Wav2Lip.Options(batch=3))
    assert named.missing() == []
    assert named.fingerprint() == Wav2Lip(Wav2Lip.Options(checkpoint=checkpoint)).fingerprint() != without.fingerprint()


def test_it_is_a_backend_that_commercial_profiles_refuse() -> None:
    backend = lipsyncer("wav2lip", {"device": "cpu"})
    assert not backend.facts.commercial
    assert "research" in backend.facts.clause
    with pytest.raises(BadInputError, match=r"wav2lip.*research"):
        checked_profile("commercial", {"lipsync": {"backend": "wav2lip"}})
