"""How far the aligner's phones lie from where they are spoken.

    python -m benchmarks.aligner [--languages es fr de en] [--sentences 8] [--kept FOLDER] [--media FOLDER]

`lipsync_engine.align` is given a sound and its text, and the starts that it finds are compared with known ones:

- Kokoro's, which says itself how long each of its symbols lasts, in steps of 25 ms: its best female and male voice by
  turns speak the sentences of ``voices.yaml`` that hold no digit and no address. Each is cut as a line of a dub is.
- eSpeak NG's, in another timbre and at another speed than the aligner's own reference.
- A reader's (LibriVox, English): the times of the PocketSphinx test set, which a recogniser found, in steps of 10 ms.

Phones of both sides are paired in order by what the mouth does for them; a pair counts if it is one sound or one kind
of sound. ``--kept`` remembers what Kokoro spoke, which takes most of the time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

from benchmarks.clips import MEDIA
from configs.kokoro import kokoro
from lipsync_engine.media.audio import load_mono
from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.align import align
from lipsync_engine.speech.articulation import Features, segments
from lipsync_engine.speech.phones import read_phones, write_phones
from tasks.synthesize import Synthesizer, synthesizer

_LIBRIVOX = "pocketsphinx/test/data/librivox"
_TIMBRES = (("f2", 210), ("m4", 150), ("f4", 180), ("m1", 240))
_ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
#: As Kokoro reads them.
_TAGS = {"en": "en-US"}
_UNPAIRED, _OTHER_SOUND, _OTHER_KIND = 0.6, 0.2, 1.5


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound, what it says, and when its phones are spoken."""

    language: str
    text: str
    samples: FloatArray
    rate_hz: int
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True)
class Starts:
    """Found minus true start of each pair in milliseconds, which are bilabials, and how many true phones there are."""

    errors: NDArray[np.float64]
    bilabial: NDArray[np.bool_]
    true: int


def from_kokoro(language: str, sentences: int, folder: Path) -> Iterator[Recording]:
    """Sentences of a language by its best two voices, by turns, kept in a folder."""
    texts = yaml.safe_load(Path(__file__).with_name("voices.yaml").read_text("utf-8"))[language]
    readable = [text for text in texts if not re.search(r"\d|www", text)]
    table, backend = kokoro().languages[language], synthesizer("kokoro", {"all_languages": True})
    for text, voice in zip(readable[:sentences], cycle((table.female[0], table.male[0]))):
        yield kept(backend, voice, language, text, folder)


def kept(backend: Synthesizer, voice: str, language: str, text: str, folder: Path) -> Recording:
    facts = "\0".join((backend.fingerprint(), voice, language, text))
    sound = folder / f"{language}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.wav"
    times = sound.with_suffix(".json")
    if not times.exists():
        spoken = backend.synthesize(text, voice, language, sound)
        write_phones(times, tuple(Phone(*row) for row in spoken.phones or ()))
    samples, rate_hz = soundfile.read(sound, dtype="float32")
    return Recording(_TAGS.get(language, language), text, samples, rate_hz, read_phones(times))


def from_espeak(language: str, sentences: int) -> Iterator[Recording]:
    """The same sentences by eSpeak NG in other timbres and speeds."""
    texts = yaml.safe_load(Path(__file__).with_name("voices.yaml").read_text("utf-8"))[language]
    for text, (timbre, rate) in islice(zip(texts, cycle(_TIMBRES)), sentences):
        spoken = espeak.synthesize(text, espeak.voice_for(language, timbre), rate_wpm=rate)
        yield Recording(language, text, spoken.samples, spoken.sample_rate_hz, spoken.phones)


def from_librivox(media: Path) -> Iterator[Recording]:
    """Three sentences by a reader."""
    for times in sorted((media / _LIBRIVOX).glob("*.phone.json")):
        sound = times.with_name(times.name.replace(".phone.json", ".wav"))
        rows = [phone for word in json.loads(times.read_text())["w"] for phone in word.get("w", [])]
        phones = tuple(
            Phone(_ARPABET.get(row["t"], ""), round(row["b"] * 1000), round((row["b"] + row["d"]) * 1000))
            for row in rows
        )
        yield Recording("en-us", sound.with_suffix(".txt").read_text().strip(), load_mono(sound), 16000, phones)


def starts_of(recording: Recording) -> Starts:
    """Align, pair, compare."""
    found = align(recording.samples, recording.rate_hz, recording.text, recording.language).phones
    true = [phone for phone in recording.phones if phone.ipa]
    pairs = paired([phone for phone in found if phone.ipa], true)
    return Starts(
        np.array([one.start_ms - other.start_ms for one, other in pairs], np.float64),
        np.array([_kind(other) == "bilabial" for _, other in pairs], np.bool_),
        len(true),
    )


def paired(found: list[Phone], true: list[Phone]) -> list[tuple[Phone, Phone]]:
    """Phones that are one sound or one kind of sound, in order, by the cheapest alignment of the two sequences."""
    prices = np.array([[_price(one, other) for other in true] for one in found]).reshape(len(found), len(true))
    total = np.zeros((len(found) + 1, len(true) + 1))
    total[:, 0], total[0] = np.arange(len(found) + 1) * _UNPAIRED, np.arange(len(true) + 1) * _UNPAIRED
    for i in range(len(found)):
        for j in range(len(true)):
            alone = min(total[i, j + 1], total[i + 1, j]) + _UNPAIRED
            total[i + 1, j + 1] = min(alone, total[i, j] + prices[i, j])
    pairs, i, j = [], len(found), len(true)
    while i and j:
        if total[i, j] == total[i - 1, j - 1] + prices[i - 1, j - 1]:
            i, j = i - 1, j - 1
            if prices[i, j] < _OTHER_KIND:
                pairs.append((found[i], true[j]))
        elif total[i, j] == total[i - 1, j] + _UNPAIRED:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _price(one: Phone, other: Phone) -> float:
    first, second = (re.sub(r"[ːˑ\u0329\u032f.]", "", phone.ipa) for phone in (one, other))
    if first == second:
        return 0.0
    return _OTHER_SOUND if _kind(one) == _kind(other) else _OTHER_KIND


def _kind(phone: Phone) -> str:
    sounds: tuple[Features, ...] = segments(phone.ipa)
    if not sounds:
        return ""
    return "bilabial" if sounds[0].place == "bilabial" and sounds[0].manner == "stop" else sounds[0].place


def row(name: str, all_starts: list[Starts]) -> str:
    """A line of the table."""
    errors = np.concatenate([starts.errors for starts in all_starts])
    lips = np.concatenate([starts.bilabial for starts in all_starts])
    share = len(errors) / sum(starts.true for starts in all_starts)
    return f"{name:14}{share:7.0%}" + "".join(_figures(part) for part in (errors, errors[lips]))


def _figures(errors: NDArray[np.float64]) -> str:
    if not len(errors):
        return f"{0:8}" + f"{'-':>8}" * 3
    away = np.abs(errors)
    return f"{len(errors):8}{np.median(away):8.1f}{np.percentile(away, 90):8.1f}{np.median(errors):+8.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=["es", "fr", "de", "en"])
    parser.add_argument("--sentences", type=int, default=8)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--media", type=Path, default=MEDIA)
    options = parser.parse_args()
    head = f"{'phones':>8}{'median':>8}{'p90':>8}{'bias':>8}"
    print(f"{'start, ms':14}{'paired':>7}{head}   bilabials:{head[11:]}")
    with tempfile.TemporaryDirectory(prefix="polydub-aligner-") as folder:
        kept = options.kept or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        totals: list[Starts] = []
        for language in options.languages:
            spoken = [starts_of(one) for one in from_kokoro(language, options.sentences, kept)]
            totals += spoken
            print(row(f"Kokoro {language}", spoken), flush=True)
        print(row("Kokoro", totals), flush=True)
    for language in options.languages:
        spoken = [starts_of(one) for one in from_espeak(language, options.sentences)]
        print(row(f"eSpeak NG {language}", spoken), flush=True)
    read = [starts_of(one) for one in from_librivox(options.media)]
    print(row("LibriVox", read) if read else f"no {_LIBRIVOX} in {options.media}", flush=True)


if __name__ == "__main__":
    main()
