"""Results as one file that another store takes in: a tar archive of blobs, then of the records that name them.

An archive is trusted as the store is: who makes one says what the results of steps are. Its names and contents are
checked all the same; nothing is written outside the store, no file whose content is not its name's, and nothing is
replaced.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tasks.keep.assets import path_of
from tasks.keep.digests import file_sha256
from tasks.keep.inventory import ENDS, Entry, Inventory
from tasks.keep.place import digest_in
from tasks.keep.staging import scratch, staged
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.record import Asset

_RECORD = re.compile(r"records/([a-z0-9-]+)/[0-9a-f]{2}/([0-9a-f-]{2,200})\.json")
#: Records of what people decided about a title.
EDITS = (
    "title-edits",
    "edited-script",
    "recorded-take",
    "title-decisions",
    "seen-stages",
    "seen",
    "seen-lines",
)
_HEAD, _FORMAT = "polydub-archive.json", 1
_MOST_RECORD = 64 << 20  # bytes; a script of 3,000 lines has 2 MB


@dataclass(frozen=True)
class Taken:
    """What was taken in from an archive, and what was there before.

    Attributes:
        files: blobs that were not there.
        records: records that were not there.
        bytes: of both.
        known: records that were there, which stay as they were.
    """

    files: int = 0
    records: int = 0
    bytes: int = 0
    known: int = 0


def write_archive(store: Store, found: Inventory, entries: Iterable[Entry], path: Path) -> tuple[int, int]:
    """Write records and the blobs that they name into a tar archive, which appears when it is complete.

    Args:
        store: of the records.
        found: its content.
        entries: the records.
        path: the archive.

    Returns:
        Number of blobs, number of records.
    """
    chosen = sorted({entry.id: entry for entry in entries}.values(), key=lambda entry: entry.id)
    digests = sorted({digest for entry in chosen for digest in entry.blobs} & found.blobs.keys())
    with staged(path) as part, tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, _HEAD, json.dumps({"format": _FORMAT}).encode())
        for digest in digests:
            file = found.blobs[digest]
            asset = Asset(uri=f"{store.where}/{file.name}", sha256=digest, bytes=file.bytes)
            with path_of(asset).open("rb") as content:
                head = tarfile.TarInfo(file.name)
                head.size = file.bytes
                tar.addfile(head, content)
        for entry in chosen:
            value = store.read_note(*entry.id)
            _add(tar, entry.file.name, json.dumps(store.relative(value), ensure_ascii=False, sort_keys=True).encode())
    return len(digests), len(chosen)


def read_archive(store: Store, path: Path) -> Taken:
    """Take an archive's content into a store.

    Raises:
        BadInputError: it is no such archive, or damaged; what was complete before the fault is in the store.
    """
    taken = Taken()
    try:
        with tarfile.open(path, "r:") as tar:
            head = tar.next()
            if head is None or head.name != _HEAD:
                raise BadInputError(f"{path} is no archive of a store.", "Make one with `polydub store export`.")
            if json.loads(_content(tar, head)).get("format") != _FORMAT:
                raise BadInputError(f"{path} was written by a newer Polydub.", "Update this one.")
            while member := tar.next():
                taken = _take(store, tar, member, taken)
    except (tarfile.TarError, ValueError, OSError, EOFError) as error:
        raise BadInputError(f"{path} cannot be read: {error}.", "Copy it again.") from error
    return taken


def _take(store: Store, tar: tarfile.TarFile, member: tarfile.TarInfo, taken: Taken) -> Taken:
    record = _RECORD.fullmatch(member.name)
    if not member.isreg() or not (record or digest_in(member.name)):
        raise BadInputError(f"The archive holds {member.name[:80]!r}, which is no part of a store.", "Do not use it.")
    if record:
        if store.read_note(record[1], record[2]) is not None:
            return Taken(taken.files, taken.records, taken.bytes, taken.known + 1)
        store.write_note(record[1], record[2], _value(record[1], record[2], _content(tar, member)))
        return Taken(taken.files, taken.records + 1, taken.bytes + member.size, taken.known)
    digest = digest_in(member.name)
    if store.holds(Asset(uri=f"{store.where}/{member.name}", sha256=digest, bytes=member.size)):
        return taken
    with scratch(store.root / "tmp" / digest, Path(member.name).suffix) as part:
        with part.open("wb") as file:
            shutil.copyfileobj(_opened(tar, member), file)
        if file_sha256(part) != (digest, member.size):
            raise BadInputError(f"{member.name} in the archive is damaged.", "Copy the archive again.")
        store.add(part)
    return Taken(taken.files + 1, taken.records, taken.bytes + member.size, taken.known)


def _value(kind: str, key: str, content: bytes) -> Any:
    """A record's value; only results and edits are taken, not what the store says of who may do what."""
    value = json.loads(content)
    named = isinstance(value, dict) and (value.get("step"), value.get("key")) == (kind, key)
    if not (named or kind in ENDS or kind in EDITS):
        raise BadInputError(f"The archive holds a record {kind!r}, which is no result.", "Do not use it.")
    return value


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    head = tarfile.TarInfo(name)
    head.size = len(content)
    tar.addfile(head, io.BytesIO(content))


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _MOST_RECORD:
        raise BadInputError(f"{member.name} in the archive is too large for a record.", "Do not use it.")
    return _opened(tar, member).read()


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # it is a regular file
    return file
