"""Neural speech by Kokoro-82M (weights Apache-2.0; int8, ONNX Runtime), with phonemes by eSpeak NG. No download.

The model predicts the duration of each symbol: phone times need no alignment, and the right pace is found without
speaking.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from configs.kokoro import SpokenLanguage, kokoro
from configs.languages import display_name, primary
from configs.models import models
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import advice, here, located
from tasks.records import registry
from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import PLAIN, Manner, Matched, Spoken
from tasks.synthesize.kokoro_cast import match
from tasks.synthesize.kokoro_symbols import MOST, Timed, phones_of
from tasks.synthesize.kokoro_text import READING, readable, said, tag_of
from tasks.synthesize.onnx_graph import with_outputs
from tasks.synthesize.wave import levelled, write_wav

_RATE_HZ, _UNIT = 24_000, 600
_AUDIO, _DURATIONS = "audio", "/encoder/Clip_output_0"
#: Units by which sounds precede their symbols' positions, measured on the spectrum.
_EARLY = 2
_BEFORE_S, _AFTER_S = 0.05, 0.075  # margins kept around the sounds, so that no onset or release is cut
_LIVELY_DB = 6.0  # louder at full energy, softer at the lowest
_PAUSE_S = 0.2  # between the parts of a line too long for the model
_NAME = re.compile(r"[a-z]{2}_[a-z]+")
_ONE_AT_A_TIME = threading.Lock()


class KokoroSynthesizer:
    """Speaks with the model's own voices; loaded once per process."""

    class Options(registry.Options):
        """Device and languages.

        Attributes:
            device: ``auto`` and ``cuda`` use a GPU if ONNX Runtime supports one.
            all_languages: include those in which eSpeak NG is more intelligible.
        """

        device: Literal["auto", "cpu", "cuda"] = "cpu"
        all_languages: bool = False

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tables = {
            tag: table
            for tag, table in kokoro().languages.items()
            if (table.chosen or options.all_languages) and readable(tag)
        }
        self.facts = registry.BackendFacts(
            name="kokoro",
            packages=("onnxruntime", "espeakng-loader"),
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0",
            heavy=True,
            paces=True,
            spirited=True,
            ipa=True,
            languages=frozenset(map(primary, self._tables)),
        )

    def fingerprint(self) -> str:
        """The digests of the weights, and the versions of the packages that read text and run the model."""
        versions = "+".join(map(registry.package_version, ("onnxruntime", "espeakng-loader", *READING)))
        return f"kokoro:5:{versions}:{models()['kokoro'].files['model.onnx'].sha256[:16]}"

    def missing(self) -> list[str]:
        """The packages, or the weights."""
        absent = [
            f"The package {name} is not installed: run `make setup`."
            for name in ("onnxruntime", "espeakng-loader")
            if registry.package_version(name) == "absent"
        ]
        return absent + [
            f"The model {name} is not installed. {advice(name)}"
            for name in ("kokoro", "kokoro-voices")
            if not here(name)
        ]

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """As `matched`."""
        return self.matched(language, speakers, references).voices

    def matched(
        self, language: str, speakers: Sequence[Speaker], clips: Mapping[str, Path], taken: Collection[str] = ()
    ) -> Matched:
        """By similarity to each speaker's clip, and by pitch; in turn for speakers without either."""
        from tasks.sound.voiceprints import voice_of

        prints = {who: direction for who, clip in clips.items() if (direction := voice_of(clip)).any()}
        return match(self._table(language), speakers, prints, taken)

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line; a line without anything to pronounce raises `NothingToSayError`.

        Energy makes it louder or softer, by at most 6 dB.
        """
        pieces, style = said(text, language, manner.ipa), _style(voice)
        samples: list[NDArray[np.float32]] = []
        phones: list[tuple[str, int, int, int]] = []
        for piece in pieces:
            if samples:
                pause = round(_PAUSE_S * _RATE_HZ)
                phones.append(("", _ms(samples), _ms(samples) + round(_PAUSE_S * 1000), 0))
                samples.append(np.zeros(pause, np.float32))
            audio, units = self._model().spoken(piece, style, pace)
            timed = phones_of(piece, units)
            start, end = _bounds(timed, len(audio))
            offset = _ms(samples)
            phones += _milliseconds(timed, start, end, offset)
            samples.append(audio[start:end])
        whole = np.concatenate(samples)
        write_wav(out, levelled(whole, _RATE_HZ, _LIVELY_DB * manner.energy), _RATE_HZ)
        length_ms = round(len(whole) * 1000 / _RATE_HZ)
        return Spoken(out, length_ms, tuple((ipa, a, min(b, length_ms), s) for ipa, a, b, s in phones if a < length_ms))

    def predicted_ms(self, text: str, voice: str, language: str, pace: float = 1.0, manner: Manner = PLAIN) -> int:
        """The length of a line by `synthesize`, predicted by the model without speaking."""
        pieces, style, total = said(text, language, manner.ipa), _style(voice), 0
        for piece in pieces:
            units = self._model().durations(piece, style, pace)
            start, end = _bounds(phones_of(piece, units), round(sum(units)) * _UNIT)
            total += end - start
        return round(total * 1000 / _RATE_HZ + max(0, len(pieces) - 1) * _PAUSE_S * 1000)

    def _table(self, language: str) -> SpokenLanguage:
        tag = tag_of(language)
        if tag not in self._tables:
            raise UnsupportedError(
                f"Kokoro is not used for {display_name(language)} ({language}).",
                "Choose the espeak backend.",
                language=language,
            )
        return self._tables[tag]

    def _model(self) -> _Model:
        folder = located("kokoro")
        if folder is None:
            raise MissingBackendError("The model kokoro is not installed.", advice("kokoro"))
        device = self._options.device
        resident = loaded_once(
            ("kokoro", str(folder), device), lambda: Resident(_Model(folder / "model.onnx", device), "cpu")
        )
        model: _Model = resident.model
        return model


class _Model:
    """The network twice: complete, and only up to its durations (a fiftieth of the work)."""

    def __init__(self, path: Path, device: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CPUExecutionProvider"]
        if device != "cpu" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            providers.insert(0, "CUDAExecutionProvider")
        weights = path.read_bytes()
        self._whole, self._times = (
            onnxruntime.InferenceSession(with_outputs(weights, names), options, providers=providers)
            for names in ([_AUDIO, _DURATIONS], [_DURATIONS])
        )
        self._giving_back = onnxruntime.RunOptions()  # lines of many lengths would leave its memory in pieces
        self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def to(self, device: str) -> None:
        """No effect: a session cannot be moved."""

    def spoken(self, symbols: str, style: NDArray[np.float32], pace: float) -> tuple[NDArray[np.float32], list[float]]:
        """Speech samples and durations.

        Args:
            symbols: of the model.
            style: float32 [1, 256].
            pace: above 1 is faster.

        Returns:
            float32 [N] at 24 kHz; durations of the start, each symbol and the end in units of 600 samples.
        """
        with _ONE_AT_A_TIME:
            audio, units = self._whole.run([_AUDIO, _DURATIONS], _inputs(symbols, style, pace), self._giving_back)
        return np.asarray(audio, np.float32), _heard(units)

    def durations(self, symbols: str, style: NDArray[np.float32], pace: float) -> list[float]:
        """Only the durations; arguments as `spoken`."""
        (units,) = self._times.run([_DURATIONS], _inputs(symbols, style, pace), self._giving_back)
        return _heard(units)


def _heard(units: NDArray[np.float32]) -> list[float]:
    """Durations corrected so that symbols are where they are heard; their sum is unchanged."""
    start, *symbols, end = (float(unit) for unit in units.ravel())
    early = min(_EARLY, start)
    return [start - early, *symbols, end + early]


def _inputs(symbols: str, style: NDArray[np.float32], pace: float) -> dict[str, Any]:
    numbers = kokoro().symbols
    tokens = [0, *(numbers[symbol] for symbol in symbols), 0]
    return {
        "tokens": np.array([tokens], np.int64),
        "style": style[min(len(symbols), MOST) - 1],
        "speed": np.array([pace], np.float32),
    }


def _style(voice: str) -> NDArray[np.float32]:
    """The style of a voice, float32 [510, 1, 256]; the mean of several names joined by ``+``.

    Raises:
        UnsupportedError: no such voice.
    """
    folder = located("kokoro-voices")
    if folder is None:
        raise MissingBackendError("The model kokoro-voices is not installed.", advice("kokoro-voices"))
    names = voice.split("+")
    if not all(_NAME.fullmatch(name) and (folder / f"{name}.bin").is_file() for name in names):
        raise UnsupportedError(f"Kokoro has no voice {voice!r}.", "See `polydub models list`.")
    styles = [np.fromfile(folder / f"{name}.bin", "<f4").reshape(MOST, 1, 256) for name in names]
    mixed: NDArray[np.float32] = np.mean(styles, axis=0, dtype=np.float32)
    return mixed


def _bounds(timed: Sequence[Timed], length: int) -> tuple[int, int]:
    """First and last sample (exclusive) of the sounds, with margins."""
    sounds = [one for one in timed if one[0]]
    start = round(sounds[0][1] * _UNIT - _BEFORE_S * _RATE_HZ)
    end = round(sounds[-1][2] * _UNIT + _AFTER_S * _RATE_HZ)
    return max(0, start), min(length, end)


def _ms(samples: Sequence[NDArray[np.float32]]) -> int:
    return round(sum(map(len, samples)) * 1000 / _RATE_HZ)


def _milliseconds(timed: Sequence[Timed], start: int, end: int, offset_ms: int) -> list[tuple[str, int, int, int]]:
    """Phones of a part cut at two samples, in milliseconds on the line's clock, without empty ones.

    Args:
        timed: phones of the part, in units.
        start: first sample kept.
        end: last sample kept, exclusive.
        offset_ms: start of the part within the line.
    """
    found = []
    for ipa, begin, until, stress in timed:
        first, last = (min(max(round(unit * _UNIT), start), end) - start for unit in (begin, until))
        span = round(first * 1000 / _RATE_HZ) + offset_ms, round(last * 1000 / _RATE_HZ) + offset_ms
        if span[1] > span[0]:
            found.append((ipa, *span, stress))
    return found
