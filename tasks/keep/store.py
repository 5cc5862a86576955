"""Content-addressed assets and the records of finished steps. A record with missing or damaged files is ignored.

Layout: ``blobs/ab/<sha256><suffix>`` and ``records/<step>/ab/<key>.json``, in a folder or below a URL
(`tasks.keep.places`), beside the ``batches`` and the ``ledger`` of the flows. Blobs are verified by content; a large
blob that has not changed since it was read or written (`tasks.keep.digests`) is not read again. A damaged blob is never
used: it is moved to ``damaged/``, reported in a note, and made again.
Records name blobs relative to the store, so that it can be moved, copied and restored anywhere.
A killed process leaves at most a file under ``tmp/``; two writers of one key write the same content.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from tasks.keep.digests import Digests, file_sha256
from tasks.keep.folder import Folder, moved, private_folder
from tasks.keep.locks import locked
from tasks.keep.place import DAMAGED, Place
from tasks.keep.places import place_of, url_of
from tasks.keep.staging import scratch
from tasks.records.errors import BadInputError, PermanentError
from tasks.records.record import Asset
from tasks.records.step_record import Made, StepRecord

INSIDE = "store:"
"""Begins the location of a blob in a record; its name in the store follows."""

_ASSET = set(Asset.model_fields)


def store_place() -> str:
    """The location of the store: ``POLYDUB_STORE`` (a folder or a URL), else the user's cache folder."""
    if where := os.environ.get("POLYDUB_STORE"):
        return where
    return str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "polydub")


def store_root() -> Path:
    """The local folder of that store: the store itself, or the cache of a remote one."""
    return place_of(store_place())[1]


class Store:
    """Blobs and step records in a local folder, or in an object store that several machines share.

    Args:
        where: a folder, created if missing, or a URL such as ``s3://bucket/prefix``.

    Attributes:
        root: the local folder for work in progress, locks and memos: the store itself, or the cache of a remote store.
        notes: damaged files that were found, for the user.

    Raises:
        BadInputError: the folder cannot be written.
    """

    def __init__(self, where: str | Path) -> None:
        self._place, self.root = place_of(where)
        self.where = url_of(where) or str(self.root)
        self.notes: list[str] = []
        self._copies = self._place if isinstance(self._place, Folder) else Folder(self.root)
        self._digests = Digests(self._copies)
        try:
            for folder in ("blobs", "records", "tmp", "locks"):
                private_folder(self.root / folder)
                _close(self.root / folder)
        except OSError as error:
            raise BadInputError(
                f"The store {self.root} cannot be written: {error.strerror}.",
                "Set POLYDUB_STORE to a writable folder.",
            ) from error

    def apart(self) -> Store:
        """The same store with notes of its own: the damage that one step finds is reported with that step."""
        own = copy.copy(self)
        own.notes = []
        return own

    # -- blobs

    def add(self, path: Path, *, keep: bool = False) -> Asset:
        """Take a finished file into the store.

        Args:
            path: the file; moved unless ``keep``.
            keep: copy instead of moving.
        """
        if path.is_relative_to(self.root / "blobs"):
            raise ValueError(f"{path} is already in the store")
        digest, size = file_sha256(path)
        blob = _blob(digest, path)
        asset = Asset(uri=self._place.uri(blob), sha256=digest, bytes=size)
        if not self.holds(asset):
            with scratch(self.root / "tmp" / digest, "") as part:
                shutil.copyfile(path, part) if keep else moved(path, part)
                with part.open("rb") as file:
                    os.fsync(file.fileno())
                part.chmod(0o444)
                self._place.take(part, blob, digest)
        elif not keep:
            path.unlink(missing_ok=True)
        return asset

    def reference(self, path: Path) -> Asset:
        """Refer to a user's file in place; for a remote store it is copied there, so that every machine can read it.

        The digest is remembered, so that a large title is hashed once.
        """
        path = path.absolute()
        digest, size = self._digests.of(path)
        if url_of(self.where) is None:
            return Asset(uri=str(path), sha256=digest, bytes=size)
        asset = Asset(uri=self._place.uri(_blob(digest, path)), sha256=digest, bytes=size)
        return asset if self.holds(asset) else self.add(path, keep=True)

    def digest_of(self, path: Path) -> str | None:
        """SHA-256 of a file that stays as it is, remembered for a large one; None for work in progress."""
        return None if path.is_relative_to(self.root / "tmp") else self._digests.of(path.absolute())[0]

    def holds(self, asset: Asset) -> bool:
        """Whether the asset's file exists with the right content; a damaged file of the store is set aside."""
        name = asset.uri.removeprefix(f"{self.where}/")
        if name == asset.uri:  # a user's file
            return bool(self._digests.are(Path(asset.uri), asset.sha256, asset.bytes))
        if self._place is not self._copies:
            self._sound(self._copies, name, asset)  # a damaged copy must not shadow a good original
        return self._sound(self._place, name, asset)

    def _sound(self, place: Place, name: str, asset: Asset) -> bool:
        found = place.holds(name, asset.sha256, asset.bytes)
        if found is False and place.set_aside(name):
            self._note_damaged(place, name)
            return False
        return bool(found) or (found is False and bool(place.holds(name, asset.sha256, asset.bytes)))

    def _note_damaged(self, place: Place, name: str) -> None:
        kept = place.uri(f"{DAMAGED}/{name.rpartition('/')[2]}")
        what = "The local copy of a stored file" if place is not self._place else "A stored file"
        note = f"{what} was damaged and was not used: it was moved to {kept} and made again."
        if note not in self.notes:
            self.notes.append(note)

    # -- records

    def lookup(self, step: str, key: str, made: type[Made]) -> StepRecord[Made] | None:
        """The record of a finished step, if it is there and every file it names is what it was.

        Args:
            step: its name.
            key: its content key.
            made: the type of what it made.
        """
        try:
            record = record_of(made).model_validate(self.read_note(step, key))
        except ValidationError:
            return None
        lost = [asset for asset in record.assets if not self.holds(asset)]
        for asset in lost:  # another lookup may have set it aside already
            name = asset.uri.removeprefix(f"{self.where}/")
            if name != asset.uri and self._place.has_set_aside(name):
                self._note_damaged(self._place, name)
        if lost:
            return None
        self._place.note_use(_record(step, key))
        return record.model_copy(update={"reused": True, "hits": record.parts})

    def commit(self, record: StepRecord[Made]) -> StepRecord[Made]:
        """Make a step's result findable; its blobs must have been added before.

        Returns:
            The record as `lookup` will return it, including the order of keys, so that deliverables are identical.
        """
        stored = record.model_dump(mode="json")
        self.write_note(record.step, record.key, stored)
        return type(record).model_validate_json(_json(stored))

    def write_note(self, kind: str, key: str, value: Any) -> None:
        """Store a small JSON value that may change over time (a branch's last attempt).

        Args:
            kind: kind of note; names its folder.
            key: hexadecimal key.
            value: JSON value.
        """
        self._place.write(_record(kind, key), _json(self.relative(value)))

    def read_note(self, kind: str, key: str) -> Any | None:
        """The value stored by `write_note`, or None."""
        try:
            return _with_uris(json.loads(self._place.read(_record(kind, key)) or b""), self._located)
        except (ValueError, RecursionError):
            return None

    def note_content(self, kind: str, key: str) -> bytes | None:
        """A note as it is kept, unread; None if it does not exist."""
        return self._place.read(_record(kind, key))

    def change_note(self, kind: str, key: str, change: Callable[[Any | None], Any]) -> Any:
        """Change a small JSON value; of several writers at once, on this machine or others, none undoes another's.

        Args:
            kind: kind of note.
            key: hexadecimal key.
            change: makes the new value of the one that is there (None: none); called again where another came first.

        Returns:
            The new value.

        Raises:
            PermanentError: what is there cannot be read; it stays as it is.
        """
        name = _record(kind, key)
        with self.claim(f"{kind}-{key}"):
            while True:
                before = self._place.read(name)
                value = change(None if before is None else self._read(name, before))
                if self._place.replace(name, before, _json(self.relative(value))):
                    return value

    def damage_of(self, kind: str, key: str) -> str:
        """What is wrong with a note that is there and cannot be read; empty where nothing is."""
        name = _record(kind, key)
        try:
            if (content := self._place.read(name)) is not None:
                self._read(name, content)
        except PermanentError as error:
            return str(error)
        return ""

    def _read(self, name: str, content: bytes) -> Any:
        try:
            return _with_uris(json.loads(content), self._located)
        except (ValueError, RecursionError) as error:
            raise PermanentError(
                f"{self._place.uri(name)} is damaged and cannot be read.",
                "Restore it from a backup of the store, or move it away.",
            ) from error

    def relative(self, value: Any) -> Any:
        """A JSON value as the store writes it: blobs by their names in the store."""
        return _with_uris(value, self._relative)

    def _relative(self, uri: str) -> str:
        inside = uri.removeprefix(f"{self.where}/")
        return uri if inside == uri else INSIDE + inside

    def _located(self, uri: str) -> str:
        inside = uri.removeprefix(INSIDE)
        return uri if inside == uri else self._place.uri(inside)

    # -- work in progress

    @contextlib.contextmanager
    def workspace(self, step: str) -> Iterator[Path]:
        """A private temporary folder on the store's file system."""
        folder = Path(tempfile.mkdtemp(prefix=f"{step}-{os.getpid()}-", dir=self.root / "tmp"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, older_than_s: float = 0.0) -> int:
        """Remove what killed processes of this host left under ``tmp/``, and return the number of entries.

        Args:
            older_than_s: minimum age in seconds.
        """
        removed = 0
        for entry in (self.root / "tmp").iterdir():
            owners = [part for part in re.split(r"[-.]", entry.name) if part.isdigit()]
            with contextlib.suppress(FileNotFoundError):  # its owner or another sweep removed it first
                old = time.time() - entry.stat().st_mtime >= older_than_s
                if old and owners and not Path(f"/proc/{owners[0]}").exists():
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
                    removed += 1
        return removed

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """Lock a key while computing it: a second run on this machine waits and reuses the result.

        The kernel frees the lock if the holder dies. Two machines may compute one key; both write the same content.
        """
        with locked(self.root / "locks" / f"{key}.lock"):
            yield


_open: dict[tuple[str, Path], Store] = {}


def store_at(where: str | Path) -> Store:
    """The store at a place, opened once a process, and again where its folder was removed; with notes of its own.

    Args:
        where: a folder, created if missing, or a URL such as ``s3://bucket/prefix``.

    Raises:
        BadInputError: the folder cannot be written.
    """
    root = place_of(where)[1]
    known = _open.get((str(where), root))
    if known is None or not (root / "tmp").is_dir():
        known = _open[str(where), root] = Store(where)
    return known.apart()


def _close(folder: Path) -> None:
    """Restrict a folder made by an earlier version to its user."""
    stat = folder.stat()
    if stat.st_mode & 0o077 and stat.st_uid == os.geteuid():
        folder.chmod(0o700)


def _with_uris(value: Any, changed: Callable[[str], str]) -> Any:
    """A JSON value with the location of every asset in it changed."""
    if isinstance(value, dict):
        if value.keys() == _ASSET:
            return {**value, "uri": changed(value["uri"])}
        return {name: _with_uris(item, changed) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_uris(item, changed) for item in value]
    return value


def _blob(digest: str, path: Path) -> str:
    return f"blobs/{digest[:2]}/{digest}{path.suffix.lower()}"


def _record(step: str, key: str) -> str:
    return f"records/{step}/{key[:2]}/{key}.json"


def record_of(made: type[Made]) -> type[StepRecord[Made]]:
    """The type of a record of that."""
    return StepRecord[made]  # type: ignore[valid-type]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def step_key(
    step: str,
    version: int,
    *,
    settings: Any = None,
    backend: str = "",
    inputs: Mapping[str, Any] | None = None,
) -> str:
    """The content key of a step's result.

    Args:
        step: its name.
        version: raised whenever a code change alters the output.
        settings: the settings that affect the output, JSON-like.
        backend: the backend's fingerprint (name, version, model and weights).
        inputs: assets (by content, never by location) and small JSON-like values.

    Returns:
        64 hex digits.
    """
    facts = {
        "step": step,
        "version": version,
        "settings": _by_content(settings),
        "backend": backend,
        "inputs": _by_content(dict(inputs or {})),
    }
    return text_sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False))


def unkeyed() -> Any:
    """A field of what a step is given that changes nothing of what comes out: it enters no key."""
    return dataclasses.field(metadata={"key": False})


def given_key(step: str, version: int, given: Any) -> str:
    """The content key of a step, from all that it is given.

    Args:
        step: its name.
        version: raised whenever its code changes what comes out.
        given: a dataclass; assets count by content, backends by their fingerprint, `unkeyed` fields not at all.

    Returns:
        64 hex digits.

    Raises:
        TypeError: something in it has no content.
    """
    facts = {"step": step, "version": version, "given": _by_content(given)}
    return text_sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False))


def _by_content(value: Any) -> Any:
    if isinstance(value, Asset):
        return value.sha256
    if hasattr(value, "fingerprint"):
        return value.fingerprint()
    if dataclasses.is_dataclass(value):
        fields = [field for field in dataclasses.fields(value) if field.metadata.get("key", True)]
        return {field.name: _by_content(getattr(value, field.name)) for field in fields}
    if hasattr(value, "model_dump"):
        return _by_content({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Mapping):
        return {str(name): _by_content(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_content(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, date | Fraction | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no content that could be part of a key")


def text_sha256(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
