"""Speech recognition by OpenAI's Whisper (MIT, code and weights): many languages, word times, faster on a GPU.

The weights are downloaded on first use, or read from a folder or a ``.pt`` file.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from configs.languages import display_name, primary
from tasks import registry
from tasks.errors import MissingBackendError, UnsupportedError
from tasks.model import Script, Word
from tasks.progress import Progress
from tasks.speech_activity import duration_ms, read_span
from tasks.transcribe.segment import lines_from_words
from tasks.weights import weights_digest

_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # greedy first; sampled only where that fails its own checks
_REPETITIVE = 2.4  # zlib ratio above which a segment is a loop, as in the package
_SEED = 1
_CODES = {"nb": "no", "fil": "tl", "jv": "jw", "cmn": "zh"}  # BCP-47 to Whisper's
_LOADING = threading.Lock()


class WhisperTranscriber:
    """Recognises a whole file in windows of 30 s."""

    class Options(registry.Options):
        """Which model, and how.

        Attributes:
            model: an official name (``turbo``, ``small.en`` ...) or the path of a ``.pt`` file.
            folder: where weights are kept; the package's own place where None.
            device: ``auto`` takes a GPU where there is one.
            pause_ms: silence that ends a line.
        """

        model: str = "turbo"
        folder: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        pause_ms: int = Field(500, ge=100, le=5000)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="whisper", code_licence="MIT", weights_licence="MIT", device="any", network=True
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Package version, the model (of a file: a digest) and what changes the result."""
        version = registry.package_version("openai-whisper")
        return f"whisper:1:{version}:{_identity(self._options.model)}:{self._options.pause_ms}"

    def missing(self) -> list[str]:
        """The package, or a model file that is named but not there."""
        if registry.package_version("openai-whisper") == "absent":
            return ["The package openai-whisper is not installed: run `make setup`."]
        model = self._options.model
        if model.endswith(".pt") and not Path(model).is_file():
            return [f"The Whisper model file {model!r} is not there."]
        return []

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """The words of a file; without ``language`` the first 30 s decide."""
        code = _whisper_code(language, self._options.model)
        model = _model(self._options.model, self._options.folder, _device(self._options.device))
        progress(0.05)
        samples = read_span(audio, 0, duration_ms(audio) + 1)
        if not len(samples):
            return Script(language=language or "en", lines=(), origin="whisper")
        answer = _recognise(model, samples, code)
        progress(1.0)
        lines = lines_from_words(list(_words(answer, duration_ms(audio))), pause_ms=self._options.pause_ms)
        heard = {theirs: ours for ours, theirs in _CODES.items()}.get(answer["language"], answer["language"])
        return Script(language=language or heard, lines=tuple(lines), origin="whisper")


def _recognise(model: Any, samples: Any, code: str | None) -> dict[str, Any]:
    import torch

    cuda = model.device.type == "cuda"
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[model.device] if cuda else []):
        warnings.simplefilter("ignore")  # slower word timing without a compiler, and the like
        torch.manual_seed(_SEED)  # the later temperatures sample
        answer: dict[str, Any] = model.transcribe(
            samples,
            language=code,
            task="transcribe",
            word_timestamps=True,
            temperature=_TEMPERATURES,
            condition_on_previous_text=False,  # a loop in one window must not infect the next
            hallucination_silence_threshold=2.0,
            fp16=cuda,
        )
    return answer


def _words(answer: Mapping[str, Any], total_ms: int) -> Iterator[Word]:
    """The timed words of every segment that is not a loop, inside the file; Whisper gives some words no length."""
    for segment in answer["segments"]:
        if segment["compression_ratio"] > _REPETITIVE or not segment["text"].strip():
            continue
        for word in segment.get("words", ()):
            start = min(max(0, round(word["start"] * 1000)), total_ms - 1)
            end = min(max(start + 1, round(word["end"] * 1000)), total_ms)
            yield Word(text=word["word"], start_ms=start, end_ms=end)


def _whisper_code(language: str | None, model: str) -> str | None:
    english_only = model.removesuffix(".pt").endswith(".en")
    if language is None:
        return "en" if english_only else None
    from whisper.tokenizer import LANGUAGES

    base = primary(language)
    code = base if base in LANGUAGES else _CODES.get(base, base)
    if code not in LANGUAGES or (english_only and code != "en"):
        raise UnsupportedError(
            f"The Whisper model {model!r} does not know {display_name(language)} ({language}).",
            "Give subtitles (NAME.LANG.srt beside the video), or choose another model (transcribe.options.model).",
            language=language,
        )
    return code


def _device(wanted: str) -> str:
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _model(name: str, folder: Path | None, device: str) -> Any:
    """The model, loaded once a process."""
    with _LOADING:
        return _loaded(name, folder, device, _identity(name))


@lru_cache(maxsize=1)
def _loaded(name: str, folder: Path | None, device: str, _identity: str) -> Any:
    import torch
    import whisper

    try:
        return whisper.load_model(name, device=device, download_root=str(folder) if folder else None)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # no network, no such name, a broken file: each fails in its own way
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise MissingBackendError(
            f"The Whisper model {name!r} cannot be loaded: {reason[:200]}",
            "Its weights come from the network on first use; or put NAME.pt into transcribe.options.folder, "
            "or give the file's path as transcribe.options.model.",
        ) from error


def _identity(model: str) -> str:
    path = Path(model)
    return weights_digest([path]) if path.is_file() else model
