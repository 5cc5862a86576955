"""What the tests make for themselves in the stead of recordings, by the names that these have in the test media.

A stand-in has the words, rate, length and (but for the largest) the size of what it stands for, and not its people:
what depends on a real voice or on a certain face is tested on recordings alone.
"""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import cv2
import numpy as np
import pytest
import soundfile
import soxr

from tasks.synthesize import synthesizer
from tests.talking_head import COLLINS, RATE_HZ, Array, Person, Rgb, Speech, opening, portrait, speaking, spoken, write

GRID = "lipnet-grid/evaluation/samples/GRID/{}.mpg"
TALK = "open-dubbing/tests/data/englishvideo.mp4"
TWO = "_derived/grid_two_faces_alternating"
READ = "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-000{}.wav"
SAMPLES = "picovoice-leopard/resources/audio_samples/{}.wav"
STEMS = "_derived/englishvideo_{}_stem.flac"
OFFICIAL, PAIR = "face_recognition/examples/obama-1080p.jpg", "face_recognition/examples/two_people.jpg"


@dataclass(frozen=True)
class Said:
    """Sentences with the seconds at which they begin (and end), in all so many seconds, in a voice of eSpeak NG.

    ``level`` 1 is as loud as eSpeak NG speaks.
    """

    sentences: tuple[tuple[float, str] | tuple[float, str, float], ...]
    seconds: float
    voice: str = "en-us"
    level: float = 1.0


@dataclass(frozen=True)
class Film:
    """Who says what, before which camera."""

    who: Person
    said: Said
    size: tuple[int, int] = (360, 288)
    rate: int = 25


def _three_seconds(who: Person, text: str, voice: str, at: float = 0.4) -> Film:
    return Film(who, Said(((at, text),), 3.0, voice))


#: Frontal speakers.
FILMS = {
    GRID.format("bbaf2n"): _three_seconds(COLLINS, "bin blue at F two now", "en-us+m3"),
    GRID.format("brbk7n"): _three_seconds(Person("Hopper"), "bin red by K seven now", "en-us+f3"),
    GRID.format("lbax4n"): _three_seconds(
        Person(mirrored=True, nearer=1.15, light=(1.12, 0.98, 0.8)), "lay blue at X four now", "en-us+m1"
    ),
    GRID.format("lwbsza"): _three_seconds(Person(light=(0.8, 0.95, 1.1)), "lay white by S zero again", "en-us+f1"),
    GRID.format("swiz3n"): _three_seconds(
        Person("Hopper", mirrored=True, nearer=1.2, light=(0.85, 0.62, 0.5)), "set white in Z three now", "en-us+m5"
    ),
    "lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg": Film(
        COLLINS, Said(((0.49, "set white with P two soon", 2.21),), 3.0, "en-gb")
    ),
    "latentsync/assets/demo1_video.mp4": Film(
        Person("Hopper", light=(1.0, 1.0, 0.7)), Said(((0.3, "a woman sits outdoors and speaks"),), 3.0), (270, 480)
    ),
    TALK: Film(
        COLLINS,
        Said(
            (
                (1.26, "Good morning, my name is Jordi Mas.", 3.95),
                (5.25, "I am from Barcelona.", 6.63),
                (7.61, "And I love this city.", 8.69),
            ),
            9.967,
            "en-us+m3",
        ),
        (540, 360),
        30,
    ),
}
_SENTENCES = (
    "Printing, in the only sense with which we are at present concerned, differs from most of the arts and crafts.",
    "in being comparatively modern.",
    "For although the Chinese took impressions from wood blocks, the woodcutters of the Netherlands did so too.",
    "produced the block books, which were the immediate predecessors of the true printed book,",
    "the invention of movable metal letters in the middle of the fifteenth century may justly be considered.",
    "And it is worth mention in passing that, as an example of fine typography,",
)
#: What is read aloud.
READINGS = {
    **{
        READ.format(n): Said(((0.05, text),), 2.2 if n == 2 else 7.0)
        for n, text in enumerate(_SENTENCES, 1)
        if n not in (1, 3)
    },
    SAMPLES.format("test"): Said(
        ((0.3, "Mr. Quilter is the apostle of the middle classes and we are glad to welcome his gospel."),), 6.3
    ),
    SAMPLES.format("test_es"): Said(
        ((0.3, "Las arenas son blanquecinas, de grano medio, y tienen muy poca asistencia."),), 6.0, "es"
    ),
    "speechbrain/tests/samples/ASR/spk1_snt1.wav": Said(((0.2, "The child almost hurt the small dog."),), 2.9),
    "azure-speech/sampledata/customspeech/es-ES/training/audio-and-trans/audio2.wav": Said(
        tuple((0.3 + 9 * n, "Custom Speech proporciona herramientas que le permiten inspeccionar.") for n in range(4)),
        36.0,
        "es",
    ),
    STEMS.format("speech"): replace(FILMS[TALK].said, level=0.3),
}
#: What is read aloud by one of Kokoro's voices, where eSpeak NG's would be too much alike.
_NATURAL = {
    READ.format(1): ("af_heart", _SENTENCES[0]),
    READ.format(3): ("af_heart", _SENTENCES[2]),
    "librosa-data/audio/198-209-0000.hq.ogg": ("bf_emma", _SENTENCES[4]),
    "librosa-data/audio/3436-172162-0000.hq.ogg": ("am_fenrir", _SENTENCES[5]),
}


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Where this process keeps what it makes."""
    folder = Path(mkdtemp(prefix="polydub-stand-in-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


#: Samples a second, by what the recordings of that kind have.
_RATES = {".wav": 16_000, ".flac": 48_000}


def _write(path: Path, samples: Array, rate: int) -> None:
    """Speech, with the breath of a microphone, at a rate."""
    sound = soxr.resample(samples, RATE_HZ, rate)
    soundfile.write(path, sound + np.random.default_rng(5).normal(0, 1e-4, len(sound)), rate)


def _place(name: str, suffix: str) -> Path:
    path = (_folder() / name).with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def made(name: str) -> bool:
    """Whether something stands for a recording of that name."""
    return any(name in table for table in (FILMS, READINGS, _NATURAL, _OTHERS))


@lru_cache(maxsize=64)
def stand_in(name: str) -> Path:
    """What stands for a recording of the test media, made once a process: H.264 in MP4, WAV or PNG.

    Raises:
        KeyError: nothing stands for a recording of that name.
    """
    suffix = ".mp4" if name in FILMS or name == f"{TWO}.mp4" else _SUFFIX[Path(name).suffix]
    path = _place(name, suffix)
    if name in FILMS:
        film = FILMS[name]
        write(path, _pictures(film), _speech(film.said), film.rate)
    elif name in READINGS:
        _write(path, _speech(READINGS[name]).samples, _RATES.get(Path(name).suffix, RATE_HZ))
    elif name in _NATURAL:
        _read_aloud(*_NATURAL[name], path)
    else:
        _OTHERS[name](path)
    return path


@lru_cache(maxsize=64)
def sound_of(name: str) -> Path:
    """The sound of a stand-in alone, mono WAV at 44.1 kHz: no picture is made for it."""
    if name not in FILMS:
        return stand_in(name)
    path = _place(name, ".wav")
    soundfile.write(path, _speech(FILMS[name].said).samples, RATE_HZ)
    return path


def _read_aloud(voice: str, text: str, path: Path) -> None:
    speaking_voice = synthesizer("kokoro", {})
    if speaking_voice.missing():
        pytest.skip("Kokoro's voices come with `make setup`")
    speaking_voice.synthesize(text, voice, "en", path)


_SUFFIX = {".wav": ".wav", ".flac": ".wav", ".ogg": ".ogg", ".jpg": ".png", ".json": ".json"}


def _speech(said: Said) -> Speech:
    made = spoken(said.sentences, said.seconds, said.voice)
    return replace(made, samples=said.level * made.samples)


def _pictures(film: Film) -> Iterator[Rgb]:
    frames = round(film.said.seconds * film.rate)
    return speaking(opening(_speech(film.said).phones, frames, film.rate), film.rate, film.size, film.who)


def _two_who_take_turns(path: Path) -> None:
    """Left and right of one picture, 720x288, 6 s: who speaks when stands in `_turns`."""
    left, right = (FILMS[GRID.format(name)] for name in ("bbaf2n", "brbk7n"))
    said = (
        Said(((0.6, "bin blue at F two now", 2.5),), 6.0, "en-us+m3"),
        Said(((3.2, "bin red by K seven now", 5.1),), 6.0),
    )
    voices = [_speech(one) for one in said]
    films = (
        speaking(opening(voice.phones, 150, 25), 25, (360, 288), film.who)
        for voice, film in zip(voices, (left, right), strict=True)
    )
    both = Speech(np.asarray(voices[0].samples + voices[1].samples, np.float32), ())
    write(path, (np.hstack(pair) for pair in zip(*films, strict=True)), both, 25)


def _turns(path: Path) -> None:
    path.write_text(
        json.dumps({"speakers": {"left": {"speech_s": [0.6, 2.5]}, "right": {"speech_s": [3.2, 5.1]}}}), "utf-8"
    )


def _noise(seed: int) -> Callable[[Path], None]:
    """A hum and the rush of air: ten seconds."""

    def write_noise(path: Path) -> None:
        time = np.arange(160_000) / 16_000
        air = np.cumsum(np.random.default_rng(seed).normal(0, 1, len(time)))
        air -= np.convolve(air, np.ones(200) / 200, "same")
        soundfile.write(path, 0.02 * air / air.std() + 0.01 * np.sin(2 * np.pi * 50 * time), 16_000)

    return write_noise


def _music(path: Path) -> None:
    """Plucked chords over a soft drum, in no strict time: 9.967 s, stereo at 48 kHz."""
    rate, random = 48_000, np.random.default_rng(3)
    sound, time = np.zeros((round(9.967 * rate), 2), np.float32), np.arange(rate) / rate
    at = 0
    while at < len(sound):
        here = sound[at : at + rate]
        for number, step in enumerate(random.choice([0, 3, 5, 7, 10, 12], 3, replace=False)):
            hertz = 147 * 2 ** (int(step) / 12) * (number + 1)
            tone = sum(np.sin(2 * np.pi * hertz * k * time + random.uniform(0, 6)) / k**2 for k in (1, 2, 3))
            here += (0.04 * tone * np.exp(-4 * time))[: len(here), None] * np.roll([1.0, 0.3], number)
        here += (0.02 * random.normal(0, 1, (rate, 2)) * np.exp(-40 * time)[:, None])[: len(here)]
        at += int(random.uniform(0.2, 0.5) * rate)
    soundfile.write(path, sound, rate)


def _official(path: Path) -> None:
    cv2.imwrite(str(path), portrait(1920, 1080, "Hopper")[:, :, ::-1])


def _pair(path: Path) -> None:
    both = np.hstack([portrait(563, 661), portrait(563, 661, "Hopper")])
    cv2.imwrite(str(path), both[:, :, ::-1])


_OTHERS: dict[str, Callable[[Path], None]] = {
    f"{TWO}.mp4": _two_who_take_turns,
    f"{TWO}.json": _turns,
    **{f"speechbrain/tests/samples/noise/noise{n}.wav": _noise(n) for n in (1, 2, 3)},
    STEMS.format("music"): _music,
    "librosa-data/audio/Hungarian_Dance.ogg": _music,
    OFFICIAL: _official,
    PAIR: _pair,
}
