"""Which kinds of sound are heard when: a small network over mel cepstra, taught on speech whose phones are known.

It knows thirteen kinds (silence, stops, nasals, sibilants, ..., vowels by what the mouth does), no words and no
language. `python -m benchmarks.sounds` teaches it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import loudness_db, mel_cepstra
from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech.articulation import segments

RATE_HZ, HOP_MS = 16000, 10
KINDS = (
    "silence", "voiceless stop", "voiced stop", "nasal", "sibilant", "fricative", "approximant",
    "open", "mid", "close", "round", "front round", "central",
)  # fmt: skip
_AT = {name: number for number, name in enumerate(KINDS)}
#: Hops about a moment that are heard together.
AROUND = (-10, -6, -3, -1, 0, 1, 3, 6, 10)
_CEPSTRA = 13
_SCALE = np.array([8, 4, 3, 3, 3, 2.5, 2.5, 2.2, 2, 2, 2, 2, 2])
_LEVEL_DB, _SPOKEN_DB, _FLOOR = -20.0, 20.0, -25.0
#: Evidence against a sound counts no more than this: a single odd hop decides nothing.
_LEAST = -4.0
_STOPS, _HUMMED, _NASALS, _SIBILANTS = "ptkcqʈʔ", "bdɡgɟɢɖɓɗɠ", "mnŋɲɳɱɴ", "szʃʒɕʑʂʐ"
_FRICATIVES = "fvθðhxχɣħçʝɸβʁɦ"
_CENTRAL = "əɚɐɜɝ"


@cache
def kind_of(ipa: str) -> int:
    """The number in `KINDS` of a phone; 0 of silence."""
    sounds = segments(ipa)
    if not sounds:
        return 0
    first = sounds[0]
    if first.place == "vowel":
        if any(sign in ipa for sign in _CENTRAL):
            return _AT["central"]
        if first.rounded:
            return _AT["front round"] if first.front >= 0.75 else _AT["round"]
        if first.height >= 0.65:
            return _AT["open"]
        return _AT["close"] if first.height <= 0.2 else _AT["mid"]
    sign = ipa.lstrip("ˈˌ")[0]
    if sign in _SIBILANTS or first.place in ("sibilant", "postalveolar") or ipa[:2] in ("tʃ", "ts", "tɕ"):
        return _AT["sibilant"]
    groups = ((_STOPS, "voiceless stop"), (_HUMMED, "voiced stop"), (_NASALS, "nasal"), (_FRICATIVES, "fricative"))
    return _AT[next((name for signs, name in groups if sign in signs), "approximant")]


def levelled(samples: FloatArray) -> FloatArray:
    """A sound with its speech at -20 dB re full scale, whatever level it came at; digital silence stays.

    Args:
        samples: float32 [N] mono, 16 kHz.
    """
    level = loudness_db(samples, RATE_HZ, HOP_MS / 1000)
    loud = float(np.percentile(level, 95)) if len(level) else _LEVEL_DB
    if loud <= FAINTEST_DB:
        return samples
    return np.asarray(samples * np.float32(10 ** ((_LEVEL_DB - loud) / 20)), np.float32)


#: Below this, dB re full scale, there is nothing but the last bit of a 16-bit sound.
FAINTEST_DB = -90.0


def features(samples: FloatArray) -> FloatArray:
    """What the network hears, float32 [ceil(N / 160), 117]: cepstra about each hop, free of level and room.

    Args:
        samples: float32 [N] mono, 16 kHz.
    """
    own = levelled(samples)
    level = loudness_db(own, RATE_HZ, HOP_MS / 1000)
    cepstra = mel_cepstra(own, RATE_HZ, HOP_MS / 1000, _CEPSTRA)
    spoken = cepstra[level > _LEVEL_DB - _SPOKEN_DB]
    cepstra = cepstra - (spoken if len(spoken) else cepstra).mean(axis=0)
    cepstra[:, 0] = np.maximum(cepstra[:, 0], _FLOOR)
    around = np.clip(np.arange(len(cepstra))[:, None] + np.array(AROUND), 0, len(cepstra) - 1)
    return np.asarray((cepstra / _SCALE)[around].reshape(len(cepstra), -1), np.float32)


def evidence(samples: FloatArray) -> FloatArray:
    """How much more each kind of sound is heard at each hop than it usually is, float32 [ceil(N / 160), 13], in nats.

    Args:
        samples: float32 [N] mono, 16 kHz.
    """
    if not len(samples):
        return np.zeros((0, len(KINDS)), np.float32)
    net = _network()
    out = np.tanh(features(samples) @ net["hidden"] + net["hidden_bias"]) @ net["out"] + net["out_bias"]
    out = out - out.max(axis=1, keepdims=True)
    out = out - np.log(np.exp(out).sum(axis=1, keepdims=True)) - np.log(net["usual"])
    return np.asarray(np.maximum(out, _LEAST), np.float32)


def kinds_at(phones: Sequence[Phone], hops: int) -> NDArray[np.intp]:
    """The kind of sound that a timeline has at each hop, int [hops]."""
    out = np.zeros(hops, np.intp)
    for phone in phones:
        out[phone.start_ms // HOP_MS : max(phone.end_ms // HOP_MS, phone.start_ms // HOP_MS + 1)] = kind_of(phone.ipa)
    return out


@cache
def _network() -> dict[str, NDArray[np.float32]]:
    with files("lipsync_engine.speech").joinpath("sounds.npz").open("rb") as file, np.load(file) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
