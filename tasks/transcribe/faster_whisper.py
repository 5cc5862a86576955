"""Whisper by CTranslate2 (faster-whisper, MIT): the same models in a quarter of the time and half the memory.

``batch`` windows are recognised at once on a GPU. The model ``base`` comes with ``make setup``
(`tasks.machine.weights`).
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.models import models
from tasks.machine import ctranslate
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import Weights, advice, here, located, needed
from tasks.records import registry
from tasks.records.errors import MissingBackendError
from tasks.records.progress import Progress, silent
from tasks.records.script import Script
from tasks.sound.speech_activity import read_span
from tasks.transcribe.hearing import Heard, Span, Stretch, listened_spans
from tasks.transcribe.stretch_by_stretch import Recording, script_of
from tasks.transcribe.tongues import Tongues, heard_tongues
from tasks.transcribe.whisper_codes import whisper_code

_ONE_AT_A_TIME = threading.Lock()
#: Of the same number everywhere, so that sums are added up in the same order on any machine.
_THREADS = 4
_AFTER = 100  # frames of silence, one second
_NOT_HEARD = {"models", "device", "download"}  # options that change nothing in the words


_PACKAGES = ("faster-whisper", "ctranslate2")


class FasterWhisperTranscriber:
    """Transcribes in the spoken language; the model is loaded once per process."""

    class Options(registry.Options):
        """How it is run.

        Attributes:
            model: a name such as ``turbo``, or the folder of a converted model.
            models: folder of downloads.
            download: whether a model that is not on this machine is downloaded on first use.
            device: a GPU is used if there is one.
            compute: ``int8`` is fast on a CPU, ``float16`` on a GPU.
            beam_size: width of the search.
            batch: windows per batch; 1 is most exact, 8 to 16 use a GPU fully.
            pause_ms: silence that ends a line.
        """

        model: str = "turbo"
        models: str | None = None
        download: bool = True
        device: Literal["auto", "cpu", "cuda"] = "auto"
        compute: str = "default"
        beam_size: int = Field(5, ge=1, le=20)
        batch: int = Field(1, ge=1, le=64)
        pause_ms: int = Field(500, ge=100, le=5000)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._entry = f"whisper-{options.model}" if f"whisper-{options.model}" in models() else ""
        local = bool(self._entry) or options.model.startswith((".", "/")) or not options.download
        self.facts = registry.BackendFacts(
            name="faster-whisper",
            code_licence="MIT",
            weights_licence="MIT",
            device="any",
            network=not local,
            languages=frozenset(models()[self._entry].languages) if self._entry else None,
            packages=_PACKAGES,
        )

    def fingerprint(self) -> str:
        """Versions of the packages, the options, and the model: its digest, or size and time where it is a folder."""
        weights = Path(self._options.model) / "model.bin"
        file = f"{weights.stat().st_size}:{weights.stat().st_mtime_ns}" if weights.is_file() else ""
        if self._entry:
            file = models()[self._entry].files["model.bin"].sha256[:16]
        versions = "+".join(registry.package_version(name) for name in _PACKAGES)
        return f"faster-whisper:7:{versions}:{file}:{self._options.model_dump_json(exclude=_NOT_HEARD)}"

    def missing(self) -> list[str]:
        """The package; or a missing model that is not downloaded on first use."""
        absent = []
        if importlib.util.find_spec("faster_whisper") is None:
            absent.append("The package faster-whisper is not installed: run `make setup`.")
        folder = Path(self._options.model) if self._options.model.startswith((".", "/")) else None
        if folder is not None and not (folder / "model.bin").is_file():
            absent.append(f"There is no converted Whisper model in {folder}.")
        if self._entry and not self._options.download and not here(self._entry):
            absent.append(f"The model {self._entry} is not installed. {advice(self._entry)}")
        return absent

    def weights(self) -> list[Weights]:
        """The weights of a named model, unless they are installed."""
        if self._options.model.startswith((".", "/")):
            return []
        return [needed(self._entry, f"Whisper {self._options.model}")]

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe; without a given language, that of each stretch is detected."""
        code = self._code(language)
        spans = listened_spans(audio, lambda share: progress(0.1 * share))
        if not spans:
            return Script(language=language or "en", lines=(), origin="faster-whisper")
        return self._script(audio, spans, language, code, progress)

    def transcribe_spans(self, audio: Path, spans: Sequence[Span], language: str) -> Script:
        """Transcribe these spans without temperature fallback, so that every run has the same result."""
        return self._script(audio, spans, language, self._code(language), silent, guess=False)

    def _code(self, language: str | None) -> str | None:
        for sentence in self.missing():
            raise MissingBackendError(sentence, "Or choose the whisper backend.")
        return whisper_code(language, self._options.model) if language else None

    def _script(
        self,
        audio: Path,
        spans: Sequence[Span],
        language: str | None,
        code: str | None,
        progress: Progress,
        *,
        guess: bool = True,
    ) -> Script:
        with _ONE_AT_A_TIME:
            chosen = self._options
            ours = located(self._entry) if self._entry else None
            asked = str(ours or chosen.model), chosen.models, chosen.device, chosen.compute
            resident = loaded_once(("faster-whisper", *asked), lambda: _model(*asked))
            with resident.at_work() as movable:
                model = movable.model
                tongues = Tongues(code) if code else _tongues(model, spans, audio)
                return script_of(
                    Recording(audio, spans, tongues),
                    lambda stretch, spoken: self._heard(model, audio, stretch, spoken, guess=guess),
                    progress,
                    language=language,
                    pause_ms=self._options.pause_ms,
                    origin="faster-whisper",
                )

    def _heard(self, model: Any, audio: Path, stretch: Stretch, code: str, *, guess: bool) -> Iterator[Heard]:
        asked: dict[str, Any] = {
            "language": code,
            "task": "transcribe",
            "beam_size": self._options.beam_size,
            "condition_on_previous_text": False,
            "word_timestamps": True,
            "vad_filter": False,  # the spans are known already
        }
        asked |= {} if guess else {"temperature": 0.0}
        samples = read_span(audio, stretch.start_ms, stretch.end_ms)
        if self._options.batch > 1:
            from faster_whisper import BatchedInferencePipeline

            whole = [{"start": 0.0, "end": len(samples) / 16_000}] if len(samples) < 30 * 16_000 else None
            asked |= {"batch_size": self._options.batch, "clip_timestamps": whole or _windows(len(samples))}
            segments, _ = BatchedInferencePipeline(model=model).transcribe(samples, **asked)
        else:
            segments, _ = model.transcribe(samples, **asked)
        return map(_segment, segments)


def _tongues(model: Any, spans: Sequence[Span], audio: Path) -> Tongues:
    return heard_tongues(spans, audio, lambda part: _chances(model, part), lambda part: _glanced(model, part))


def _chances(model: Any, samples: NDArray[np.float32]) -> dict[str, float]:
    """Probability of each language; not computed for single-language models."""
    return dict(model.detect_language(samples)[2]) if model.model.is_multilingual else {"en": 1.0}


def _glanced(model: Any, samples: NDArray[np.float32]) -> dict[str, float]:
    """The same from a window of the sound's own length: a tenth of the work of 30 s, but less certain."""
    from faster_whisper.audio import pad_or_trim

    if not model.model.is_multilingual:
        return {"en": 1.0}
    frames = min(model.feature_extractor.nb_max_frames, 2 * (len(samples) // 320) + _AFTER)
    window = pad_or_trim(model.feature_extractor(samples), frames)
    return {token[2:-2]: chance for token, chance in model.model.detect_language(model.encode(window))[0]}


def _windows(samples: int) -> list[dict[str, float]]:
    """Windows of 30 s, which the package needs if it does not detect speech itself."""
    seconds = samples / 16_000
    return [
        {"start": float(at), "end": min(at + 30.0, seconds)} for at in range(0, int(seconds) + 1, 30) if at < seconds
    ]


def _segment(segment: Any) -> Heard:
    return Heard(
        words=tuple((word.word, float(word.start), float(word.end)) for word in segment.words or ()),
        no_speech=float(segment.no_speech_prob),
        log_probability=float(segment.avg_logprob),
        compression=float(segment.compression_ratio),
    )


def _model(name: str, folder: str | None, device: str, compute: str) -> Resident:
    from faster_whisper import WhisperModel

    try:
        model = WhisperModel(name, device=device, compute_type=compute, download_root=folder, cpu_threads=_THREADS)
        return ctranslate.resident(model, model.model)
    except Exception as error:  # downloads, folders and devices raise errors without a common base class
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise MissingBackendError(
            f"The faster-whisper model {name!r} could not be loaded: {said}",
            "Check the network, or set the folder of a converted model as transcribe.options.model.",
        ) from error
