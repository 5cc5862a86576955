"""Which embeddings are of one voice.

The numbers were measured on the test media: 74 pieces of speech of 14 speakers, among them a conversation of two alike
voices (AMI). Pieces of one speaker lie up to 0.33 apart when they are 1.6 s or longer (0.55 when shorter); with
complete linkage at 0.33 such pieces of all speakers together come out as their true number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float64]
_SAME = 0.22  # mean distance of two groups below which they are one voice after all


def cluster(voices: Embeddings, threshold: float, speakers: int | None = None) -> NDArray[np.int64]:
    """A group number from 0 for each voice.

    Complete linkage keeps alike voices apart, but tears a speaker of very many lines; so groups that are near on
    average are joined afterwards.

    Args:
        voices: unit vectors [N, D].
        threshold: cosine distance up to which all of a group lie from each other.
        speakers: exactly so many groups (fewer where there are fewer voices).
    """
    if len(voices) == 1:
        return np.zeros(1, np.int64)
    from sklearn.cluster import AgglomerativeClustering

    if speakers is not None:
        method = AgglomerativeClustering(min(speakers, len(voices)), metric="cosine", linkage="average")
        return np.asarray(method.fit(voices).labels_, np.int64)
    method = AgglomerativeClustering(None, metric="cosine", linkage="complete", distance_threshold=threshold)
    return _joined(voices, np.asarray(method.fit(voices).labels_, np.int64))


def nearest(voices: Embeddings, centres: Embeddings) -> NDArray[np.int64]:
    """For each voice [N, D] the number of the centre [K, D] at the smallest cosine distance."""
    lengths = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return np.asarray((voices @ (centres / lengths).T).argmax(axis=1), np.int64)


def _joined(voices: Embeddings, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the two nearest groups as long as their members' mean distance is small."""
    while groups.max() > 0:
        sums = np.stack([voices[groups == group].mean(axis=0) for group in range(groups.max() + 1)])
        distances = 1.0 - sums @ sums.T  # mean over all pairs, as the distance is linear in each vector
        np.fill_diagonal(distances, np.inf)
        first, second = sorted(divmod(int(distances.argmin()), len(distances)))
        if distances[first, second] >= _SAME:
            break
        groups = np.where(groups == second, first, groups)
        groups = np.where(groups > second, groups - 1, groups)
    return groups
