"""ZIP archives from outside (recordings of lines, spreadsheets): looked over before anything in them is unpacked."""

from __future__ import annotations

import contextlib
import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tasks.records.errors import BadInputError

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Of the list of entries alone, in bytes.
_DIRECTORY = 4 << 20
_LONGEST_NAME = 255
_END = struct.Struct("<4s4H2LH")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True)
class Bounds:
    """How many entries, and how many bytes unpacked: of each, and of all together."""

    entries: int
    each: int
    total: int


def is_zip(path: Path) -> bool:
    """Whether a file begins as a ZIP archive does, whole or not."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


@contextlib.contextmanager
def opened(path: Path, bounds: Bounds) -> Iterator[zipfile.ZipFile]:
    """An archive of stored or deflated entries within bounds, each name once, none leading out of a folder.

    Raises:
        BadInputError: broken, encrypted, packed otherwise, or larger than the bounds; says which.
    """
    with telling(path):
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    with archive:
        _check(path, archive.infolist(), bounds)
        yield archive


@contextlib.contextmanager
def telling(path: Path) -> Iterator[None]:
    """What reading a broken archive raises, as bad input."""
    try:
        yield
    except _BROKEN as error:
        raise _refused(path, f"cannot be unpacked: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the file's beginning; others are the machine's
            raise
        raise _refused(path, "cannot be unpacked: it leads to places that it does not have") from error


def unpack(archive: zipfile.ZipFile, name: str, out: Path) -> None:
    """One entry to a file, block by block; no more than the archive promised is ever read.

    Raises:
        BadInputError: it is broken.
    """
    with telling(Path(archive.filename or name)), archive.open(name) as source, out.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)


def _check_directory(path: Path) -> None:
    """The list of entries is held in memory: it is measured before it is read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (1 << 16) - _END.size))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise zipfile.BadZipFile("its end is missing")
    # A ZIP64's true size stands elsewhere, and is over the bound whenever it does not fit here.
    if _END.unpack_from(tail, at)[5] > _DIRECTORY or (b"PK\x06\x06" in tail and _long_directory(tail) > _DIRECTORY):
        raise _refused(path, "holds too many files")


def _long_directory(tail: bytes) -> int:
    at = tail.rfind(b"PK\x06\x06")
    return int(struct.unpack_from("<Q", tail, at + 40)[0])


def _check(path: Path, entries: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    if len(entries) > bounds.entries:
        raise _refused(path, f"holds {len(entries)} files; {bounds.entries} are taken")
    seen: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if entry.filename in seen:
            raise _refused(path, f"holds {entry.filename[:80]!r} twice")
        seen.add(entry.filename)
        if name.is_absolute() or ".." in name.parts or len(entry.filename) > _LONGEST_NAME:
            raise _refused(path, f"holds {entry.filename[:80]!r}, which is no name inside a folder")
        if entry.flag_bits & 1:
            raise _refused(path, f"is encrypted ({entry.filename!r})")
        if entry.compress_type not in _METHODS:
            raise _refused(path, f"is packed by method {entry.compress_type} ({entry.filename!r}), which is not read")
        if entry.file_size > bounds.each:
            larger = f"{_mb(entry.file_size)} unpacked; {_mb(bounds.each)} are taken"
            raise _refused(path, f"holds {entry.filename!r} of {larger}")
    total = sum(entry.file_size for entry in entries)
    if total > bounds.total:
        raise _refused(path, f"unpacks to {_mb(total)}; {_mb(bounds.total)} are taken")


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _refused(path: Path, why: str) -> BadInputError:
    return BadInputError(f"The archive {path.name!r} {why}.", "Pack it again as a plain ZIP of what is needed.")
