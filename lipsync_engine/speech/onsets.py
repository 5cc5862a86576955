"""Where a word begins that was found to begin within the end of the one before.

Who speaks slowly holds the end of a word, not the hum or glide that the next begins with; but a held vowel that fades
("how", then "much") sounds much like one. A beginning that lasts too long is put after its quietest moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from lipsync_engine.media.audio import loudness_db
from lipsync_engine.records import FloatArray, Phone

_HUMS = frozenset("mnɲŋlɫʎɹɻwjɥʋ")
_LONGEST_MS = 150  # of such a sound at a word's beginning, at the reference's tempo
_HOP_MS, _KEPT_MS, _DIP_DB = 10, 30, 6.0


def begun(
    phones: Sequence[Phone], words_ms: Collection[int], slower: float, samples: FloatArray, sample_rate_hz: int
) -> tuple[Phone, ...]:
    """The phones, none that hums at a word's beginning longer than people do; the sound before it lasts until then.

    Args:
        phones: in order, without gaps.
        words_ms: where words begin.
        slower: how many times as slowly as the reference the text is spoken.
        samples: float32 [N] mono.
        sample_rate_hz: samples a second.
    """
    level = loudness_db(samples, sample_rate_hz, _HOP_MS / 1000)
    longest_ms = _LONGEST_MS * max(1.0, slower)
    starts = np.array(sorted(words_ms), np.intp)
    placed = list(phones)
    for number in range(1, len(placed)):
        before, phone = placed[number - 1 : number + 1]
        if not before.ipa or phone.ipa[:1] not in _HUMS or phone.end_ms - phone.start_ms <= longest_ms:
            continue
        if not np.any(np.abs(starts - phone.start_ms) <= _HOP_MS // 2):
            continue
        own = level[phone.start_ms // _HOP_MS : phone.end_ms // _HOP_MS]
        quietest = int(np.argmin(own[: -_KEPT_MS // _HOP_MS]))
        if min(own[0], own[quietest:].max()) - own[quietest] >= _DIP_DB:
            start = (phone.start_ms // _HOP_MS + quietest) * _HOP_MS
            placed[number - 1 : number + 1] = replace(before, end_ms=start), replace(phone, start_ms=start)
    return tuple(placed)
