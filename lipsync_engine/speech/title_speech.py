"""The title's own speech: when its sound speaks and pauses and, where its script is known, what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from lipsync_engine.media.audio import AudioError, Samples, loudness_db, runs, silent_hops, spooled_mono
from lipsync_engine.media.shelf import NOTHING_KEPT, Kept, digest_of
from lipsync_engine.records import BoolArray, Phone
from lipsync_engine.speech.align import align
from lipsync_engine.speech.articulation import segments
from lipsync_engine.speech.emphasis import level_of, vowel_spread_db
from lipsync_engine.speech.espeak import UnknownVoiceError
from lipsync_engine.speech.gestures import EASE_S, SILENCE_S, gestures_of, rests_of
from lipsync_engine.speech.phones import concatenate
from lipsync_engine.speech.trust import BORNE_OUT

RATE_HZ = 16000
_HOP_S = 0.01
_MEMBER = "source_phones"
_VERSION = 1  # of what is kept of its sound
#: A silence in which a mouth comes to its rest, and what that takes at either end, seconds.
_LONG_S, _SETTLED_S = 0.6, 0.24
#: Speaking time over that of a usual voice beyond which a text is not what is said there.
_RATES = (0.6, 1.7)

#: One line of the title's own script: start and end in milliseconds, and what is said.
ScriptLine = tuple[int, int, str]


@dataclass(frozen=True)
class OwnSpeech:
    """What is heard of the title itself.

    Attributes:
        sound: decodes it, once it is asked for: float32 [N], mono at 16 kHz.
        phones: what is said, on the title's clock; ``None`` where the script is not known.
    """

    sound: Callable[[], Samples]
    phones: tuple[Phone, ...] | None = None

    @cached_property
    def samples(self) -> Samples:
        """Float32 [N], mono at 16 kHz; nothing where it cannot be decoded."""
        return self.sound()

    def speaking(self, times_s: NDArray[np.float64]) -> BoolArray:
        """Moments at which something is said, bool [T]: by the phones, else by the loudness."""
        if self.phones is not None:
            spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in self.phones if segments(p.ipa)]
            return within(times_s, spoken)
        quiet = self._quiet()
        if not len(quiet) or quiet.all():
            return np.zeros(len(times_s), np.bool_)
        at = np.clip((times_s / _HOP_S).astype(np.intp), 0, len(quiet) - 1)
        return np.asarray(~quiet[at] & (times_s < len(quiet) * _HOP_S))

    def resting(self, times_s: NDArray[np.float64]) -> BoolArray:
        """Moments inside silences of 200 ms or more, 120 ms off their spoken edges, bool [T]."""
        return self._silent(times_s, SILENCE_S, EASE_S)

    def settled(self, times_s: NDArray[np.float64]) -> BoolArray:
        """Moments in silences so long that a mouth comes to its rest: 600 ms, 240 ms off their edges, bool [T]."""
        return self._silent(times_s, _LONG_S, _SETTLED_S)

    def _silent(self, times_s: NDArray[np.float64], silence_s: float, ease_s: float) -> BoolArray:
        if self.phones is not None:
            return within(
                times_s, rests_of(self.phones, float(times_s[-1]) if len(times_s) else 0.0, silence_s, ease_s)
            )
        quiet = self._quiet()
        for start, end in runs(quiet):
            quiet[start:end] = (end - start) * _HOP_S >= silence_s
        still = binary_erosion(quiet, iterations=round(ease_s / _HOP_S), border_value=1)
        at = np.clip((times_s / _HOP_S).astype(np.intp), 0, max(len(still) - 1, 0))
        return np.asarray(still[at]) if len(still) else np.ones(len(times_s), np.bool_)

    def vowel_spread_db(self, kept: Kept = NOTHING_KEPT) -> float | None:
        """Standard deviation of the loudness of the title's vowels, dB; ``None`` without a script or a sound.

        Args:
            kept: where it is found, and kept.
        """
        if self.phones is None:
            return None
        key = digest_of("vowels' spread", _VERSION, self.phones)
        spread = float(kept.made(key, ("db",), lambda: {"db": np.array([self._spread_db()])})["db"][0])
        return None if np.isnan(spread) else spread

    def _spread_db(self) -> float:
        """Standard deviation of the loudness of the vowels, dB; NaN where it is not known."""
        if self.phones is None or not len(self.samples):
            return np.nan
        spread = vowel_spread_db(gestures_of(self.phones), level_of(self.samples, RATE_HZ))
        return np.nan if spread is None else spread

    def _quiet(self) -> BoolArray:
        return silent_hops(loudness_db(self.samples, RATE_HZ, _HOP_S), _HOP_S)


def own_speech(picture: Path, phones: tuple[Phone, ...] | None = None) -> OwnSpeech | None:
    """The speech of a title; ``None`` where it has no sound that can be decoded and no known script."""

    def sound() -> Samples:
        try:
            return spooled_mono(picture, RATE_HZ)
        except AudioError:
            return np.zeros(0, np.float32)

    own = OwnSpeech(sound, phones)
    return own if phones is not None or len(own.samples) else None


def script_phones(picture: Path, lines: Iterable[ScriptLine], language: str) -> tuple[Phone, ...] | None:
    """The phones of a title's own script, each line aligned to the sound in its time.

    Lines that cannot be what is said in their time are left out: they count as silence.

    Args:
        picture: the title.
        lines: its script.
        language: BCP-47 tag of the script.

    Returns:
        Phones on the title's clock; ``None`` where there is no sound, no line fits it, or the language has no phones.
    """
    try:
        samples = spooled_mono(picture, RATE_HZ)
    except AudioError:
        return None
    placed = []
    for start_ms, end_ms, text in sorted(lines):
        heard = samples[start_ms * RATE_HZ // 1000 : end_ms * RATE_HZ // 1000]
        try:
            found = align(heard, RATE_HZ, text, language)
        except UnknownVoiceError:
            return None
        if _RATES[0] <= found.rate_ratio <= _RATES[1] and found.confidence >= BORNE_OUT:
            placed.append((start_ms, found.phones))
    return concatenate(placed, round(len(samples) * 1000 / RATE_HZ)) if placed else None


def phone_member(phones: Sequence[Phone] | None) -> dict[str, NDArray[np.generic]]:
    """What a stored analysis keeps of the title's own phones."""
    rows = [(p.ipa, p.start_ms, p.end_ms, p.stress) for p in phones or ()]
    return {_MEMBER: np.array(json.dumps(rows, ensure_ascii=False))} if rows else {}


def stored_phones(analysis: Path | None) -> tuple[Phone, ...] | None:
    """The title's own phones out of its stored analysis; ``None`` where there are none."""
    if analysis is None:
        return None
    with np.load(analysis) as stored:
        if _MEMBER not in stored:
            return None
        return tuple(Phone(*row) for row in json.loads(str(stored[_MEMBER])))


def within(times_s: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> BoolArray:
    """Moments that lie in any of the spans (seconds, end exclusive), bool [T]."""
    flags = np.zeros(len(times_s), np.bool_)
    for start, end in spans:
        flags |= (times_s >= start) & (times_s < end)
    return flags
