"""What contact sheets speak, and which of its moments are worth looking at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import Phone
from lipsync_engine.speech.articulation import segments

#: Each has closures, open and rounded vowels, /f/ or /v/, sibilants and ends of sentences within five seconds.
TEXTS = {
    "es": "Mamá baja la papa blanca. Su vaso azul sabe a sal, y el puente nuevo es fino. Vamos a ver.",
    "fr": "Ma petite maman boit beaucoup d'eau. Vous pouvez venir ici: nous passons la pomme rouge. Voilà.",
    "de": "Meine Mutter backt morgen Brot. Du hast schöne Vögel, Fische und Bücher gekauft. Das ist alles.",
    "en": "My mother bakes bread for Bob. You saw five blue ships, so she must choose soon. That is all.",
    "ja": "まいあさ パンを たべます。 ぼくの ともだちは うみが すきです。 こんばんは、 おげんきですか。",
}
#: A pause that is looked at lasts so long, milliseconds; an end is looked at so long after the last sound.
_PAUSE_MS, _AFTER_MS = 250, 120
#: Share of a sheet that each kind gets.
SHARES = {
    "open": 0.22, "round": 0.16, "closure": 0.16, "sibilant": 0.12, "teeth": 0.06, "pause": 0.06, "end": 0.11,
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A frame worth looking at, what kind of moment it is, and what is said there and when."""

    frame: int
    kind: str
    label: str


def kind_of(phone: Phone) -> str:
    """What is looked at in a phone; empty for phones that show little."""
    if not phone.ipa:
        return "pause" if phone.end_ms - phone.start_ms >= _PAUSE_MS else ""
    found = segments(phone.ipa)
    kinds = {
        "closure": any(s.place == "bilabial" and s.manner == "stop" for s in found),
        "teeth": any(s.place == "labiodental" for s in found),
        "sibilant": any(s.place in ("sibilant", "postalveolar") for s in found),
        "open": any(s.place == "vowel" and s.height >= 0.8 for s in found),
        "round": any(s.place == "vowel" and s.rounded for s in found),
    }
    return next((kind for kind, seen in kinds.items() if seen), "")


def moments(
    phones: Sequence[Phone], times: NDArray[np.float64], jumps: NDArray[np.float64], count: int
) -> list[Moment]:
    """Frames spread over kinds of sounds and over time, and the worst jumps, in order of time.

    Args:
        phones: what is said, on the clock of the picture.
        times: float64 [T], seconds, of the frames that there are.
        jumps: float64 [T], how much worse each frame's change is than the source's.
        count: about so many frames.
    """
    chosen: dict[int, Moment] = {}
    rows = _of_kinds(phones, times)
    for kind, share in SHARES.items():
        found = rows[kind]
        wanted = min(len(found), max(1, round(share * count)))
        for at in np.linspace(0, len(found) - 1, wanted).round().astype(int):
            chosen.setdefault(found[at].frame, found[at])
    for frame in _worst(jumps)[: max(1, count - len(chosen))]:
        chosen.setdefault(frame, Moment(frame, "jump", f"jump {times[frame]:.2f}s"))
    return [chosen[f] for f in sorted(chosen)]


def _of_kinds(phones: Sequence[Phone], times: NDArray[np.float64]) -> dict[str, list[Moment]]:
    """All moments of each kind that lie among the frames."""
    rows: dict[str, list[Moment]] = {kind: [] for kind in SHARES}

    def add(kind: str, at_s: float, label: str) -> None:
        if times[0] <= at_s <= times[-1]:
            rows[kind].append(Moment(int(np.abs(times - at_s).argmin()), kind, f"{label} {at_s:.2f}s"))

    for before, phone in pairwise((Phone("", 0, 0), *phones)):
        kind = kind_of(phone)
        if kind:
            label = f"{before.ipa}[{phone.ipa}]" if phone.ipa else "pause"
            add(kind, (phone.start_ms + phone.end_ms) / 2000, label)
        if kind == "pause" and before.ipa:
            add("end", (phone.start_ms + _AFTER_MS) / 1000, f"end {before.ipa}+{_AFTER_MS}ms")
    return rows


def _worst(jumps: NDArray[np.float64]) -> list[int]:
    """Frames of the largest jumps that are measured, none within five frames of a larger one."""
    spread: list[int] = []
    for frame in map(int, np.argsort(-jumps)[:40]):
        if np.isfinite(jumps[frame]) and all(abs(frame - other) > 5 for other in spread):
            spread.append(frame)
    return spread
