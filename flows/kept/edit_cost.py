"""What the next run of a language makes again for edits that are not kept yet, by steps, lines, seconds and money.

Nothing is run: lines are compared as they are and as they would be; seconds are those that this machine took for the
title's steps before (`flows.kept.forecast`), shared out by the lines that change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from configs.prices import cost_usd, price_of
from flows.kept.applied import Applied, Row
from flows.kept.dub_lines import DubLines
from flows.kept.forecast import paces_of

_SOUND = ("translate", "synthesize", "adapt", "fit", "lipsync", "mix")
_MASTER = ("package", "qc", "report")


@dataclass(frozen=True)
class EditCost:
    """What is made again.

    Attributes:
        steps: in order.
        spoken: ids of lines that are spoken again.
        translated: ids of lines that are translated again.
        picture_s: seconds of the picture under changed lines; the lip sync draws at least these.
        seconds: by the clock.
        usd: of paid services; None where a price is not known.
    """

    steps: tuple[str, ...] = ()
    spoken: tuple[int, ...] = ()
    translated: tuple[int, ...] = ()
    picture_s: float = 0.0
    seconds: float = 0.0
    usd: float | None = 0.0

    def as_json(self) -> dict[str, Any]:
        """For ``--dry-run --json``."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.steps:
            return "Nothing is made again."
        lines = f"{len(self.spoken)} line{'s' * (len(self.spoken) != 1)} spoken"
        usd = "a price that is not known" if self.usd is None else f"${self.usd:.2f}"
        drawn = f", {self.picture_s:.1f} s of picture" if "lipsync" in self.steps else ""
        return f"{lines}{drawn}, about {self.seconds:.0f} s, {usd}; steps: {', '.join(self.steps)}."


def cost_of(dub: DubLines, made: Applied, since: Applied | None = None) -> EditCost:
    """What it would take.

    Args:
        dub: the lines as they are.
        made: as they would be (`DubLines.tried`).
        since: as the delivered dub has them; None: as they are.
    """
    there = since or dub.applied
    if made.facts == there.facts:
        return EditCost()
    before = {_identity(row): row for row in there.rows}
    after = {_identity(row): row for row in made.rows}
    changed = [row for name, row in after.items() if name not in before or _placed(before[name]) != _placed(row)]
    gone = [row for name, row in before.items() if name not in after]
    heard = [row for row in changed if _said(before.get(_identity(row))) != _said(row)]
    spoken = [row for row in heard if not (row.keep or row.mute or row.text == "")]
    translated = [row for row in spoken if row.text is None and _source(before.get(_identity(row))) != row.line.text]
    steps = (*(_SOUND if changed or gone else ("mix",)), *_MASTER)
    under_s = sum(row.line.end_ms - row.line.start_ms for row in (*changed, *gone)) / 1000
    profile, backends = dub.made_by
    paces = paces_of(dub.store, f"{profile}-{backends.get('lipsync', '')}")
    title_s = max(dub.duration_ms / 1000, 1.0)
    shares = {
        "translate": len(translated) / max(1, len(after)),
        "synthesize": len(spoken) / max(1, len(after)),
        "adapt": len(spoken) / max(1, len(after)),
        "lipsync": min(1.0, under_s / title_s),
    }
    seconds = sum(paces.get(step, 0.0) * title_s * shares.get(step, 1.0) for step in steps)
    return EditCost(
        steps=steps,
        spoken=tuple(row.line.id for row in spoken),
        translated=tuple(row.line.id for row in translated),
        picture_s=round(under_s, 1),
        seconds=round(seconds, 1),
        usd=_usd(backends, dub, spoken, translated),
    )


def _usd(backends: Mapping[str, str], dub: DubLines, spoken: Sequence[Row], translated: Sequence[Row]) -> float | None:
    """Of the services that the list of prices knows; a backend that is on no list is free, but for the unknown."""
    said = sum(len(dub.text(row) or row.line.text) for row in spoken)
    read = sum(len(row.line.text) for row in translated)
    total = 0.0
    for section, characters in (("synthesize", said), ("translate", read)):
        name = backends.get(f"{section}.{dub.language}") or backends.get(section, "")
        if characters and price_of(name, {}) is not None:
            cost = cost_usd(name, {"characters": float(characters)}, {})
            if cost is None:
                return None
            total += cost
    return round(total, 4)


def _identity(row: Row) -> tuple[int, int]:
    return row.of.id, row.part


def _placed(row: Row) -> Any:
    """What of a line makes the dub's speech another one."""
    return (row.line.start_ms, row.line.end_ms, *(_said(row) or ()))


def _said(row: Row | None) -> tuple[Any, ...] | None:
    if row is None:
        return None
    direction = (row.voice, row.take, row.pronunciation, row.recording)
    return (row.line.text, row.line.speaker, row.text, row.keep, row.mute, *direction)


def _source(row: Row | None) -> str | None:
    return row.line.text if row is not None else None
