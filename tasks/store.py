"""Content-addressed assets and the records of finished steps. A record without its files does not count.

Layout: ``blobs/ab/<sha256><suffix>`` and ``records/<step>/ab/<key>.json``. Writers use a temporary name and rename: a
killed process leaves at most a file under ``tmp/``; two writers of one key write the same thing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.errors import BadInputError
from tasks.model import Asset, StepRecord

_CHUNK = 1 << 20


def store_root() -> Path:
    """Where finished work is kept: ``POLYDUB_STORE``, else the user's cache folder."""
    if folder := os.environ.get("POLYDUB_STORE"):
        return Path(folder).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "polydub"


class Store:
    """A local directory of blobs and step records.

    Args:
        root: created where missing.

    Raises:
        BadInputError: the directory cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        try:
            for folder in ("blobs", "records", "tmp", "locks"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(
                f"The store {self.root} cannot be written: {error.strerror}.",
                "Set POLYDUB_STORE to a writable folder.",
            ) from error

    # -- blobs

    def add(self, path: Path, *, keep: bool = False) -> Asset:
        """Take a finished file into the store.

        Args:
            path: the file; moved unless ``keep``.
            keep: copy instead of moving.
        """
        if path.is_relative_to(self.root / "blobs"):
            raise ValueError(f"{path} is in the store already")
        digest, size = file_sha256(path)
        blob = self._blob(digest, path.suffix.lower())
        if not _is_whole(blob, size):
            blob.parent.mkdir(parents=True, exist_ok=True)
            staged = self.root / "tmp" / f"{digest}.{os.getpid()}.{time.monotonic_ns()}"
            shutil.copyfile(path, staged) if keep else _move(path, staged)
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            staged.chmod(0o444)
            os.replace(staged, blob)
        elif not keep:
            path.unlink(missing_ok=True)
        return Asset(uri=str(blob), sha256=digest, bytes=size)

    def reference(self, path: Path) -> Asset:
        """Point at a user's file where it is, without copying it.

        The digest is remembered by path, size and times, so that a large title is hashed once.
        """
        path = path.absolute()
        stat = path.stat()
        identity = [str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        memo = self.root / "records" / "sha256" / f"{text_sha256(json.dumps(identity))}.json"
        try:
            digest = json.loads(memo.read_text())["sha256"]
        except (OSError, ValueError, KeyError):
            digest, _ = file_sha256(path)
            _write_json(memo, {"sha256": digest, "path": str(path)})
        return Asset(uri=str(path), sha256=digest, bytes=stat.st_size)

    def holds(self, asset: Asset) -> bool:
        """Whether the asset's file is there at its full size."""
        return _is_whole(asset.path, asset.bytes)

    # -- records

    def lookup(self, step: str, key: str) -> StepRecord | None:
        """The record of a finished step, if it and every file it names are there."""
        try:
            record = StepRecord.model_validate_json(self._record(step, key).read_bytes())
        except (OSError, ValidationError):
            return None
        if not all(self.holds(asset) for asset in record.outputs.values()):
            return None
        return record.model_copy(update={"reused": True, "hits": record.parts})

    def commit(self, record: StepRecord) -> StepRecord:
        """Make a step's result findable; its blobs must have been added before."""
        _write_json(self._record(record.step, record.key), record.model_dump(mode="json"))
        return record

    def write_note(self, kind: str, key: str, value: Any) -> None:
        """Keep a small JSON value that may change over time (a branch's last attempt)."""
        _write_json(self._record(kind, key), value)

    def read_note(self, kind: str, key: str) -> Any | None:
        """The value kept by `write_note`, or None."""
        try:
            return json.loads(self._record(kind, key).read_bytes())
        except (OSError, ValueError):
            return None

    # -- work in progress

    @contextlib.contextmanager
    def workspace(self, step: str) -> Iterator[Path]:
        """A private folder on the store's file system, removed afterwards."""
        folder = Path(tempfile.mkdtemp(prefix=f"{step}-{os.getpid()}-", dir=self.root / "tmp"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed processes of this host left under ``tmp/``."""
        for entry in (self.root / "tmp").iterdir():
            owners = [part for part in re.split(r"[-.]", entry.name) if part.isdigit()]
            if owners and not Path(f"/proc/{owners[0]}").exists():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """Hold a key while computing it: a second run waits and reuses. Freed by the kernel if the holder dies."""
        with (self.root / "locks" / f"{key}.lock").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _blob(self, digest: str, suffix: str) -> Path:
        return self.root / "blobs" / digest[:2] / f"{digest}{suffix}"

    def _record(self, step: str, key: str) -> Path:
        return self.root / "records" / step / key[:2] / f"{key}.json"


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
        version: raised whenever its code changes what comes out.
        settings: the settings that matter, JSON-like.
        backend: the backend's fingerprint (name, version, model and weights).
        inputs: assets (counted by content, never by place) and small JSON-like values.

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


def _by_content(value: Any) -> Any:
    if isinstance(value, Asset):
        return value.sha256
    if hasattr(value, "model_dump"):
        return _by_content({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Mapping):
        return {str(name): _by_content(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_content(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def file_sha256(path: Path) -> tuple[str, int]:
    """Digest and size of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def text_sha256(text: str) -> str:
    """Digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
        source.unlink(missing_ok=True)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    staged.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True))
    os.replace(staged, path)
