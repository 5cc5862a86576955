"""Whether a sound bears out what its phones say: each stretch of speech gets a confidence; where it is low, it rests.

At each phone the kind of sound that it should be is held against what is heard there and in the whole stretch
(`sounds`): a tone, noise or music is as like one phone as another, and a wrong text is like its sound by chance alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import Samples, loudness_db
from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech.sounds import FAINTEST_DB, HOP_MS, RATE_HZ, evidence, kind_of

#: Confidence below which the mouth rests.
BORNE_OUT = 0.5
#: A silence of the first length ends a stretch of so many sounds, one of the second a shorter one, any a long one.
_ENDS = ((300, 20), (700, 8), (50, 100), (0, 200))
#: About each stretch so much is heard, at least so much in all.
_ABOUT_MS, _LEAST_MS = 300, 3000
#: Odds that a text is what is said (a logarithm): for its share of the best evidence, for its order of sounds, in all;
#: how many sounds speak half as loud as many, and how far other stretches count. Fitted to 135 stretches of right
#: and 228 of wrong speech, so that no right one without music rests.
_FOR_SHARE, _FOR_ORDER, _AGAINST = 10.0, 12.5, 8.7
_BEFOREHAND, _HALF, _OTHERS = 1.5, 12, 1.5
#: Share below which phones lie at wrong times, whatever their order, and odds for each beyond it.
_IN_TIME, _FOR_TIMES = 0.22, 60.0
#: Other orders of the same sounds that a text is held against, and the least room that it is given above them, nats.
_ORDERS, _ROOM = 8, 0.3
#: Nats by which the best must stand out, so that a steady sound is not taken at its word.
_STANDS_OUT = 0.3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without a long silence, and how far its sound bears it out.

    Attributes:
        start_ms: start on the sound's clock.
        end_ms: end.
        confidence: 0 to 1; below `BORNE_OUT` the mouth rests.
        why: what is wrong with the sound, in words; empty where it bears the phones out.
    """

    start_ms: int
    end_ms: int
    confidence: float
    why: str = ""

    @property
    def borne_out(self) -> bool:
        """Whether the sound is like what the phones say."""
        return self.confidence >= BORNE_OUT


def weighed(phones: Sequence[Phone], samples: Samples) -> tuple[Stretch, ...]:
    """The stretches of a timeline, each held against the sound at its time.

    Args:
        phones: on the sound's clock.
        samples: float32 [N] mono, 16 kHz; beyond its end there is silence.
    """
    parts = _stretches([p for p in phones if kind_of(p.ipa)])
    found = [_odds(part, samples) for part in parts]
    total = sum(odds for odds in found if odds is not None)
    return tuple(_judged(part, odds, total) for part, odds in zip(parts, found, strict=True))


def rested(phones: Sequence[Phone], stretches: Sequence[Stretch]) -> tuple[Phone, ...]:
    """The timeline with silence in the place of what the sound does not bear out."""
    lost = [(one.start_ms, one.end_ms) for one in stretches if not one.borne_out]
    return tuple(p for p in phones if not any(start <= p.start_ms < end for start, end in lost))


def share_borne_out(stretches: Sequence[Stretch]) -> float | None:
    """Share of the speech, by time, that its sound bears out; None without speech."""
    total = sum(one.end_ms - one.start_ms for one in stretches)
    return sum(one.end_ms - one.start_ms for one in stretches if one.borne_out) / total if total else None


def _stretches(spoken: list[Phone]) -> list[list[Phone]]:
    """The sounds between long silences."""
    parts: list[list[Phone]] = []
    for phone in spoken:
        last = parts[-1] if parts else []
        gap = phone.start_ms - last[-1].end_ms if last else 0
        if not last or any(gap >= length and len(last) >= sounds for length, sounds in _ENDS):
            parts.append([phone])
        else:
            last.append(phone)
    return parts


def _judged(phones: list[Phone], odds: float | None, total: float) -> Stretch:
    start_ms, end_ms = phones[0].start_ms, phones[-1].end_ms
    if odds is None:
        return Stretch(start_ms, end_ms, 0.0, "nothing is heard there")
    others = float(np.clip(total - odds, -_OTHERS, _OTHERS))
    confidence = float(1 / (1 + np.exp(-np.clip(_BEFOREHAND + others + odds, -50, 50))))
    return Stretch(
        start_ms, end_ms, confidence, "" if confidence >= BORNE_OUT else "the sound does not bear the text out"
    )


def _odds(phones: list[Phone], samples: Samples) -> float | None:
    """How much likelier these phones are right than wrong, as a logarithm; None where nothing is heard at all."""
    start_ms, end_ms = phones[0].start_ms, phones[-1].end_ms
    about = max(_ABOUT_MS, (_LEAST_MS - (end_ms - start_ms)) // 2)
    first_ms = max(0, start_ms - about) // HOP_MS * HOP_MS
    first, last = start_ms * RATE_HZ // 1000, end_ms * RATE_HZ // 1000
    if not len(own := samples[first:last]) or float(loudness_db(own, RATE_HZ).max()) <= FAINTEST_DB:
        return None
    heard = evidence(samples[first_ms * RATE_HZ // 1000 : (end_ms + about) * RATE_HZ // 1000])
    spans = [_span(p.start_ms - first_ms, p.end_ms - first_ms, p.ipa) for p in phones]
    spoken = np.zeros(len(heard), np.bool_)
    for first, last, _ in spans:
        spoken[first:last] = True
    beyond = heard - heard[spoken].mean(axis=0)
    share = _share(beyond, spans)
    odds = _FOR_SHARE * share + _FOR_ORDER * _order(beyond[spoken], spans) - _AGAINST
    return min(odds, _FOR_TIMES * (share - _IN_TIME)) * len(phones) / (len(phones) + _HALF)


def _span(start_ms: int, end_ms: int, ipa: str) -> tuple[int, int, int]:
    """First hop, last hop (exclusive) and kind of a phone."""
    first = start_ms // HOP_MS
    return first, max(end_ms // HOP_MS, first + 1), kind_of(ipa)


def _share(beyond: FloatArray, spans: Sequence[tuple[int, int, int]]) -> float:
    """Evidence for the phones in their times as a share of that for what is most like the sound there.

    Args:
        beyond: float32 [T, 13], what each hop has beyond the whole stretch; what lies after the sound has no evidence.
        spans: first hop, last hop (exclusive) and kind of each phone.
    """
    shown = [(beyond[a:b].mean(axis=0), kind) for a, b, kind in spans if a < len(beyond)]
    own = sum(float(one[kind]) for one, kind in shown) / len(spans)
    best = sum(float(one.max()) for one, _ in shown) / len(spans)
    return own / (best + _STANDS_OUT)


def _order(beyond: FloatArray, spans: Sequence[tuple[int, int, int]]) -> float:
    """How much better the sounds fit in their own order than in others, of the room that there is; 0: no better.

    Each order is placed in the sound as well as it goes, whatever the times of the phones.
    """
    own, random = np.array([kind for _, _, kind in spans]), np.random.default_rng(0)
    fits = _placed(beyond, np.stack([own, *(random.permutation(own) for _ in range(_ORDERS))]))
    others = float(fits[1:].mean())
    return (float(fits[0]) - others) / max(float(beyond.max(axis=1).mean()) - others, _ROOM)


def _placed(beyond: FloatArray, orders: NDArray[np.intp]) -> NDArray[np.float64]:
    """The most evidence that each order of sounds, int [K, n], can have, nats a hop: float64 [K]."""
    total = np.full(orders.shape, -np.inf)
    total[:, 0] = beyond[0][orders[:, 0]]
    for hop in beyond[1:]:
        total[:, 1:] = np.maximum(total[:, 1:], total[:, :-1])
        total += hop[orders]
    reached = total[:, min(len(beyond), orders.shape[1]) - 1]
    return np.asarray(reached / len(beyond), np.float64)
