"""A voice that hums: a tone as long as the text would take. For orchestration tests only."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.records import registry
from tasks.records.errors import UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import PLAIN, Manner, Spoken
from tasks.synthesize.wave import write_wav

_RATE_HZ = 22_050
_PHONE_MS = 75  # about 13 phones a second, an unhurried pace
_VOWELS = {"a": "a", "e": "e", "i": "i", "o": "o", "u": "u", "y": "i"}


class FakeSynthesizer:
    """Hums each line, with one phone for each letter."""

    class Options(registry.Options):
        """``fail``: languages without a voice; ``delay_s``: duration of each line; ``varies``: readings differ."""

        fail: tuple[str, ...] = ()
        delay_s: float = 0.0
        varies: bool = False

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = registry.BackendFacts(name="fake", code_licence="Apache-2.0", paces=True, varies=options.varies)

    def fingerprint(self) -> str:
        """Constant: the options do not change the result."""
        return "fake:1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """A different tone for every speaker."""
        self._check(language)
        return {speaker.id: f"hum-{120 + 30 * index}" for index, speaker in enumerate(speakers)}

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """A tone with one phone for each letter; the pitch is the voice's number."""
        time.sleep(self._options.delay_s)
        self._check(language)
        if not voice.startswith("hum-"):
            raise UnsupportedError(
                f"The fake synthesizer has no voice {voice!r}.", "Its voices have names such as hum-150."
            )
        letters = [letter for letter in text.lower() if letter.isalpha()] or ["a"]
        phone_ms = max(1, round(_PHONE_MS / pace))
        length_ms = phone_ms * len(letters)
        seconds = np.arange(length_ms * _RATE_HZ // 1000) / _RATE_HZ
        hz = float(voice.removeprefix("hum-")) + 10 * manner.reading
        write_wav(out, (0.1 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32), _RATE_HZ)
        phones = tuple(
            (_ipa(letter), index * phone_ms, (index + 1) * phone_ms, 0) for index, letter in enumerate(letters)
        )
        return Spoken(audio=out, duration_ms=length_ms, phones=phones)

    def _check(self, language: str) -> None:
        if language in self._options.fail:
            raise UnsupportedError(f"The fake synthesizer is set to fail for {language}.", language=language)


def _ipa(letter: str) -> str:
    """The letter itself if it is in IPA, else a fixed consonant."""
    if letter in _VOWELS:
        return _VOWELS[letter]
    if letter in "bdfghjklmnprstvwz":
        return letter
    return "bdfgklmnpstvz"[hashlib.sha256(letter.encode()).digest()[0] % 13]
