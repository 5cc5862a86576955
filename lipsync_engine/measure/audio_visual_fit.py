"""Whether a mouth goes with a sound, as the title's own mouth goes with its own sound.

A canonical correlation (Hotelling 1936) between the sound around a moment and the mouth at that moment is learnt from
the title itself and then applied to a dub: a synchrony network in small, that knows one speaker and needs no weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import Samples, mel_cepstra
from lipsync_engine.records import BoolArray, MouthSeries

Array = NDArray[np.float64]

_HOP_S, _CEPSTRA = 0.01, 13
#: Moments of sound that are heard together, seconds about the picture's.
_AROUND_S = np.arange(-5, 6) * 0.04
_COMPONENTS = 12
_FEWEST = 100
_SHIFTS = (0.2, 0.4, 0.6, 0.8)
_PART_S = 2.0  # the title is learnt from every other part of this length, and its own figure taken from the others


@dataclass(frozen=True, slots=True)
class Ear:
    """What of a sound goes with what of a mouth.

    Attributes:
        sound: float64 [F], weights of the sound's features.
        mouth: float64 [4], weights of the mouth's channels.
    """

    sound: Array
    mouth: Array

    def correlation(self, mouth: MouthSeries, heard: Array, only: BoolArray) -> float | None:
        """Pearson's r of what is heard and what is seen; None of under 100 frames.

        Args:
            mouth: the mouth.
            heard: float64 [T, F], the sound at the mouth's times.
            only: bool [T], frames that count.
        """
        shown = only & mouth.valid
        if shown.sum() < _FEWEST:
            return None
        sound = heard[shown] @ self.sound
        seen = mouth.values[shown].astype(np.float64) @ self.mouth
        if min(sound.std(), seen.std()) < 1e-9:
            return None
        return float(np.corrcoef(sound, seen)[0, 1])


def learnt_from(mouth: MouthSeries, heard: Array, only: BoolArray) -> Ear | None:
    """The title's own ear.

    Args:
        mouth: the mouth in the source.
        heard: float64 [T, F], the title's own sound, as `heard_at` the mouth's times.
        only: bool [T], frames to learn from.

    Returns:
        ``None`` where fewer than 100 frames are seen, or the mouth does not move.
    """
    shown = only & mouth.valid
    if shown.sum() < _FEWEST:
        return None
    there, seen = heard[shown], mouth.values[shown].astype(np.float64)
    sound, lips = _whitening(there, _COMPONENTS), _whitening(seen, seen.shape[1])
    if not sound.size or not lips.size:
        return None
    cross = ((there - there.mean(axis=0)) @ sound).T @ ((seen - seen.mean(axis=0)) @ lips)
    left, _, right = np.linalg.svd(cross)
    return Ear(sound @ left[:, 0], lips @ right[0])


def own_correlation(mouth: MouthSeries, heard: Array) -> float | None:
    """What the title's real mouth scores under an ear that has not heard that part: mean of both halves.

    Args:
        mouth: of the title.
        heard: float64 [T, D], features of its sound at the mouth's times.
    """
    half = (mouth.times_s // _PART_S).astype(int) % 2 == 0
    found = []
    for known in (half, ~half):
        ear = learnt_from(mouth, heard, known)
        if ear is not None and (r := ear.correlation(mouth, heard, ~known)) is not None:
            found.append(r)
    return float(np.mean(found)) if found else None


def canonical_rows(
    seen: MouthSeries, samples: Samples, source: MouthSeries, own: Samples, rate: int
) -> dict[str, float | None]:
    """Canonical correlation of a result, and of mouths known to be right or wrong.

    Args:
        seen: the mouth of the result.
        samples: the dub, float32 [N] mono.
        source: the mouth of the source picture.
        own: the title's own sound, float32 [N] mono.
        rate: samples a second of both.

    Returns:
        ``result``; ``real``: the source's mouth under its own sound, each half judged by the other; ``unmodified``:
        under the dub; ``shuffled``: the result at other times, mean of four. Each is None where it is not defined.
    """
    whole, every = (np.ones(len(one.times_s), np.bool_) for one in (source, seen))
    own_heard = heard_at(source.times_s, own, rate)
    ear = learnt_from(source, own_heard, whole)
    rows: dict[str, float | None] = dict.fromkeys(("result", "real", "unmodified", "shuffled"))
    if ear is None:
        return rows
    dub = heard_at(seen.times_s, samples, rate)
    same = np.array_equal(seen.times_s, source.times_s)
    rows["result"] = ear.correlation(seen, dub, every)
    rows["real"] = own_correlation(source, own_heard)
    rows["unmodified"] = ear.correlation(source, dub if same else heard_at(source.times_s, samples, rate), whole)
    elsewhere = [_moved(seen, part) for part in _SHIFTS]
    found = [r for mouth in elsewhere if (r := ear.correlation(mouth, dub, every)) is not None]
    rows["shuffled"] = float(np.mean(found)) if found else None
    return rows


def _moved(mouth: MouthSeries, share: float) -> MouthSeries:
    by = round(share * len(mouth.times_s))
    return MouthSeries(mouth.times_s, np.roll(mouth.values, by, axis=0), np.roll(mouth.valid, by))


def heard_at(times_s: Array, samples: Samples, rate: int) -> Array:
    """Cepstra about each moment, float64 [T, 11 * 13], without the colour and level of the voice and the room.

    Args:
        times_s: float64 [T], seconds.
        samples: float32 [N] mono; of an empty sound nothing is heard.
        rate: samples a second.
    """
    if not len(samples):
        return np.zeros((len(times_s), len(_AROUND_S) * _CEPSTRA))
    cepstra = mel_cepstra(samples[:], rate, _HOP_S, _CEPSTRA)
    cepstra = (cepstra - cepstra.mean(axis=0)) / np.maximum(cepstra.std(axis=0), 1e-6)
    hops = np.round((times_s[:, None] + _AROUND_S) / _HOP_S - 0.5).astype(int)
    return np.asarray(cepstra[np.clip(hops, 0, len(cepstra) - 1)].reshape(len(times_s), -1), np.float64)


def _whitening(values: Array, most: int) -> Array:
    """The strongest principal components, each scaled to unit variance, [columns, at most ``most``]."""
    _, lengths, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = [i for i in range(min(most, len(lengths))) if lengths[i] > 1e-6 * max(lengths[0], 1e-12)]
    return np.asarray(axes[kept].T / np.maximum(lengths[kept], 1e-12) * np.sqrt(len(values)), np.float64)
