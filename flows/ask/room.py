"""Room on disk that a title needs, estimated low: a run that cannot end for want of it is not begun. No Prefect."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.ask.given import probed
from flows.ask.output import standing
from tasks.keep.store import store_at
from tasks.records.errors import DiskFullError
from tasks.records.title import Run

#: Bytes a second of a 48 kHz stereo 24-bit stem, and how many a title, a language, and a delivered language keep.
_STEM_RATE = 48_000 * 2 * 3
_TITLE_STEMS, _BRANCH_STEMS, _DELIVERED_STEMS = 3.2, 3.0, 2.5
#: Of the source's bytes: a language's picture with its master in the store, its master delivered, the multi-track one.
_BRANCH_PICTURE, _DELIVERED_PICTURE, _MULTI = 1.0, 0.5, 1.0
_MB, _GB = 1e6, 1e9


@dataclass(frozen=True)
class Room:
    """Bytes that titles need: in the store, and where their deliverables go, by folder."""

    store: Path
    stored: float
    delivered: dict[Path, float]

    def short(self) -> str:
        """Which disk has too little, as a clause; empty where there is enough."""
        needed: dict[int, tuple[Path, float]] = {}
        for folder, amount in ((self.store, self.stored), *self.delivered.items()):
            here = standing(folder)
            disk = here.stat().st_dev
            first, before = needed.get(disk, (folder, 0.0))
            needed[disk] = first, before + amount
        for folder, amount in needed.values():
            free = shutil.disk_usage(standing(folder)).free
            if free < amount:
                return f"about {said(amount)} are needed in {folder}, and {said(free)} are free"
        return ""

    @property
    def whole(self) -> float:
        """Bytes in all."""
        return self.stored + sum(self.delivered.values())


def room_of(work: Iterable[tuple[Run, Sequence[str]]]) -> Room:
    """What titles need for these of their languages, as if nothing of them were made."""
    stored, root = 0.0, Path()
    delivered: dict[Path, float] = {}
    for run, languages in work:
        root = store_at(run.store).root
        folder = Path(run.title.folder).parent
        sound, source = _STEM_RATE * _seconds(run), run.title.video.bytes * _share(run)
        stored += sound * (_TITLE_STEMS + _BRANCH_STEMS * len(languages)) + source * _BRANCH_PICTURE * len(languages)
        here = sound * _DELIVERED_STEMS * len(languages) + source * (_DELIVERED_PICTURE * len(languages) + _MULTI)
        delivered[folder] = delivered.get(folder, 0.0) + here
        stored += source * _MULTI
    return Room(root, stored, delivered)


def refuse_short_room(run: Run, languages: Sequence[str]) -> None:
    """Go on only where a title has room.

    Raises:
        DiskFullError: a disk has too little, or this process may not write a file as large as the title.
    """
    if short := room_of([(run, languages)]).short():
        raise DiskFullError(f"There is too little room: {short}.", "Make room, or choose another --out or store.")
    largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if largest not in (resource.RLIM_INFINITY, -1) and largest < run.title.video.bytes * _share(run):
        raise DiskFullError(
            f"Files of this process may have at most {said(largest)}, and a master is larger.",
            "Raise the limit (`ulimit -f`).",
        )


def said(amount: float) -> str:
    """A number of bytes in words."""
    return f"{amount / _GB:.1f} GB" if amount >= _GB else f"{amount / _MB:.0f} MB"


def _seconds(run: Run) -> float:
    whole = probed(run, run.title.video, run.title.source_language).duration_ms
    return min(whole, run.title.preview_ms or whole) / 1000


def _share(run: Run) -> float:
    """Of the title that is dubbed, by time."""
    whole = probed(run, run.title.video, run.title.source_language).duration_ms
    return min(1.0, (run.title.preview_ms or whole) / max(whole, 1))
