"""Which title a file was delivered for, by its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.keep.place import digest_in
from tasks.keep.places import place_of


@dataclass(frozen=True)
class Owner:
    """A title, and the place below its folder where a file of it was delivered.

    ``language``: BCP-47 tag; empty for what its languages share.
    """

    title: str
    language: str
    place: str


def owners(where: str, digest: str) -> tuple[Owner, ...]:
    """The titles that a file of this content was delivered for, as far as the store still knows.

    Args:
        where: the store.
        digest: SHA-256 of the file.
    """
    place, _ = place_of(where)
    if not any(digest_in(name) == digest for name, _ in place.below(f"blobs/{digest[:2]}")):
        return ()
    found = set()
    for kind in ("branch", "title"):
        for name, _ in place.below(f"records/{kind}"):
            content = place.read(name) or b""
            if digest.encode() in content:
                found |= set(_of(content, digest))
    return tuple(sorted(found, key=lambda one: (one.title, one.language, one.place)))


def _of(content: bytes, digest: str) -> Iterator[Owner]:
    """The owners that a record of a language or a title names."""
    try:
        record: dict[str, Any] = json.loads(content)
        title, language = str(record.get("title", "")), str(record.get("language", ""))
        files = {**record.get("outputs", {}), **record.get("beside", {}), f"{title}.multi.mkv": record.get("multi")}
        for one in record.get("deliveries", ()):
            files |= {f"deliver/{one['preset']}/{place}": asset for place, asset in one["outputs"].items()}
        for place, asset in files.items():
            if asset and asset.get("sha256") == digest:
                yield Owner(title, language, place)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
