"""How well each voice is understood: word error of eSpeak NG and Kokoro, as Whisper base hears them.

    python -m benchmarks.voices [--languages es en-GB] [--voices 2 | --named VOICE ...] [--sentences 20] [--heard FILE]

Each voice speaks the sentences of ``voices.yaml``, five to a recording with a second between; what Whisper writes is
compared with what was to be said. Numbers, units and dates are words on both sides, and punctuation and case do not
count. Three languages are compared by character: Mandarin in simplified characters, Japanese in kana, and Hindi by its
consonants, since Whisper base often writes Urdu for it. A voice of Kokoro beside which eSpeak NG is understood as well
is marked: it is not to be chosen (`configs/kokoro.yaml`).
``--voices``: of Kokoro in each language, the best first. ``--named``: these instead, mixtures (``ONE+OTHER``) too.
``--heard`` remembers what was heard between runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

from configs.kokoro import kokoro
from configs.languages import primary
from tasks.media import speech_copy
from tasks.records.progress import silent
from tasks.records.script import Speaker
from tasks.synthesize import Synthesizer, synthesizer
from tasks.transcribe import Transcriber, transcriber
from tasks.words.spoken_form import in_words

_BY_CHARACTER = ("hi", "ja", "zh")
_TOGETHER, _BETWEEN_S = 5, 1.0
_EAR = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
_ALIKE = {
    sign: latin
    for latin, signs in {
        "k": "कखکقخ", "g": "गघگغ", "c": "चछچ", "j": "जझجزذضظژ", "t": "टठतथٹتط", "d": "डढदधڈد", "n": "नणञङंँنں",
        "p": "पफپف", "b": "बभب", "m": "मم", "r": "रڑر", "l": "लل", "s": "शषसشسصث", "h": "हہحه",
    }.items()
    for sign in signs
}  # fmt: skip


@dataclass
class Ear:
    """Whisper base, and what it heard before."""

    backend: Transcriber
    folder: Path
    memory: Path | None
    heard: dict[str, str]

    def hears(self, voice: Synthesizer, name: str, language: str, sentences: tuple[str, ...]) -> str:
        """What it writes of some sentences in one recording."""
        facts = [voice.fingerprint(), self.backend.fingerprint(), name, language, *sentences]
        key = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:24]
        if key not in self.heard:
            recording, speech = self.folder / "recording.wav", self.folder / "speech.wav"
            _record(voice, name, language, sentences, recording)
            speech_copy(recording, speech)
            self.heard[key] = " ".join(line.text for line in self.backend.transcribe(speech, language, silent).lines)
            if self.memory:
                self.memory.write_text(json.dumps(self.heard, ensure_ascii=False, indent=0), "utf-8")
        return self.heard[key]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    parser.add_argument("--languages", nargs="+", default=list(texts), choices=list(kokoro().languages))
    parser.add_argument("--voices", type=int, default=2)
    parser.add_argument("--named", nargs="+", default=[])
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--heard", type=Path)
    parser.add_argument("--show", action="store_true", help="what was said and heard")
    options = parser.parse_args()
    known = json.loads(options.heard.read_text("utf-8")) if options.heard and options.heard.exists() else {}
    with tempfile.TemporaryDirectory(prefix="polydub-voices-") as folder:
        ear = Ear(transcriber("faster-whisper", dict(_EAR)), Path(folder), options.heard, known)
        print(f"{'':8}{'voice':22}  words  characters")
        for language in options.languages:
            sentences = texts[primary(language)][: options.sentences]
            report(ear, language, sentences, options.named or _best(language, options.voices), options.show)


def report(ear: Ear, language: str, sentences: list[str], voices: Sequence[str], show: bool) -> None:
    """One language's rows."""
    bar: float | None = None
    for backend, name in _speakers(language, voices):
        answers = [(said, ear.hears(backend, name, language, said)) for said in _recordings(sentences)]
        said, heard = (plain(" ".join(part), language) for part in (sentences, [answer for _, answer in answers]))
        words, characters = jiwer.wer(said, heard), jiwer.cer(said.replace(" ", ""), heard.replace(" ", ""))
        counted = characters if language in _BY_CHARACTER else words
        bar = counted if bar is None else bar
        mark = "  not better than eSpeak NG" if backend.facts.name == "kokoro" and counted >= bar else ""
        label = name if backend.facts.name == "kokoro" else "eSpeak NG"
        shown = "     " if language in _BY_CHARACTER else f"{words:5.3f}"
        print(f"{language:8}{label:22}  {shown}  {characters:5.3f}{mark}", flush=True)
        if show:
            for asked, answer in answers:
                print(f"    {plain(' '.join(asked), language)}\n    {plain(answer, language)}", flush=True)


def _speakers(language: str, voices: Sequence[str]) -> Iterator[tuple[Synthesizer, str]]:
    espeak = synthesizer("espeak", {})
    yield espeak, espeak.voices(language, [Speaker(id="A", pitch_hz=120.0)], {})["A"]
    for name in voices:
        yield synthesizer("kokoro", {"all_languages": True}), name


def _best(language: str, voices: int) -> list[str]:
    """Voices of a language, women and men by turns."""
    table = kokoro().languages[language]
    turns = [name for pair in zip(table.female, table.male, strict=False) for name in pair]
    rest = [name for name in (*table.female, *table.male) if name not in turns]
    return [*turns, *rest][:voices]


def plain(text: str, language: str) -> str:
    """Words alone, as they are said: what two spellings of the same have in common."""
    digits = re.sub(r"(?<=\d)\. (?=\d)", ".", re.sub(r"(?<=\d)[.,](?=\d{3}(?!\d))", "", text))  # 7. 45, 2,864
    folded = unicodedata.normalize("NFKC", in_words(digits, language)[0]).casefold()
    words = " ".join(re.sub(r"[^\w\s'’\u0900-\u097f]|[_।]", " ", folded).replace("’", "'").split())
    if language in ("ca", "es", "it", "pt"):  # stress is heard, but Whisper often leaves out its sign
        return unicodedata.normalize("NFC", re.sub("[\u0300\u0301]", "", unicodedata.normalize("NFD", words)))
    if language == "hi":
        return _consonants(unicodedata.normalize("NFC", words))
    if language == "ja":
        from tasks.words.kana import readings

        return "".join(readings(words.replace(" ", "")))
    if language == "zh":
        from opencc import OpenCC

        return str(OpenCC("t2s").convert(words.replace(" ", "")))
    return words


def _consonants(words: str) -> str:
    """What Devanagari and the Urdu script have in common: no vowels, no breath, one sign for what is alike."""
    bare = words.replace("ड़", "र").replace("ढ़", "र").replace("\u095c", "र").replace("\u095d", "र")
    return "".join(_ALIKE.get(sign, "") for sign in bare)


def _recordings(sentences: list[str]) -> list[tuple[str, ...]]:
    return [tuple(sentences[at : at + _TOGETHER]) for at in range(0, len(sentences), _TOGETHER)]


def _record(voice: Synthesizer, name: str, language: str, sentences: tuple[str, ...], out: Path) -> None:
    parts: list[NDArray[Any]] = []
    rate = 0
    for sentence in sentences:
        spoken = voice.synthesize(sentence, name, language, out.with_name("line.wav"))
        samples, rate = soundfile.read(spoken.audio, dtype="float32")
        parts += [samples, np.zeros(round(_BETWEEN_S * rate), np.float32)]
    soundfile.write(str(out), np.concatenate(parts), rate)


if __name__ == "__main__":
    main()
