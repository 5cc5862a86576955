"""What every separator keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.records.errors import BadInputError
from tasks.records.progress import silent
from tasks.separate import BACKENDS, separator
from tests.clips import RATE

OPTIONS = {"demucs": {"model": "demucs_unittest", "device": "cpu"}}


@pytest.fixture(params=sorted(BACKENDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def noisy(path: Path, seconds: float = 3.007) -> Path:
    sound = np.random.default_rng(1).normal(0, 0.2, (int(seconds * RATE), 2)).clip(-1, 1)
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    return path


def test_dialogue_and_bed_add_up_to_the_mix(name: str, tmp_path: Path) -> None:
    mix = noisy(tmp_path / "mix.wav")
    told: list[float] = []
    backend = separator(name, OPTIONS.get(name, {}))
    notes = backend.separate(mix, tmp_path / "d.wav", tmp_path / "b.wav", told.append)
    whole, dialogue, bed = (soundfile.read(tmp_path / f"{n}.wav", dtype="int32")[0] for n in ("mix", "d", "b"))
    assert np.array_equal(dialogue.astype(np.int64) + bed, whole)
    assert soundfile.info(str(tmp_path / "b.wav")).subtype == "PCM_24"
    assert told == sorted(told)
    assert told[-1] == 1
    assert isinstance(notes, tuple)


def test_the_same_mix_gives_the_same_stems(name: str, tmp_path: Path) -> None:
    mix = noisy(tmp_path / "mix.wav", 1.5)
    for folder in ("one", "two"):
        stems = tmp_path / folder / "d.wav", tmp_path / folder / "b.wav"
        separator(name, OPTIONS.get(name, {})).separate(mix, *stems, silent)
    assert (tmp_path / "one/b.wav").read_bytes() == (tmp_path / "two/b.wav").read_bytes()
    assert not list(tmp_path.rglob(".*"))


def test_its_facts_need_no_model(name: str) -> None:
    backend = separator(name, OPTIONS.get(name, {}))
    assert backend.facts.name == name
    assert name in backend.fingerprint()
    assert backend.missing() == []


def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="volume"):
        separator(name, {"volume": 11})


def test_a_mono_mix_is_refused(name: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mono.wav", np.zeros(RATE), RATE)
    with pytest.raises(BadInputError, match="stereo"):
        separator(name, OPTIONS.get(name, {})).separate(tmp_path / "mono.wav", tmp_path / "d", tmp_path / "b", silent)
    assert not (tmp_path / "b").exists()
