"""What every transcriber keeps to."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.errors import UnsupportedError
from tasks.model import Script
from tasks.registry import BackendFacts
from tasks.speech_activity import duration_ms
from tasks.transcribe import BACKENDS, Transcriber, transcriber
from tests.speech_media import media
from tests.tiny_models import tiny_whisper


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module", params=["fake", "pocketsphinx", "whisper"])
def backend(request: pytest.FixtureRequest, models: Path) -> Transcriber:
    return transcriber(request.param, {"model": str(tiny_whisper(models))} if request.param == "whisper" else {})


@pytest.fixture(scope="module")
def clip() -> Path:
    return media("picovoice-leopard/resources/audio_samples/test.wav")


@pytest.fixture(scope="module")
def script(backend: Transcriber, clip: Path) -> Script:
    told: list[float] = []
    found = backend.transcribe(clip, "en", told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    return found


def test_every_backend_is_in_this_suite() -> None:
    assert set(BACKENDS) == {"fake", "pocketsphinx", "whisper"}


def test_it_declares_itself_without_work(backend: Transcriber) -> None:
    assert isinstance(backend.facts, BackendFacts)
    assert backend.missing() == []
    assert backend.fingerprint() == backend.fingerprint()
    assert backend.facts.name in backend.fingerprint()


def test_lines_are_in_order_apart_and_inside_the_audio(script: Script, clip: Path) -> None:
    assert script.lines
    assert [line.id for line in script.lines] == list(range(len(script.lines)))
    ends = 0
    for line in script.lines:
        assert ends <= line.start_ms < line.end_ms <= duration_ms(clip)
        assert line.text.strip()
        assert "\n" not in line.text
        ends = line.end_ms


def test_words_lie_in_their_line(script: Script) -> None:
    for line in script.lines:
        assert line.words
        for word in line.words:
            assert line.start_ms <= word.start_ms < word.end_ms <= line.end_ms


def test_it_says_what_it_is(script: Script, backend: Transcriber) -> None:
    assert script.language == "en"
    assert script.origin == backend.facts.name


def test_the_same_audio_gives_the_same_script(script: Script, backend: Transcriber, clip: Path) -> None:
    assert backend.transcribe(clip, "en", lambda share: None) == script


@pytest.mark.parametrize("seconds", [0, 0.05, 2])
def test_silence_needs_no_words(backend: Transcriber, tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(int(16_000 * seconds), np.float32), 16_000)
    script = backend.transcribe(path, "en", lambda share: None)
    if backend.facts.name == "pocketsphinx":
        assert script.lines == ()
    assert all(line.end_ms <= seconds * 1000 for line in script.lines)


def test_a_language_that_it_does_not_know_is_named(backend: Transcriber, clip: Path) -> None:
    if backend.facts.name == "fake":
        pytest.skip("the fake knows every language")
    with pytest.raises(UnsupportedError, match="tlh"):
        backend.transcribe(clip, "tlh", lambda share: None)
