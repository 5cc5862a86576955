"""faster-whisper: the real package on a tiny model and a stand-in with its interface.

The stand-in shows what is asked of the package and what becomes of its answers, the GPU included; not that it works.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.machine.weights import located
from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.records.progress import silent
from tasks.transcribe import faster_whisper, transcriber
from tests.speech_media import clip_16k, recording
from tests.tiny_whisper import save_tiny_converted_whisper


@dataclass
class Word:
    word: str
    start: float
    end: float
    probability: float = 0.9


@dataclass
class Segment:
    words: list[Word] | None
    no_speech_prob: float = 0.05
    avg_logprob: float = -0.2
    compression_ratio: float = 1.1


class Engine:
    """CTranslate2's model: where it is, and its way off the GPU."""

    device = "cuda"

    def __init__(self) -> None:
        self.moves: list[str] = []

    def unload_model(self, to_cpu: bool = False) -> None:
        assert to_cpu
        self.moves.append("cpu")

    def load_model(self, keep_cache: bool = False) -> None:
        self.moves.append("gpu")


class StandIn(types.ModuleType):
    """``faster_whisper``: every call is noted; the answer is one greeting, and one sentence a minute after the end."""

    def __init__(self) -> None:
        super().__init__("faster_whisper")
        self.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
        self.loads: list[tuple[str, dict[str, Any]]] = []
        self.calls: list[dict[str, Any]] = []
        outer = self

        class WhisperModel:
            def __init__(self, name: str, **options: Any) -> None:
                if name == "gigantic":
                    raise ValueError("Invalid model size 'gigantic'")
                outer.loads.append((name, options))
                self.model = outer.engine = Engine()

            def transcribe(self, samples: Any, **options: Any) -> tuple[Iterator[Segment], Any]:
                outer.calls.append({"seconds": len(samples) / 16_000, **options})
                said = Segment([Word(" Mr.", 0.3, 0.6), Word(" Quilter.", 0.6, 1.2)])
                ghost = Segment([Word(" Thanks for watching!", 70.0, 72.0)])
                info = types.SimpleNamespace(language=options["language"] or "en")
                return iter([said, ghost, Segment(None)]), info

        class BatchedInferencePipeline:
            def __init__(self, model: Any) -> None:
                self._model = model

            def transcribe(self, samples: Any, **options: Any) -> tuple[Iterator[Segment], Any]:
                answer: tuple[Iterator[Segment], Any] = self._model.transcribe(samples, batched=True, **options)
                return answer

        self.WhisperModel, self.BatchedInferencePipeline = WhisperModel, BatchedInferencePipeline


def find(monkeypatch: pytest.MonkeyPatch, spec: Any) -> None:
    """What the import system says of this one package."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: spec if name == "faster_whisper" else real(name, *more)
    )


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn()
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    find(monkeypatch, module.__spec__)
    monkeypatch.setattr("tasks.machine.resident._pool", {})
    for look in ("_chances", "_glanced"):
        monkeypatch.setattr(faster_whisper, look, lambda model, samples: {"en": 0.9, "es": 0.1})
    return module


def speech(folder: Path) -> Path:
    return clip_16k("picovoice-leopard/resources/audio_samples/test.wav", folder)


def test_words_become_lines_and_what_lies_beyond_speech_is_left_out(package: StandIn, tmp_path: Path) -> None:
    script = transcriber("faster-whisper", {}).transcribe(speech(tmp_path), None, silent)
    assert [line.text for line in script.lines] == ["Mr. Quilter."]
    assert (script.language, script.origin) == ("en", "faster-whisper")
    assert any("detected as English" in note for note in script.notes)
    assert any("1 passage" in note for note in script.notes)
    (asked,) = package.calls
    assert asked["word_timestamps"]
    assert not asked["vad_filter"]
    assert not asked["condition_on_previous_text"]


def test_a_batch_goes_through_the_pipeline_in_windows(package: StandIn, tmp_path: Path) -> None:
    transcriber("faster-whisper", {"batch": 8}).transcribe(speech(tmp_path), "en", silent)
    (asked,) = package.calls
    assert (asked["batched"], asked["batch_size"]) == (True, 8)
    assert asked["clip_timestamps"] == [{"start": 0.0, "end": asked["seconds"]}]
    assert faster_whisper._windows(75 * 16_000) == [
        {"start": 0.0, "end": 30.0},
        {"start": 30.0, "end": 60.0},
        {"start": 60.0, "end": 75.0},
    ]


def test_the_model_is_loaded_once_and_leaves_the_gpu_when_it_rests(package: StandIn, tmp_path: Path) -> None:
    from tasks.machine.resident import rest

    for language in ("en", "es"):
        transcriber("faster-whisper", {"model": "small"}).transcribe(speech(tmp_path), language, silent)
    assert [name for name, _ in package.loads] == ["small"]
    assert package.engine.moves == ["cpu", "gpu"]
    rest()
    assert package.engine.moves == ["cpu", "gpu", "cpu"]


def test_a_model_that_cannot_be_loaded_is_told(package: StandIn, tmp_path: Path) -> None:
    with pytest.raises(MissingBackendError, match="gigantic"):
        transcriber("faster-whisper", {"model": "gigantic"}).transcribe(speech(tmp_path), "en", silent)


def test_a_language_that_whisper_does_not_know_is_refused(package: StandIn) -> None:
    with pytest.raises(UnsupportedError, match="Zulu"):
        transcriber("faster-whisper", {}).transcribe(Path("unread.wav"), "zu", silent)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, None)
    backend = transcriber("faster-whisper", {})
    assert "make setup" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="not installed"):
        backend.transcribe(Path("unread.wav"), "en", silent)


def test_silence_is_never_given_to_the_model(package: StandIn, tmp_path: Path) -> None:
    noise = clip_16k("speechbrain/tests/samples/noise/noise1.wav", tmp_path)
    assert transcriber("faster-whisper", {}).transcribe(noise, "en", silent).lines == ()
    assert package.loads == []


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the real package, which writes one sentence."""
    return save_tiny_converted_whisper(tmp_path_factory.mktemp("converted"))


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("language", ["en", None])
def test_the_real_package_writes_what_its_weights_say(
    converted: Path, tmp_path: Path, batch: int, language: str | None
) -> None:
    backend = transcriber("faster-whisper", {"model": str(converted), "device": "cpu", "batch": batch})
    assert backend.missing() == []
    script = backend.transcribe(speech(tmp_path), language, silent)
    assert script.language == "en"
    assert [line.text for line in script.lines] == ["Good morning.", "My name is Jordi."]


def test_the_real_package_takes_several_windows_at_once(converted: Path, tmp_path: Path) -> None:
    audio = clip_16k("azure-speech/sampledata/customspeech/es-ES/training/audio-and-trans/audio2.wav", tmp_path)
    backend = transcriber("faster-whisper", {"model": str(converted), "device": "cpu", "batch": 4})
    assert backend.transcribe(audio, "es", silent).lines[0].text == "Good morning."


@pytest.mark.parametrize(
    "name", ["speechbrain/tests/samples/noise/noise3.wav", "librosa-data/audio/Kevin_MacLeod_-_Vibe_Ace.hq.ogg"]
)
def test_the_real_package_is_not_believed_over_noise(converted: Path, tmp_path: Path, name: str) -> None:
    backend = transcriber("faster-whisper", {"model": str(converted), "device": "cpu"})
    assert backend.transcribe(clip_16k(name, tmp_path), "en", silent).lines == ()


def test_a_folder_without_a_model_is_told(tmp_path: Path, package: StandIn) -> None:
    backend = transcriber("faster-whisper", {"model": str(tmp_path)})
    assert "no converted Whisper model" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="no converted"):
        backend.transcribe(recording("picovoice-leopard/resources/audio_samples/test.wav"), "en", silent)


@pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model")
def test_the_first_word_is_heard_at_the_beginning_and_after_a_long_silence(tmp_path: Path) -> None:
    """The detector notices "Printing" 200 ms late, in its second syllable."""
    clip = clip_16k("linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-0001.wav", tmp_path, recorded=True)
    said, rate = soundfile.read(clip, dtype="float32")
    said = said[: 4 * rate]
    both = np.concatenate([said, np.zeros(31 * rate, np.float32), said])
    soundfile.write(tmp_path / "both.wav", both, rate)
    options = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
    script = transcriber("faster-whisper", options).transcribe(tmp_path / "both.wav", "en", silent)
    firsts = [line.words[0] for line in script.lines]
    assert [line.text.split()[0].rstrip(",") for line in script.lines] == ["Printing", "Printing"]
    assert [word.start_ms for word in firsts] == pytest.approx([40, 35_040], abs=60)
