"""Speech recognition by OpenAI Whisper (code and weights MIT): a hundred languages, word times, GPU or CPU.

Radford et al., "Robust speech recognition via large-scale weak supervision" (2022).
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from configs.languages import display_name, primary
from tasks import registry
from tasks.errors import MissingBackendError, UnsupportedError
from tasks.model import Line, Script, Word
from tasks.progress import Progress
from tasks.speech_activity import read_span, speech_spans
from tasks.transcribe.segment import lines_from_words

_SECONDS_AT_A_TIME = 600  # of audio in memory; cut in a pause
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper's own; the next when a window fails
_NO_SPEECH, _UNSURE = 0.6, -1.0  # Whisper's own limits: both passed means that nobody spoke
_REPETITIVE = 2.4  # compression ratio above which a text is a loop (Whisper's own limit)
#: Whisper's names where they differ from the BCP-47 primary subtag.
_CODES = {"nb": "no", "fil": "tl", "iw": "he", "jv": "jw", "cmn": "zh"}
_ONE_AT_A_TIME = threading.Lock()  # a model keeps state in its attention hooks


class WhisperTranscriber:
    """Transcribes in the spoken language; the model is loaded once for each process."""

    class Options(registry.Options):
        """``model``: a name such as ``turbo``, or a path to a ``.pt``; ``models``: folder of downloads."""

        model: str = "turbo"
        models: str | None = None
        device: str | None = None
        beam_size: int | None = 5
        pause_ms: int = 500

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="whisper", code_licence="MIT", weights_licence="MIT", device="any", network=True
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Version of the package, the options, and size and time of a checkpoint that is a file."""
        path = Path(self._options.model)
        file = f"{path.stat().st_size}:{path.stat().st_mtime_ns}" if path.is_file() else ""
        version = registry.package_version("openai-whisper")
        return f"whisper:2:{version}:{file}:{self._options.model_dump_json(exclude={'models', 'device'})}"

    def missing(self) -> list[str]:
        """The package; or a checkpoint file that is not there (names are downloaded on first use)."""
        absent = []
        if registry.package_version("openai-whisper") == "absent":
            absent.append("The package openai-whisper is not installed: run `make setup`.")
        if self._options.model.endswith(".pt") and not Path(self._options.model).is_file():
            absent.append(f"The Whisper checkpoint {self._options.model} is not there.")
        return absent

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """The spoken words; the language is detected from the first speech where it is not given."""
        code = _code(language, self._options.model) if language else None
        spans = speech_spans(audio, progress=lambda share: progress(0.1 * share))
        if not spans:
            return Script(language=language or "en", lines=(), origin="whisper")
        words: list[Word] = []
        with _ONE_AT_A_TIME:
            model, device = _model(self._options.model, self._options.models, self._options.device)
            for start, end in _stretches(spans):
                heard = self._heard(model, audio, start, end, code)
                code = code or str(heard["language"])
                words.extend(_words(heard["segments"], start, end))
                progress(0.1 + 0.9 * end / spans[-1][1])
        lines: tuple[Line, ...] = tuple(lines_from_words(words, pause_ms=self._options.pause_ms))
        note = () if language else (f"The language was detected as {display_name(str(code))}.",)
        where = () if device != "cpu" else ("Whisper ran on the CPU.",)
        return Script(language=language or str(code), lines=lines, origin="whisper", notes=(*note, *where))

    def _heard(self, model: Any, audio: Path, start: int, end: int, code: str | None) -> dict[str, Any]:
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)  # a window that fails at temperature 0 is sampled: the same way every time
            answer: dict[str, Any] = model.transcribe(
                read_span(audio, start, end),
                language=code,
                task="transcribe",
                temperature=_TEMPERATURES,
                beam_size=self._options.beam_size,
                condition_on_previous_text=False,
                word_timestamps=True,
                fp16=model.device.type == "cuda",
                verbose=None,
            )
        return answer


def _code(language: str, model: str) -> str:
    from whisper.tokenizer import LANGUAGES

    code = _CODES.get(primary(language), primary(language))
    if code not in LANGUAGES:
        raise UnsupportedError(
            f"Whisper does not know {display_name(language)} ({language}).", "Give subtitles.", language=language
        )
    if model.removesuffix(".pt").endswith(".en") and code != "en":  # it would write English, whatever it hears
        raise UnsupportedError(
            f"The Whisper model {model!r} knows only English, not {display_name(language)} ({language}).",
            "Choose the model without .en (transcribe.options.model), or give subtitles.",
            language=language,
        )
    return code


@lru_cache(maxsize=1)
def _model(name: str, folder: str | None, device: str | None) -> tuple[Any, str]:
    import torch
    import whisper

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if not Path(name).is_file() and name not in whisper.available_models():
        raise MissingBackendError(
            f"There is no Whisper model {name!r}.", f"Choose a file or one of: {', '.join(whisper.available_models())}."
        )
    try:
        return whisper.load_model(name, device=device, download_root=folder), device
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:  # network errors are OSErrors
        raise MissingBackendError(
            f"The Whisper model {name!r} could not be loaded: {error}",
            "Check the network, or fetch the .pt elsewhere and name it as transcribe.options.model.",
        ) from error


def _stretches(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Stretches of audio to hear at a time, from the first speech to the last, cut between spans of speech."""
    start, end = spans[0]
    for following, until in spans[1:]:
        if until - start > _SECONDS_AT_A_TIME * 1000:
            yield start, end
            start = following
        end = until
    yield start, end


def _words(segments: list[dict[str, Any]], start_ms: int, end_ms: int) -> Iterator[Word]:
    """The words of segments in which somebody speaks, on the clock of the whole file; Whisper gives some no length."""
    for segment in segments:
        silent = segment["no_speech_prob"] > _NO_SPEECH and segment["avg_logprob"] < _UNSURE
        if silent or segment["compression_ratio"] > _REPETITIVE:
            continue
        for word in segment.get("words", ()):
            start = min(start_ms + round(1000 * float(word["start"])), end_ms - 1)
            end = min(start_ms + round(1000 * float(word["end"])), end_ms)
            yield Word(text=word["word"], start_ms=start, end_ms=max(end, start + 1))
