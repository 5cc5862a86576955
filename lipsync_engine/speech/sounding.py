"""What a text sounds like, frame by frame: spoken by eSpeak NG in several timbres, and turned towards a speaker."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import mel_cepstra
from lipsync_engine.records import BoolArray, FloatArray
from lipsync_engine.speech import espeak
from lipsync_engine.speech.sounds import KINDS, evidence, kinds_at

RATE_HZ = 16000
HOP_S, HOP_MS = 0.01, 10
_CEPSTRA = 13
_TIMBRES = ("f2", "m3", "klatt2")  # a woman, a man, another kind of synthesis
#: How many hops count for a speaker being like the reference, and how much of those there are count so too.
_DOUBT_HOPS, _DOUBT_SHARE = 10.0, 0.05

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frames:
    """An audio as the warp sees it.

    Attributes:
        features: float64 [T, 2 * 13].
        pause: bool [T].
        seam: bool [T], hops where a pause may open.
        sounds: float64 [T, 13], how well each kind of sound fits there: heard in a recording, 1 or 0 of a text.
    """

    features: Features
    pause: BoolArray
    seam: BoolArray
    sounds: Features


def heard(audio: FloatArray, pause: BoolArray) -> Frames:
    """A sound whose words are not known: float32 [N] at 16 kHz, and its pauses."""
    return Frames(_features(_cepstra(audio), pause), pause, pause, evidence(audio).astype(np.float64))


def read(spoken: espeak.SpokenText, text: str, voice: str, rate_wpm: int | None) -> Frames:
    """A text as eSpeak NG spoke it, its features the mean over several timbres, so that none is taken for the words.

    Args:
        spoken: the text in the plain voice, whose times are kept.
        text: what is said.
        voice: as for `espeak.synthesize`.
        rate_wpm: as it was spoken.
    """
    own = _cepstra(resampled(spoken.samples, spoken.sample_rate_hz))
    pause, seam = _pauses(spoken, len(own)), np.zeros(len(own), np.bool_)
    starts = np.array([word.start_ms // HOP_MS for word in spoken.words] + [0, len(own) - 1])
    seam[np.clip(np.concatenate([starts - 1, starts, starts + 1]), 0, len(own) - 1)] = True
    others = (espeak.synthesize(text, f"{voice.partition('+')[0]}+{timbre}", rate_wpm=rate_wpm) for timbre in _TIMBRES)
    placed = [_on_the_times_of(spoken, other, len(own)) for other in others]
    timbres = [_features(cepstra, pause) for cepstra in (own, *placed) if cepstra is not None]
    said = np.eye(len(KINDS))[kinds_at(spoken.phones, len(own))]
    return Frames(_standard(np.mean(timbres, axis=0), pause), pause, seam | pause, said)


def turned_towards(speaker: Frames, reference: Frames, path: NDArray[np.intp]) -> Frames:
    """The reference as this speaker would sound: the linear map of cepstra that fits the hops paired so far.

    Args:
        speaker: the audio.
        reference: what its text sounds like.
        path: int [N], the reference hop that each hop of the audio speaks.
    """
    paired = np.flatnonzero(~speaker.pause & ~reference.pause[path])
    own = reference.features[path[paired], :_CEPSTRA]
    known = np.hstack([own, np.ones((len(own), 1))])
    doubt = (_DOUBT_HOPS + _DOUBT_SHARE * len(own)) * np.eye(_CEPSTRA + 1)
    change = np.linalg.solve(known.T @ known + doubt, known.T @ (speaker.features[paired, :_CEPSTRA] - own))
    turn = np.eye(_CEPSTRA) + change[:-1]
    cepstra, slopes = reference.features[:, :_CEPSTRA] @ turn + change[-1], reference.features[:, _CEPSTRA:] @ turn
    return replace(reference, features=_standard(np.hstack([cepstra, slopes]), reference.pause))


def resampled(samples: FloatArray, rate_hz: int) -> FloatArray:
    """At 16 kHz."""
    if rate_hz == RATE_HZ:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), np.float32)


def _cepstra(audio: FloatArray) -> Features:
    return mel_cepstra(audio, RATE_HZ, HOP_S, _CEPSTRA)


def _features(cepstra: Features, pause: BoolArray) -> Features:
    """Cepstra and their slopes."""
    return _standard(np.hstack([cepstra, np.gradient(cepstra, axis=0)]), pause)


def _standard(features: Features, pause: BoolArray) -> Features:
    """Mean and variance normalised over speech."""
    speech = features[~pause] if (~pause).sum() > 1 else features
    return np.asarray((features - speech.mean(0)) / (speech.std(0) + 1e-6), np.float64)


def _pauses(spoken: espeak.SpokenText, hops: int) -> BoolArray:
    pause = np.zeros(hops, np.bool_)
    for phone in spoken.phones:
        if not phone.ipa and phone.end_ms - phone.start_ms >= 40:
            pause[phone.start_ms // HOP_MS : phone.end_ms // HOP_MS] = True
    return pause


def _on_the_times_of(spoken: espeak.SpokenText, other: espeak.SpokenText, hops: int) -> Features | None:
    """Cepstra of another timbre where the plain voice speaks the same phone; None where they differ in phones."""
    ours, theirs = ([phone for phone in one.phones if phone.ipa] for one in (spoken, other))
    if [phone.ipa for phone in ours] != [phone.ipa for phone in theirs]:
        return None
    cepstra = _cepstra(resampled(other.samples, other.sample_rate_hz))
    to, at = (
        np.array([0, *(ms for phone in phones for ms in (phone.start_ms, phone.end_ms)), length * HOP_MS], np.float64)
        for phones, length in ((ours, hops), (theirs, len(cepstra)))
    )
    middles = np.interp((np.arange(hops) + 0.5) * HOP_MS, to, at) / HOP_MS - 0.5
    before = np.clip(np.floor(middles).astype(np.intp), 0, len(cepstra) - 1)
    after, share = np.minimum(before + 1, len(cepstra) - 1), np.clip(middles - before, 0, 1)[:, None]
    return np.asarray(cepstra[before] * (1 - share) + cepstra[after] * share)
