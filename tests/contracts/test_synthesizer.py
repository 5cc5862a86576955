"""What every voice keeps to."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.errors import UnsupportedError
from tasks.model import Speaker
from tasks.registry import BackendFacts
from tasks.synthesize import BACKENDS, Synthesizer, synthesizer
from tests.tiny_models import tiny_vits

SPEAKERS = [Speaker(id="S1", pitch_hz=110.0), Speaker(id="S2", pitch_hz=210.0), Speaker(id="S3", pitch_hz=120.0)]
TEXT = "Good morning, my name is Jordi and I am from Barcelona."


@pytest.fixture(scope="module")
def vits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture(params=["fake", "espeak", "coqui"])
def backend(request: pytest.FixtureRequest) -> Synthesizer:
    if request.param != "coqui":
        return synthesizer(request.param, {})
    model = request.getfixturevalue("vits") / "model.pth"
    return synthesizer("coqui", {"model": str(model), "languages": ["en"]})


def test_every_backend_is_in_this_suite() -> None:
    assert set(BACKENDS) == {"fake", "espeak", "coqui"}


def test_it_declares_itself_without_work(backend: Synthesizer) -> None:
    assert isinstance(backend.facts, BackendFacts)
    assert backend.missing() == []
    assert backend.fingerprint() == backend.fingerprint()
    assert backend.facts.name in backend.fingerprint()


def test_every_speaker_has_a_voice_the_same_each_time(backend: Synthesizer) -> None:
    voices = backend.voices("en", SPEAKERS, {})
    assert list(voices) == ["S1", "S2", "S3"]
    assert voices == backend.voices("en", SPEAKERS, {})
    if backend.facts.name != "coqui":  # the tiny model has one voice
        assert len(set(voices.values())) == 3


def test_a_line_becomes_a_trimmed_mono_wav(backend: Synthesizer, tmp_path: Path) -> None:
    out = tmp_path / "line.wav"
    spoken = backend.synthesize(TEXT, backend.voices("en", SPEAKERS, {})["S1"], "en", out)
    assert spoken.audio == out
    samples, rate = soundfile.read(out)
    assert samples.ndim == 1
    assert abs(len(samples) * 1000 / rate - spoken.duration_ms) <= 1
    assert 1000 < spoken.duration_ms < 15_000
    edge = rate * 40 // 1000
    loud = np.abs(samples).max()
    assert np.abs(samples[:edge]).max() > 0.003 * loud
    assert np.abs(samples[-edge:]).max() > 0.003 * loud
    assert list(tmp_path.iterdir()) == [out]


def test_phones_lie_in_order_inside_the_audio(backend: Synthesizer, tmp_path: Path) -> None:
    spoken = backend.synthesize(TEXT, backend.voices("en", SPEAKERS, {})["S1"], "en", tmp_path / "line.wav")
    ends = 0
    for _, start, end, stress in spoken.phones:
        assert ends <= start < end <= spoken.duration_ms
        assert stress in (0, 1, 2)
        ends = end
    assert (len(spoken.phones) > 20) == (backend.facts.name != "coqui")


def test_the_same_line_gives_the_same_bytes(backend: Synthesizer, tmp_path: Path) -> None:
    voice = backend.voices("en", SPEAKERS, {})["S1"]
    backend.synthesize(TEXT, voice, "en", tmp_path / "a.wav")
    backend.synthesize("Something else.", voice, "en", tmp_path / "b.wav")
    backend.synthesize(TEXT, voice, "en", tmp_path / "c.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "c.wav").read_bytes()


def test_unknown_languages_and_voices_are_named(backend: Synthesizer, tmp_path: Path) -> None:
    if backend.facts.name == "fake":
        backend = synthesizer("fake", {"fail": ["tlh"]})
    with pytest.raises(UnsupportedError, match="tlh"):
        backend.voices("tlh", SPEAKERS, {})
    with pytest.raises(UnsupportedError, match="nobody"):
        backend.synthesize(TEXT, "nobody", "en", tmp_path / "line.wav")
    assert list(tmp_path.iterdir()) == []
