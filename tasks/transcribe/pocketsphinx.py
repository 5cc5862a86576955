"""Rough English speech recognition by PocketSphinx (BSD, model in its wheel): no download, no key, no GPU.

Its acoustic model is from 2015: good enough for a draft to be corrected, which the script's notes say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from configs.languages import display_name, primary
from tasks.records import registry
from tasks.records.errors import UnsupportedError
from tasks.records.progress import Progress
from tasks.records.script import Line, Script, Word
from tasks.sound.speech_activity import read_span, speech_spans
from tasks.transcribe.segment import lines_from_words

_FRAME_MS = 10
_LONGEST_SPAN_S = 20.0  # one search; longer speech is cut at its longest pause
_PEAK = 0.5
NOTE = (
    "Transcribed by PocketSphinx, a rough recogniser without punctuation: expect wrong words, "
    "and check the script, or supply subtitles."
)


class PocketSphinxTranscriber:
    """Recognises each span of speech on its own."""

    class Options(registry.Options):
        """``pause_ms``: silence that ends a line; ``beam``: width of the search, narrower is faster and worse."""

        pause_ms: int = Field(400, ge=100, le=5000)
        beam: float = Field(1e-80, gt=0, lt=1)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="pocketsphinx",
        packages=("pocketsphinx", "silero-vad"),
        code_licence="BSD-2-Clause",
        weights_licence="BSD-2-Clause",
        heavy=True,
        languages=frozenset({"en"}),
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Versions of both packages, which carry their models, and the options."""
        packages = "+".join(f"{name}-{registry.package_version(name)}" for name in ("pocketsphinx", "silero-vad"))
        return f"pocketsphinx:1:{packages}:{self._options.model_dump_json()}"

    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [
            f"The package {name} is not installed: run `make setup`."
            for name in ("pocketsphinx", "silero-vad")
            if registry.package_version(name) == "absent"
        ]

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe English speech; an unknown language is assumed to be English, with a note."""
        if language and primary(language) != "en":
            raise UnsupportedError(
                f"PocketSphinx supports only English, not {display_name(language)} ({language}).",
                "Put subtitles next to the video (NAME." + language + ".srt), or use --profile studio.",
                language=language,
            )
        spans = speech_spans(
            audio,
            min_silence_ms=self._options.pause_ms,
            min_speech_ms=150,
            pad_ms=120,
            max_speech_s=_LONGEST_SPAN_S,
            progress=lambda share: progress(0.1 * share),
        )
        words: list[Word] = []
        decoder = _decoder(self._options.beam) if spans else None
        for index, (start, end) in enumerate(spans):
            words.extend(_recognise(decoder, audio, start, end))
            progress(0.1 + 0.9 * (index + 1) / len(spans))
        progress(1.0)
        lines = lines_from_words(words, pause_ms=self._options.pause_ms)
        notes = [NOTE] if language else [NOTE, "The language was not given; English is assumed."]
        return Script(
            language=language or "en", lines=tuple(map(_presentable, lines)), origin="pocketsphinx", notes=tuple(notes)
        )


def _decoder(beam: float) -> Any:
    import pocketsphinx

    return pocketsphinx.Decoder(
        beam=beam, wbeam=beam**0.6, pbeam=beam, lw=8.0, cmn="batch", loglevel="FATAL", samprate=16_000
    )


def _recognise(decoder: Any, audio: Path, start_ms: int, end_ms: int) -> Iterator[Word]:
    """The words of one span, on the clock of the whole file."""
    import numpy as np

    samples = read_span(audio, start_ms, end_ms)
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0.0:
        return
    pcm = (samples * (_PEAK / loudest) * 32767).astype(np.int16).tobytes()
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    for segment in decoder.seg() or ():
        if segment.word.startswith(("<", "[", "++")):
            continue  # silence and noise
        yield Word(
            text=segment.word.split("(")[0],  # "the(2)" is another pronunciation of "the"
            start_ms=start_ms + segment.start_frame * _FRAME_MS,
            end_ms=start_ms + (segment.end_frame + 1) * _FRAME_MS,
        )


def _presentable(line: Line) -> Line:
    """Capitals where English wants them for certain, and a full stop."""
    words = [word.text for word in line.words]
    words = [word.capitalize() if word == "i" or word.startswith("i'") else word for word in words]
    words[0] = words[0][:1].upper() + words[0][1:]
    words[-1] += "."
    timed = tuple(word.model_copy(update={"text": text}) for word, text in zip(line.words, words, strict=True))
    return line.model_copy(update={"text": " ".join(words), "words": timed})
