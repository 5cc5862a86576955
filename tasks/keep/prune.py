"""Which of a store's results may go, and their removal.

The unit is a result: a title's, with the languages, shared work and steps that it names; a language's; or a step's that
none of these names (an unchosen take, a run that failed). A file goes when no record that stays names it. What was
written or used within a day stays: a run may be about to name it. Texts, edits, decisions and bills always stay.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tasks.keep.inventory import ENDS, MEMOS, Entry, Inventory
from tasks.keep.place import Kept, Place
from tasks.keep.places import place_of
from tasks.keep.store import Store, text_sha256

GRACE_S = 86400.0
"""Nothing younger is removed."""

_PROGRESS, _PRUNED = "progress", "pruned"


@dataclass(frozen=True)
class Rule:
    """What may go; by default only files that no record names.

    Attributes:
        older_s: results unused for longer, in seconds; None: of any age stay.
        quota: size in bytes down to which the results unused for longest go; None: any size.
        keep_latest: of each title and language, the latest result stays.
        pinned: names of titles that stay.
    """

    older_s: float | None = None
    quota: int | None = None
    keep_latest: bool = False
    pinned: Collection[str] = ()


@dataclass(frozen=True)
class Gone:
    """A title's result that goes.

    Attributes:
        title: its name; empty in results of earlier versions.
        languages: BCP-47 tags.
        used: when it was last used, in seconds since 1970.
    """

    title: str
    languages: tuple[str, ...]
    used: float


@dataclass(frozen=True)
class Pruning:
    """What a rule removes from a store.

    Attributes:
        titles: the titles' results that go, longest unused first.
        records: the records.
        files: the blobs, by digest.
        bytes: of all of it.
        left: of the store afterwards.
        named: the digests that each of the records names.
    """

    titles: tuple[Gone, ...]
    records: tuple[Kept, ...]
    files: dict[str, Kept]
    bytes: int
    left: int
    named: dict[str, frozenset[str]]


def planned(found: Inventory, rule: Rule, now: float) -> Pruning:
    """What goes by a rule.

    Args:
        found: the store's content.
        rule: what may go.
        now: in seconds since 1970.
    """
    used = _last_uses(found)
    stay = _protected(found, rule) | {name for name, when in used.items() if when > now - GRACE_S}
    units = [entry for entry in _units(found) if entry.id not in stay]
    units.sort(key=lambda entry: (used[entry.id], entry.id))
    count = sum(rule.older_s is not None and used[entry.id] < now - rule.older_s for entry in units)
    if (quota := rule.quota) is not None:
        more = range(count, len(units))  # the more goes, the less is left
        count += bisect.bisect_left(more, True, key=lambda many: _without(found, units[:many], stay, now).left <= quota)
    return _without(found, units[:count], stay, now)


def prune(store: Store, pruning: Pruning) -> int:
    """Remove it: first the records, then the files that they alone named; returns the bytes that were freed.

    A record that was used meanwhile stays with its files. Each title is noted, so that its next run can say why it is
    made again (`pruned_on`).
    """
    place, _ = place_of(store.where)
    freed, stay = 0, set[str]()
    for title in pruning.titles:
        store.write_note(_PRUNED, text_sha256(title.title), {"on": datetime.date.today().isoformat()})
    for record in pruning.records:
        if place.remove(record):
            freed += record.bytes
        else:
            stay |= pruning.named[record.name]
    for digest, file in pruning.files.items():
        if digest not in stay and place.remove(file):
            freed += file.bytes
    _forget_digests(place, pruning.files.keys() - stay)
    return freed


def pruned_on(store: Store, title: str) -> str | None:
    """The date on which results of a title were removed, once: it is forgotten by being asked for."""
    note = store.read_note(_PRUNED, text_sha256(title))
    if note:
        store.write_note(_PRUNED, text_sha256(title), None)
    return str(note["on"]) if note else None


def _forget_digests(place: Place, removed: Collection[str]) -> None:
    for memo in place.kept(f"records/{MEMOS}") if removed else ():
        with contextlib.suppress(ValueError):
            known = json.loads(place.read(memo.name) or b"")
            if (known["sha256"] if isinstance(known, dict) else known) in removed:
                place.remove(memo)


def _last_uses(found: Inventory) -> dict[tuple[str, str], float]:
    """A result that another names was used when that was."""
    used = {entry.id: entry.file.changed for entry in found.entries}
    for title in found.entries:
        if title.kind == "title":
            for entry in found.below(title):
                used[entry.id] = max(used[entry.id], title.file.changed)
    return used


def _units(found: Inventory) -> list[Entry]:
    """What may go by itself: the ends, and results with files that none of them names."""
    ends = [entry for entry in found.entries if entry.kind in ENDS]
    named = {entry.id for end in ends for entry in found.below(end)}
    return ends + [entry for entry in found.entries if entry.blobs and entry.id not in named]


def _protected(found: Inventory, rule: Rule) -> set[tuple[str, str]]:
    """What stays whatever its age: pinned titles, and the latest result of each title and of each of its languages."""
    ends = [entry for entry in found.entries if entry.kind in ENDS]
    stay = [entry for entry in ends if entry.title and entry.title in rule.pinned]
    if rule.keep_latest:
        newest: dict[tuple[str, ...], Entry] = {}
        for entry in sorted(ends, key=lambda entry: (entry.file.changed, entry.id)):
            whose = (entry.title, entry.source) if entry.title else (entry.key,)
            newest[entry.kind, *whose, *(entry.languages if entry.kind == "branch" else ())] = entry
        stay += newest.values()
    return {entry.id for end in stay for entry in found.below(end)}


def _without(found: Inventory, gone: list[Entry], stay: set[tuple[str, str]], now: float) -> Pruning:
    chosen = {entry.id for entry in gone}
    going = {entry.id for end in gone for entry in found.below(end)} - stay
    ends = [entry for entry in found.entries if entry.kind in ENDS and entry.id not in going]
    named = {entry.id for end in ends for entry in found.below(end)}
    delivered = _blobs(found.by_id[name] for name in named)
    going = {
        name
        for name in going - named
        # a take that a delivered line was made of makes the next edit cheap, and costs nothing
        if name[0] in ENDS or name not in chosen or not found.by_id[name].blobs <= delivered
    }
    going |= {(_PROGRESS, key) for kind, key in going if kind == "branch"} & found.by_id.keys()
    removed = [entry for entry in found.entries if entry.id in going]
    needed = _blobs(entry for entry in found.entries if entry.id not in going)
    old = now - GRACE_S
    files = {digest: file for digest, file in found.blobs.items() if digest not in needed and file.changed < old}
    size = sum(entry.file.bytes for entry in removed) + sum(file.bytes for file in files.values())
    titles = [entry for entry in removed if entry.kind == "title"]
    return Pruning(
        titles=tuple(Gone(entry.title, entry.languages, entry.file.changed) for entry in titles),
        records=tuple(entry.file for entry in removed),
        files=files,
        bytes=size,
        left=found.bytes - size,
        named={entry.file.name: entry.blobs for entry in removed},
    )


def _blobs(entries: Iterable[Entry]) -> set[str]:
    return {digest for entry in entries for digest in entry.blobs}
