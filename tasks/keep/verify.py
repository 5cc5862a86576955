"""Reads every blob of a store again, ignoring remembered digests."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tasks.keep.place import Place, digest_in
from tasks.keep.places import place_of

_FILE = re.compile(rb'"([^"/]*\.(?:mp4|mkv|mov|wav|flac))"')


@dataclass(frozen=True)
class Damaged:
    """A blob whose content does not match its name.

    Attributes:
        name: relative to the store.
        why: what is wrong, in words.
        used_by: the steps and titles whose records refer to it.
        removed: whether it was set aside.
    """

    name: str
    why: str
    used_by: tuple[str, ...] = ()
    removed: bool = False


def verify(where: str, remove: bool, progress: Callable[[int, int], None]) -> tuple[int, int, list[Damaged]]:
    """Hash every blob; blobs written or removed by a run meanwhile are not faults.

    Args:
        where: the store.
        remove: set damaged blobs aside, so that the next run makes them again.
        progress: called with bytes read and bytes in total.

    Returns:
        Number of blobs, bytes read, and the damaged blobs.
    """
    place, _ = place_of(where)
    blobs = [(name, size) for name, size in place.below("blobs") if digest_in(name)]
    total, read, damaged = sum(size for _, size in blobs), 0, []
    for name, size in blobs:
        if why := _fault(place, name):
            damaged.append(Damaged(name, why, removed=remove and place.set_aside(name)))
        read += size
        progress(read, total)
    used = _users(place, {digest_in(one.name) for one in damaged}) if damaged else {}
    named = [Damaged(one.name, one.why, used.get(digest_in(one.name), ()), one.removed) for one in damaged]
    return len(blobs), read, named


def _fault(place: Place, name: str) -> str:
    try:
        found = place.sha256(name)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if found is None or found[0] == digest_in(name) else f"its content is {found[0][:12]}..."


def _users(place: Place, digests: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {digest: set() for digest in digests}
    for name, _ in place.below("records"):
        content = place.read(name) or b""
        kind = name.split("/")[1]
        for digest in digests if kind != "sha256" else ():
            if digest.encode() in content:
                files = {file.decode(errors="replace") for file in _FILE.findall(content)}
                found[digest].add(f"{kind} {min(files)}" if kind in ("branch", "title") and files else kind)
    return {digest: tuple(sorted(users)) for digest, users in found.items()}
