"""Lengthens existing pauses of a line that is too short for its slot even when spoken slowly, as actors do.

Only silences in the take are lengthened, at most as many as the text has punctuation for, and each by a limited amount;
the voice's sound and pace are unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.words.spacing import CLAUSE_END, SENTENCE_END

_MARK = re.compile(f"[{re.escape(''.join(sorted(SENTENCE_END | CLAUSE_END)))}]+(?=\\s*\\S)")
_WINDOW_MS = 10
_QUIET_DB = -38.0  # below the loudest window
_SHORTEST_MS = 60  # a shorter silence is the closure of a consonant
_FADE_MS = 4

#: ``(at_ms, added_ms)``: inserted silences, on the clock of the original take.
Widened = tuple[tuple[int, int], ...]
Phones = tuple[tuple[str, int, int, int], ...]


def marks(text: str) -> int:
    """Number of pause marks inside a text, not counting its end."""
    return len(_MARK.findall(text.strip()))


def widening(samples: NDArray[np.float32], rate_hz: int, count: int, missing_ms: int, most_ms: int) -> Widened:
    """Where and by how much to lengthen pauses: the longest silences share the missing time.

    Args:
        samples: float32 [N], mono, silence trimmed from both ends.
        rate_hz: sample rate.
        count: maximum number of silences.
        missing_ms: missing time, milliseconds.
        most_ms: maximum for each silence, milliseconds.
    """
    found = sorted(_silences(samples, rate_hz), key=lambda gap: (gap[0] - gap[1], gap[0]))[:count]
    if not found or missing_ms <= 0 or most_ms <= 0:
        return ()
    share = min(most_ms, missing_ms // len(found))
    return tuple(sorted(((start + end) // 2, share) for start, end in found)) if share > 0 else ()


def widened(samples: NDArray[np.float32], rate_hz: int, places: Widened) -> NDArray[np.float32]:
    """The samples with the pauses inserted, faded at their edges.

    Args:
        samples: float32 [N], mono.
        rate_hz: sample rate.
        places: from `widening`.

    Returns:
        float32 [M].
    """
    parts, before = [], 0
    for at_ms, added_ms in places:
        at = at_ms * rate_hz // 1000
        parts += [samples[before:at].copy(), np.zeros(added_ms * rate_hz // 1000, np.float32)]
        before = at
    parts.append(samples[before:].copy())
    fade = max(1, rate_hz * _FADE_MS // 1000)
    for number in range(0, len(parts) - 2, 2):
        left, right = parts[number], parts[number + 2]
        size = min(fade, len(left), len(right))
        left[len(left) - size :] *= np.linspace(1, 0, size, dtype=np.float32)
        right[:size] *= np.linspace(0, 1, size, dtype=np.float32)
    return np.concatenate(parts)


def moved(phones: Sequence[tuple[str, int, int, int]], places: Widened) -> Phones:
    """The phones on the clock of the lengthened take; a phone across a pause grows with it."""

    def later(time_ms: int, inclusive: bool) -> int:
        return time_ms + sum(added for at, added in places if at < time_ms or (inclusive and at == time_ms))

    return tuple((ipa, later(start, False), later(end, True), stress) for ipa, start, end, stress in phones)


def _silences(samples: NDArray[np.float32], rate_hz: int) -> list[tuple[int, int]]:
    """Silences inside the speech, in milliseconds."""
    window = max(1, rate_hz * _WINDOW_MS // 1000)
    count = len(samples) // window
    if count < 3:
        return []
    power = (samples[: count * window].reshape(count, window).astype(np.float64) ** 2).mean(axis=1)
    quiet = power < max(power.max(), 1e-12) * 10 ** (_QUIET_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    spans = [(int(start) * _WINDOW_MS, int(end) * _WINDOW_MS) for start, end in edges.reshape(-1, 2)]
    inside = (gap for gap in spans if gap[0] > 0 and gap[1] < count * _WINDOW_MS)
    return [gap for gap in inside if gap[1] - gap[0] >= _SHORTEST_MS]
