"""Speech recognition by OpenAI Whisper (code and weights MIT): a hundred languages, word times, GPU or CPU.

Radford et al., "Robust speech recognition via large-scale weak supervision" (2022).
"""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.models import models
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import Weights, located, needed
from tasks.records import registry
from tasks.records.errors import MissingBackendError
from tasks.records.progress import Progress, silent
from tasks.records.script import Script
from tasks.sound.speech_activity import read_span
from tasks.transcribe.hearing import Heard, Span, Stretch, listened_spans
from tasks.transcribe.stretch_by_stretch import Recording, script_of
from tasks.transcribe.tongues import Tongues, heard_tongues
from tasks.transcribe.whisper_codes import whisper_code

_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper's own; the next when a window fails
_FILES = {"turbo": "large-v3-turbo", "large": "large-v3"}  # names that stand for others
_ONE_AT_A_TIME = threading.Lock()  # a model keeps state in its attention hooks


class WhisperTranscriber:
    """Transcribes in the spoken language; the model is loaded once per process."""

    class Options(registry.Options):
        """``model``: a name such as ``turbo``, or a path to a ``.pt``; ``models``: folder of downloads."""

        model: str = "turbo"
        models: str | None = None
        device: str | None = None
        beam_size: int | None = 5
        pause_ms: int = 500

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="whisper",
        packages=("openai-whisper", "torch"),
        code_licence="MIT",
        weights_licence="MIT",
        device="any",
        network=True,
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Version of the package, the options, and size and time of a checkpoint that is a file."""
        path = Path(self._options.model)
        file = f"{path.stat().st_size}:{path.stat().st_mtime_ns}" if path.is_file() else ""
        version = registry.package_version("openai-whisper")
        return f"whisper:6:{version}:{file}:{self._options.model_dump_json(exclude={'models', 'device'})}"

    def missing(self) -> list[str]:
        """The package; or a missing checkpoint file (named models are downloaded on first use)."""
        absent = []
        if registry.package_version("openai-whisper") == "absent":
            absent.append("The package openai-whisper is not installed: run `make setup`.")
        if self._options.model.endswith(".pt") and not Path(self._options.model).is_file():
            absent.append(f"The Whisper checkpoint {self._options.model} does not exist.")
        return absent

    def weights(self) -> list[Weights]:
        """The weights of a named model, in the package's cache."""
        name = self._options.model
        if name.endswith(".pt"):
            return []
        file = _FILES.get(name, name)
        wanted = needed(f"whisper/{file}", name)
        folder = self._options.models
        return [replace(wanted, there=wanted.there or bool(folder and (Path(folder) / f"{file}.pt").is_file()))]

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe; without a given language, that of each stretch is detected."""
        code = whisper_code(language, self._options.model) if language else None
        spans = listened_spans(audio, lambda share: progress(0.1 * share))
        if not spans:
            return Script(language=language or "en", lines=(), origin="whisper")
        return self._script(audio, spans, language, code, progress)

    def transcribe_spans(self, audio: Path, spans: Sequence[Span], language: str) -> Script:
        """Transcribe these spans without temperature fallback."""
        code = whisper_code(language, self._options.model)
        return self._script(audio, spans, language, code, silent, _TEMPERATURES[:1])

    def _script(
        self,
        audio: Path,
        spans: Sequence[Span],
        language: str | None,
        code: str | None,
        progress: Progress,
        temperatures: tuple[float, ...] = _TEMPERATURES,
    ) -> Script:
        with _ONE_AT_A_TIME:
            asked = self._options.model, self._options.models, self._options.device
            resident = loaded_once(("whisper", *asked), lambda: _model(*asked))
            with resident.at_work() as model:
                tongues = Tongues(code) if code else heard_tongues(spans, audio, lambda part: _chances(model, part))
                return script_of(
                    Recording(audio, spans, tongues),
                    lambda stretch, spoken: self._heard(model, audio, stretch, spoken, temperatures),
                    progress,
                    language=language,
                    pause_ms=self._options.pause_ms,
                    origin="whisper",
                    notes=() if resident.device != "cpu" else ("Whisper ran on the CPU.",),
                )

    def _heard(
        self, model: Any, audio: Path, stretch: Stretch, code: str, temperatures: tuple[float, ...]
    ) -> Iterator[Heard]:
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)  # a window that fails at temperature 0 is sampled: the same way every time
            answer: dict[str, Any] = model.transcribe(
                read_span(audio, stretch.start_ms, stretch.end_ms),
                language=code,
                task="transcribe",
                temperature=temperatures,
                beam_size=self._options.beam_size,
                condition_on_previous_text=False,
                word_timestamps=True,
                fp16=model.device.type == "cuda",
                verbose=None,
            )
        return map(_segment, answer["segments"])


def _chances(model: Any, samples: NDArray[np.float32]) -> dict[str, float]:
    """Probability of each language; not computed for single-language models."""
    import whisper
    from whisper.audio import N_FRAMES, N_SAMPLES

    if not model.is_multilingual:
        return {"en": 1.0}
    mel = whisper.log_mel_spectrogram(samples, model.dims.n_mels, padding=N_SAMPLES)
    _, chances = model.detect_language(whisper.pad_or_trim(mel, N_FRAMES).to(model.device))
    return dict(chances)


def _model(name: str, folder: str | None, device: str | None) -> Resident:
    import whisper

    listed = f"whisper/{_FILES.get(name, name)}"
    if listed in models() and (ours := located(listed)):
        name = str(ours / f"{_FILES.get(name, name)}.pt")
    if not Path(name).is_file() and name not in whisper.available_models():
        raise MissingBackendError(
            f"There is no Whisper model {name!r}.", f"Choose a file or one of: {', '.join(whisper.available_models())}."
        )
    try:
        return Resident(
            _with_heads(whisper.load_model(name, device="cpu", download_root=folder), name), device or "auto"
        )
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:  # network errors are OSErrors
        raise MissingBackendError(
            f"The Whisper model {name!r} could not be loaded: {error}",
            "Check the network, or download the .pt elsewhere and set it as transcribe.options.model.",
        ) from error


def _with_heads(model: Any, name: str) -> Any:
    """The model with the attention heads that tell its words' times, which the package sets only on a download."""
    import whisper

    if heads := whisper._ALIGNMENT_HEADS.get(Path(name).stem):
        with contextlib.suppress(RuntimeError):  # another model under that name
            model.set_alignment_heads(heads)
    return model


def _segment(segment: dict[str, Any]) -> Heard:
    return Heard(
        words=tuple((word["word"], float(word["start"]), float(word["end"])) for word in segment.get("words", ())),
        no_speech=float(segment["no_speech_prob"]),
        log_probability=float(segment["avg_logprob"]),
        compression=float(segment["compression_ratio"]),
    )
