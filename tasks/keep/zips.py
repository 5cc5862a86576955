"""Untrusted ZIP archives (recordings of lines, spreadsheets): checked before anything is unpacked."""

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
#: Size of the central directory alone, in bytes.
_DIRECTORY = 4 << 20
_LONGEST_NAME = 255
_END = struct.Struct("<4s4H2LH")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True)
class Bounds:
    """Limits: number of entries, unpacked bytes of each entry, and of all together."""

    entries: int
    each: int
    total: int


def is_zip(path: Path) -> bool:
    """Whether a file has the signature of a ZIP archive, complete or not."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


@contextlib.contextmanager
def opened(path: Path, bounds: Bounds) -> Iterator[zipfile.ZipFile]:
    """Open an archive of stored or deflated entries within bounds, with unique names that stay inside a folder.

    Raises:
        BadInputError: broken, encrypted, compressed by another method, or beyond the bounds.
    """
    with as_bad_input(path):
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    with archive:
        _check(path, archive.infolist(), bounds)
        yield archive


@contextlib.contextmanager
def as_bad_input(path: Path) -> Iterator[None]:
    """Convert the errors of reading a broken archive into `BadInputError`."""
    try:
        yield
    except _BROKEN as error:
        raise _refused(path, f"cannot be unpacked: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset before the start of the file; other errors are the machine's
            raise
        raise _refused(path, "cannot be unpacked: it has offsets outside the file") from error


def unpack(archive: zipfile.ZipFile, name: str, out: Path) -> None:
    """Unpack one entry to a file, block by block; never more bytes than the archive declares.

    Args:
        archive: as opened by `opened`.
        name: of the entry.
        out: the file.

    Raises:
        BadInputError: the entry is broken.
    """
    with as_bad_input(Path(archive.filename or name)), archive.open(name) as source, out.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Raise where an XML file of a spreadsheet declares what could make it grow, or reach for other files.

    Raises:
        ValueError: one does.
    """
    for name in archive.namelist():
        if name.endswith((".xml", ".rels")) and b"<!" in archive.read(name).replace(b"\0", b"").replace(b"<!--", b""):
            raise ValueError(f"{name} declares entities or a document type, which is not allowed in a spreadsheet")


def _check_directory(path: Path) -> None:
    """Check the size of the central directory, which is read into memory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (1 << 16) - _END.size))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise zipfile.BadZipFile("the end of the archive is missing")
    # ZIP64 stores the true size elsewhere; if it does not fit here it is over the limit anyway.
    if _END.unpack_from(tail, at)[5] > _DIRECTORY or (b"PK\x06\x06" in tail and _long_directory(tail) > _DIRECTORY):
        raise _refused(path, "holds too many files")


def _long_directory(tail: bytes) -> int:
    at = tail.rfind(b"PK\x06\x06")
    return int(struct.unpack_from("<Q", tail, at + 40)[0])


def _check(path: Path, entries: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    if len(entries) > bounds.entries:
        raise _refused(path, f"holds {len(entries)} files; the limit is {bounds.entries}")
    seen: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if entry.filename in seen:
            raise _refused(path, f"holds {entry.filename[:80]!r} twice")
        seen.add(entry.filename)
        if name.is_absolute() or ".." in name.parts or len(entry.filename) > _LONGEST_NAME:
            raise _refused(path, f"holds {entry.filename[:80]!r}, which is not a name inside the archive")
        if entry.flag_bits & 1:
            raise _refused(path, f"is encrypted ({entry.filename!r})")
        if entry.compress_type not in _METHODS:
            raise _refused(
                path, f"uses compression method {entry.compress_type} ({entry.filename!r}), which is not supported"
            )
        if entry.file_size > bounds.each:
            larger = f"{_mb(entry.file_size)} unpacked; the limit is {_mb(bounds.each)}"
            raise _refused(path, f"holds {entry.filename!r} of {larger}")
    total = sum(entry.file_size for entry in entries)
    if total > bounds.total:
        raise _refused(path, f"unpacks to {_mb(total)}; the limit is {_mb(bounds.total)}")


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _refused(path: Path, why: str) -> BadInputError:
    return BadInputError(f"The archive {path.name!r} {why}.", "Create it again as a plain ZIP of the needed files.")
