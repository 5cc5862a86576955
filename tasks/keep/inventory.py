"""What a store holds: its blobs, its records, and which of them stand on which."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tasks.keep.place import Kept, Place, digest_in

#: Records of what a run came to: a title, what its languages share, a language.
ENDS = ("title", "shared", "branch")
#: Digests of files by path; no result.
MEMOS = "sha256"
_READERS = 16


@dataclass(frozen=True)
class Entry:
    """A record.

    Attributes:
        kind: the step that made it, one of `ENDS`, or another note's kind.
        key: its content key.
        file: where it lies.
        title: name of the title that it is of; empty where that is not known.
        source: digest of that title's video.
        languages: BCP-47 tags of the languages that a title's record tells of, or of a language's.
        blobs: digests of the files that it names.
        ends: keys of the languages' records that a title's record tells of.
        steps: kind and key of the steps in its ledger.
    """

    kind: str
    key: str
    file: Kept
    title: str = ""
    source: str = ""
    languages: tuple[str, ...] = ()
    blobs: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    steps: frozenset[tuple[str, str]] = frozenset()

    @property
    def id(self) -> tuple[str, str]:
        """Kind and key."""
        return self.kind, self.key


@dataclass(frozen=True)
class Inventory:
    """A store's content.

    Attributes:
        entries: the records, without the `MEMOS`.
        blobs: the files by digest.
        other: whatever else is counted: ledgers, memos, damaged files, work in progress.
    """

    entries: tuple[Entry, ...]
    blobs: dict[str, Kept]
    other: tuple[Kept, ...] = ()

    @functools.cached_property
    def by_id(self) -> dict[tuple[str, str], Entry]:
        """The records by kind and key."""
        return {entry.id: entry for entry in self.entries}

    @property
    def bytes(self) -> int:
        """Of everything."""
        files = [*(entry.file for entry in self.entries), *self.blobs.values(), *self.other]
        return sum(file.bytes for file in files)

    def below(self, entry: Entry) -> list[Entry]:
        """A record with all those that it names: languages, shared work and steps."""
        found = {entry.id: entry}
        waiting = [entry]
        while waiting:
            one = waiting.pop()
            names = [*one.steps, *(("branch", key) for key in one.ends)]
            if one.kind == "title":
                names.append(("shared", one.key.partition("-")[0]))
            for name in names:
                if name not in found and (named := self.by_id.get(name)) is not None:
                    found[name] = named
                    waiting.append(named)
        return list(found.values())

    def bytes_of(self, digests: Iterable[str]) -> int:
        """Size of the files with these digests, each once."""
        return sum(self.blobs[digest].bytes for digest in set(digests) if digest in self.blobs)


def inventory(place: Place) -> Inventory:
    """Read every record of a store.

    Args:
        place: the store's.
    """
    listed = [file for file in place.kept("records") if file.name.endswith(".json")]
    records = [file for file in listed if _kind(file) != MEMOS]
    with ThreadPoolExecutor(_READERS) as readers:
        entries = tuple(readers.map(functools.partial(_entry, place), records))
    blobs = {digest: file for file in place.kept("blobs") if (digest := digest_in(file.name))}
    others = [file for file in listed if _kind(file) == MEMOS]
    others += [file for folder in ("ledger", "batches", "models", "damaged", "tmp") for file in place.kept(folder)]
    return Inventory(entries, blobs, tuple(others))


def _entry(place: Place, file: Kept) -> Entry:
    key = file.name.rpartition("/")[2].removesuffix(".json")
    kind = _kind(file)
    try:
        value = json.loads(place.read(file.name) or b"")
    except ValueError:
        return Entry(kind, key, file)
    facts = _Facts()
    facts.read(value)
    known = value if kind in ENDS and isinstance(value, dict) else {}
    results = [known, *known.get("branches", ())]
    return Entry(
        kind,
        key,
        file,
        title=str(known.get("title", "")),
        source=str(known.get("source", "")),
        languages=tuple(dict.fromkeys(str(one["language"]) for one in results if "language" in one)),
        blobs=frozenset(facts.blobs),
        ends=frozenset(str(one["key"]) for one in known.get("branches", ()) if "key" in one),
        steps=frozenset(facts.steps),
    )


@dataclass
class _Facts:
    blobs: set[str] = field(default_factory=set)
    steps: set[tuple[str, str]] = field(default_factory=set)

    def read(self, value: Any) -> None:
        """Take in every asset and every line of a ledger, however deep."""
        for one in _objects(value):
            if one.keys() >= {"uri", "sha256", "bytes"}:
                self.blobs.add(str(one["sha256"]))
            elif one.keys() >= {"step", "seconds", "reused"} and one.get("key"):
                self.steps.add((str(one["step"]), str(one["key"])))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _kind(file: Kept) -> str:
    return file.name.split("/")[1]
