"""Arrays that lie in a file: what grows with a title (meshes, pixels, sound) is read in parts and never held whole."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.staging import staged

#: Bytes that are read or written at a time.
_PART = 4 << 20


class FileArray:
    """Rows of an array in a file; indexing reads just these and gives a plain array.

    Reads do not map the file, so nothing of it stays in the process. Safe to read from several threads.

    Args:
        file: kept open as long as this lives.
        start: byte at which the array begins.
        shape: of the array.
        dtype: of the array.
        at: int64 [n], rows of it that count, in this order; ``None`` for all.
    """

    def __init__(
        self, file: IO[bytes], start: int, shape: tuple[int, ...], dtype: Any, at: NDArray[np.int64] | None = None
    ) -> None:
        self._file, self._start, self._at = file, start, at
        self.shape = (shape[0] if at is None else len(at), *shape[1:])
        self.dtype = np.dtype(dtype)
        self._row: int = int(np.prod(shape[1:], dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return len(self) * self._row

    def rows(self, index: NDArray[Any] | slice) -> FileArray:
        """The same file's rows ``index``; nothing is read.

        Args:
            index: int64 [n], bool [N] or a slice: the rows.
        """
        known = np.arange(len(self), dtype=np.int64) if self._at is None else self._at
        return FileArray(self._file, self._start, self.shape, self.dtype, known[index])

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Rows by number, mask or slice; further indices are taken from each of these rows."""
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if isinstance(first, int | np.integer):
            return np.asarray(self._read(_numbers(np.array([first]), len(self)))[(0, *rest)])
        index = _numbers(first, len(self))
        step = self._step()
        parts = []
        for at in range(0, max(len(index), 1), step):
            part = self._read(index[at : at + step])
            parts.append(part[(slice(None), *rest)].copy() if rest else part)  # a view would keep all that was read
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for part in self.parts():
            yield from part

    def parts(self) -> Iterator[NDArray[Any]]:
        """All rows, some at a time."""
        for first in range(0, len(self), self._step()):
            yield self[first : first + self._step()]

    def _step(self) -> int:
        """Rows that are read at a time."""
        return max(1, _PART // max(self._row, 1))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, index: NDArray[np.int64] | range) -> NDArray[Any]:
        out = np.empty((len(index), *self.shape[1:]), self.dtype)
        if not out.size:
            return out
        raw = out.reshape(-1).view(np.uint8)
        places = index if self._at is None else self._at[index]
        if isinstance(places, range) and places.step == 1:
            ends = [0, len(places)]
        else:
            places = np.asarray(places)
            ends = [0, *(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]
        for a, b in pairwise(ends):  # rows that lie together are read together
            _fill(self._file.fileno(), raw[a * self._row : b * self._row], self._start + int(places[a]) * self._row)
        return out


def _numbers(rows: NDArray[Any] | slice, total: int) -> NDArray[np.int64] | range:
    """Rows by number, from 0."""
    if isinstance(rows, slice):
        return range(*rows.indices(total))
    chosen = np.asarray(rows)
    if chosen.dtype == bool:
        return np.flatnonzero(chosen)
    if len(chosen) and not -total <= chosen.min() <= chosen.max() < total:
        raise IndexError(f"rows {chosen.min()} to {chosen.max()} of {total}")
    return np.where(chosen < 0, chosen + total, chosen).astype(np.int64)


def _fill(number: int, into: NDArray[np.uint8], at: int) -> None:
    done = 0
    while done < len(into):
        count = os.preadv(number, [into[done:].data], at + done)
        if not count:
            raise OSError("the file of an array ends too early")
        done += count


class Spool:
    """Rows appended to an unnamed temporary file, which lives as long as an array of it does.

    Args:
        shape: of a row.
        dtype: of the rows.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (arrays of it outlive this)
        self._shape, self._dtype, self._count = shape, np.dtype(dtype), 0

    def __len__(self) -> int:
        return self._count

    def append(self, rows: NDArray[Any]) -> int:
        """Add rows [n, *shape] of any number type (bool included); returns the number of the first one."""
        first = self._count
        data = np.ascontiguousarray(rows, self._dtype).reshape(-1).view(np.uint8)
        while len(data):
            data = data[self._file.write(data.data) or 0 :]
        self._count += len(rows)
        return first

    def array(self, at: NDArray[np.int64] | None = None) -> FileArray:
        """The rows so far, or the rows ``at``, int64 [n], in this order."""
        return FileArray(self._file, 0, (self._count, *self._shape), self._dtype, at)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any] | FileArray]) -> None:
    """Write an uncompressed ``.npz`` array by array; same arrays, same bytes.

    Args:
        path: appears whole or not at all.
        arrays: by name, [N, ...] of any dtype and shape.
    """
    with staged(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                _write_array(member, array)


def _write_array(member: IO[bytes], array: NDArray[Any] | FileArray) -> None:
    if not isinstance(array, FileArray):
        np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
        return
    described = np.lib.format.dtype_to_descr(array.dtype)
    header = {"descr": described, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(member, header)
    for part in array.parts():
        member.write(part.tobytes())


def stored_array(path: Path, name: str) -> FileArray:
    """An array of an uncompressed ``.npz``, at its place in the file (past the local header and the array's own).

    Raises:
        KeyError: there is none of that name.
        ValueError: it is compressed.
    """
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    raw = path.open("rb")
    raw.seek(info.header_offset + 26)
    lengths = np.frombuffer(raw.read(4), "<u2")
    raw.seek(info.header_offset + 30 + int(lengths.sum(dtype=np.int64)))
    version = np.lib.format.read_magic(raw)
    read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(raw)
    return FileArray(raw, raw.tell(), shape, kind)
