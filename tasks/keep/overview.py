"""How much a store holds, by title and by kind, and which titles are pinned."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from tasks.keep.inventory import ENDS, Entry, Inventory
from tasks.keep.store import Store, text_sha256

_PIN = "pin"
UNNAMED = "named by no record"
"""The kind of files that no record names."""


@dataclass(frozen=True)
class TitleSize:
    """What is kept of a title.

    Attributes:
        title: its name; empty for results of earlier versions.
        source: digest of its video.
        languages: BCP-47 tags of those that were dubbed or tried.
        bytes: of its files; a file that two titles use counts in both.
        used: when it was last used, in seconds since 1970.
        pinned: whether it stays whatever its age.
    """

    title: str
    source: str
    languages: tuple[str, ...]
    bytes: int
    used: float
    pinned: bool


@dataclass(frozen=True)
class KindSize:
    """How many files of a kind there are, and their bytes: of a step, of a note, or named by no record."""

    kind: str
    files: int
    bytes: int


def by_title(found: Inventory, pinned: set[str]) -> list[TitleSize]:
    """The titles of a store, largest first."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in found.entries:
        if entry.kind in ENDS and (entry.title or entry.kind == "title"):
            groups[entry.title, entry.source].append(entry)
    sizes = [
        TitleSize(
            title=title,
            source=source,
            languages=tuple(sorted({tag for entry in entries for tag in entry.languages})),
            bytes=found.bytes_of(digest for end in entries for entry in found.below(end) for digest in entry.blobs),
            used=max(entry.file.changed for entry in entries),
            pinned=title in pinned,
        )
        for (title, source), entries in groups.items()
    ]
    return sorted(sizes, key=lambda size: (-size.bytes, size.title, size.source))


def by_kind(found: Inventory) -> list[KindSize]:
    """The kinds of a store's files, largest first; a file is of the step that made it."""
    files, sizes, counted = Counter[str](), Counter[str](), set[str]()
    for entry in sorted(found.entries, key=lambda entry: (entry.kind in ENDS, entry.file.changed, entry.id)):
        files[entry.kind] += 1
        sizes[entry.kind] += entry.file.bytes
        for digest in entry.blobs & found.blobs.keys() - counted:
            counted.add(digest)
            files[entry.kind] += 1
            sizes[entry.kind] += found.blobs[digest].bytes
    for digest in found.blobs.keys() - counted:
        files[UNNAMED] += 1
        sizes[UNNAMED] += found.blobs[digest].bytes
    for file in found.other:
        kind = "digests" if file.name.startswith("records/") else file.name.partition("/")[0]
        files[kind] += 1
        sizes[kind] += file.bytes
    return [
        KindSize(kind, files[kind], size) for kind, size in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))
    ]


def pin(store: Store, title: str, stays: bool) -> None:
    """Let a title stay whatever its age, or no longer.

    Args:
        store: where it lies.
        title: its name.
        stays: False to let it go.
    """
    store.write_note(_PIN, text_sha256(title), {"title": title} if stays else None)


def pins(store: Store, found: Inventory) -> set[str]:
    """The names of pinned titles."""
    notes = (store.read_note(*entry.id) for entry in found.entries if entry.kind == _PIN)
    return {str(note["title"]) for note in notes if note}
