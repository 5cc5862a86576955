"""Where a store keeps its files: a local folder, or a prefix of an object store that every machine sees.

Files appear only when complete: a local file is renamed into place, an object exists once its upload is complete. Two
writers of one name write the same content, or the last one wins.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.keep.digests import Digests, file_sha256
from tasks.keep.staging import scratch, staged
from tasks.records.errors import BadInputError, MissingBackendError, PolydubError, TransientError

DAMAGED = "damaged"
"""The folder of files whose content does not match their name."""

_DAY_S = 86400.0
#: Bytes of an object read by one request.
_BLOCK = 8 << 20
#: The version tag of an object, by the names that object stores use.
_IDENTITY = ("size", "ETag", "etag", "LastModified", "VersionId", "generation", "updated", "last_modified", "created")
_BLOB = re.compile(r"^blobs/[0-9a-f]{2}/([0-9a-f]{64})(?:\.[^/]*)?$")
#: A `Path` folds the two slashes of a URL into one; both forms are accepted.
_URL = re.compile(r"^([a-z][a-z0-9+.-]+)://(.+?)/*$")


@dataclass(frozen=True)
class Kept:
    """A file: its name relative to the place, its size, and when it was written or used last (seconds since 1970)."""

    name: str
    bytes: int
    changed: float


class Place(Protocol):
    """Files by relative name."""

    def read(self, name: str) -> bytes | None:
        """A small file's content; None if it does not exist."""

    def write(self, name: str, data: bytes) -> None:
        """Write a small file atomically."""

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """Whether the file's content has this digest and size; None if it does not exist.

        Args:
            name: relative name.
            sha256: expected digest.
            size: expected size in bytes.
        """

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Move a finished local file into the place.

        Args:
            staged: the local file.
            name: relative name.
            sha256: its digest.
        """

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Digest and size of the file, read now and remembered; None if it does not exist.

        Raises:
            OSError: the file cannot be read.
        """

    def set_aside(self, name: str) -> bool:
        """Move a damaged file below ``damaged/``; False if it was gone or replaced already."""

    def has_set_aside(self, name: str) -> bool:
        """Whether a file of that name was set aside."""

    def note_use(self, name: str) -> None:
        """Let the file count as changed now, where that costs nothing; `kept` tells when that was."""

    def remove(self, file: Kept) -> bool:
        """Remove a file; False if it was written or used since it was listed. No effect if it does not exist."""

    def below(self, folder: str) -> list[tuple[str, int]]:
        """Names and sizes of all files below a folder, recursively, sorted."""

    def kept(self, folder: str) -> list[Kept]:
        """All files below a folder, recursively, sorted by name."""

    def names(self, folder: str) -> list[str]:
        """The files directly in a folder, the most recent last."""

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """The selected rows of all Parquet files below a folder, as one pandas table."""

    def uri(self, name: str) -> str:
        """The location of a file as stored in an asset."""


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests = Digests(self)

    def read(self, name: str) -> bytes | None:
        """Read from disk."""
        try:
            return (self._root / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Whole or not at all."""
        path = self._root / name
        private_folder(path.parent)
        with staged(path) as part:
            part.write_bytes(data)

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """A large file is read once, and again after it changed."""
        return self._digests.are(self._root / name, sha256, size)

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Rename."""
        path = self._root / name
        private_folder(path.parent)
        os.replace(staged, path)
        self._digests.remember(path, sha256)

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Always read, even if a digest is remembered."""
        try:
            found = file_sha256(self._root / name)
        except FileNotFoundError:
            return None
        self._digests.remember(self._root / name, found[0])
        return found

    def set_aside(self, name: str) -> bool:
        """Rename; a file that another process replaced in between is moved back."""
        path, aside = self._root / name, self._root / _aside(name)
        private_folder(aside.parent)
        try:
            os.replace(path, aside)
        except FileNotFoundError:
            return False
        with contextlib.suppress(OSError):  # an unreadable file is damaged
            if file_sha256(aside)[0] == digest_in(name):
                os.replace(aside, path)
                return False
        return True

    def has_set_aside(self, name: str) -> bool:
        """By name."""
        return (self._root / _aside(name)).exists()

    def note_use(self, name: str) -> None:
        """By its time of modification, once a day."""
        with contextlib.suppress(OSError):  # another user's file, or a medium that cannot be written
            if time.time() - (self._root / name).stat().st_mtime > _DAY_S:
                os.utime(self._root / name)

    def remove(self, file: Kept) -> bool:
        """Unlink."""
        path = self._root / file.name
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime != file.changed:
                return False
            path.unlink()
        return True

    def below(self, folder: str) -> list[tuple[str, int]]:
        """Files being written have hidden names and are left out."""
        return [(file.name, file.bytes) for file in self.kept(folder)]

    def kept(self, folder: str) -> list[Kept]:
        """Files being written have hidden names and are left out."""
        found = []
        for path in sorted((self._root / folder).rglob("[!.]*")):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    facts = path.stat()
                    found.append(Kept(str(path.relative_to(self._root)), facts.st_size, facts.st_mtime))
        return found

    def names(self, folder: str) -> list[str]:
        """By time of modification."""
        found = [(path.stat().st_mtime_ns, path.name) for path in (self._root / folder).glob("[!.]*")]
        return [f"{folder}/{name}" for _, name in sorted(found)]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Read one by one."""
        return _table(_file_system("file"), str(self._root / folder), wanted)

    def uri(self, name: str) -> str:
        """The absolute path."""
        return str(self._root / name)


class Bucket:
    """A prefix of an object store, through fsspec; large files pass through the cache folder.

    Args:
        url: such as ``s3://bucket/prefix``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._files = _file_system(url.partition("://")[0])
        self._cache = Folder(cache_folder())

    def read(self, name: str) -> bytes | None:
        """One request."""
        with _asked(self._url):
            try:
                content: bytes = self._files.cat_file(self.uri(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, data: bytes) -> None:
        """One request; the last writer wins."""
        with _asked(self._url):
            self._files.pipe_file(self.uri(name), data)

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """One request, and one for the digest that the object's writer stored next to it.

        An object without a stored digest is read, once for all machines.
        """
        facts = self._facts(name)
        if facts is None or facts["size"] != size:
            return None if facts is None else False
        memo = self._memo(name, facts)
        known = self._cache.read(memo)
        if known is None and (known := self.read(memo)) is not None:
            self._cache.write(memo, known)
        if known is None:
            return self.sha256(name) == (sha256, size)
        return known == json.dumps(sha256).encode()

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Upload it with its digest, and keep it in the cache for the next step."""
        with _asked(self._url):
            self._files.put_file(str(staged), self.uri(name))
        self._remember(name, sha256)
        self._cache.take(staged, name, sha256)

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Streamed; only the digest is kept."""
        facts = self._facts(name)
        if facts is None:
            return None
        with _asked(self._url):
            try:
                with self._files.open(self.uri(name), "rb", block_size=_BLOCK) as file:
                    read = hashlib.sha256()
                    size = 0
                    while piece := file.read(_BLOCK):
                        read.update(piece)
                        size += len(piece)
            except FileNotFoundError:
                return None
        if facts == self._facts(name):
            self._remember(name, read.hexdigest())
        return read.hexdigest(), size

    def set_aside(self, name: str) -> bool:
        """Copied on the object store's side."""
        with _asked(self._url):
            try:
                self._files.mv(self.uri(name), self.uri(_aside(name)))
            except FileNotFoundError:
                return False
        return True

    def has_set_aside(self, name: str) -> bool:
        """One request."""
        return self._facts(_aside(name)) is not None

    def note_use(self, name: str) -> None:
        """Not here: it would cost a request, and a copy of the object."""

    def remove(self, file: Kept) -> bool:
        """Two requests."""
        facts = self._facts(file.name)
        if facts is not None and facts["LastModified"].timestamp() != file.changed:
            return False
        with _asked(self._url), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self.uri(file.name))
        return True

    def below(self, folder: str) -> list[tuple[str, int]]:
        """One request for every thousand files."""
        return [(file.name, file.bytes) for file in self.kept(folder)]

    def kept(self, folder: str) -> list[Kept]:
        """One request for every thousand files."""
        with _asked(self._url):
            root = self._url.partition("://")[2]
            found = self._files.find(self.uri(folder), detail=True)
        return [
            Kept(path.removeprefix(f"{root}/"), facts["size"], facts["LastModified"].timestamp())
            for path, facts in sorted(found.items())
        ]

    def _facts(self, name: str) -> Any:
        with _asked(self._url):
            try:
                return self._files.info(self.uri(name))
            except FileNotFoundError:
                return None

    def _memo(self, name: str, facts: Any) -> str:
        """The name of the memo with this object's digest; another object of this name has another tag or time."""
        identity = [self.uri(name), *(str(facts.get(fact)) for fact in _IDENTITY)]
        return f"records/sha256/{hashlib.sha256(json.dumps(identity).encode()).hexdigest()}.json"

    def _remember(self, name: str, sha256: str) -> None:
        if (facts := self._facts(name)) is not None:
            memo = self._memo(name, facts)
            for place in (self, self._cache):
                place.write(memo, json.dumps(sha256).encode())

    def names(self, folder: str) -> list[str]:
        """One request for every thousand files; times have a resolution of one second."""
        with _asked(self._url):
            try:
                found = self._files.ls(self.uri(folder), detail=True)
            except FileNotFoundError:
                return []
        by_time = sorted((entry["LastModified"], entry["name"]) for entry in found if entry["type"] == "file")
        return [f"{folder}/{name.rpartition('/')[2]}" for _, name in by_time]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Several requests for each file."""
        with _asked(self._url):
            return _table(self._files, self.uri(folder).partition("://")[2], wanted)

    def uri(self, name: str) -> str:
        """The object's address."""
        return f"{self._url}/{name}"


def place_of(where: str | Path) -> tuple[Place, Path]:
    """The place, and the local folder for work in progress: the same folder, or the cache.

    Args:
        where: a folder, or a URL that fsspec supports.
    """
    if url := url_of(where):
        return Bucket(url), cache_folder()
    root = Path(where).expanduser().absolute()
    return Folder(root), root


def url_of(where: str | Path) -> str | None:
    """The URL without a trailing slash; None for a local folder."""
    found = _URL.match(str(where))
    return f"{found[1]}://{found[2]}" if found else None


def cache_folder() -> Path:
    """The folder for copies of remote files: ``POLYDUB_CACHE``, else the user's cache folder."""
    if folder := os.environ.get("POLYDUB_CACHE"):
        return Path(folder).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "polydub-cache"


def fetched(uri: str, sha256: str, size: int) -> Path:
    """The local copy of a remote blob; its content is verified on arrival and whenever the copy changed.

    Args:
        uri: the blob's address.
        sha256: expected digest.
        size: expected size in bytes.

    Raises:
        TransientError: the object store does not answer, or returned different content than was stored.
        BadInputError: the blob does not exist.
    """
    name = f"blobs/{sha256[:2]}/{uri.rpartition('/')[2]}"
    cache, copy = Folder(cache_folder()), cache_folder() / name
    if sound := cache.holds(name, sha256, size):
        return copy
    if sound is False:
        cache.set_aside(name)
    private_folder(cache_folder() / "tmp")
    with scratch(cache_folder() / "tmp" / sha256, "") as part:
        with _asked(uri):
            try:
                _file_system(uri.partition("://")[0]).get_file(uri, str(part))
            except FileNotFoundError:
                raise BadInputError(f"{uri} is no longer in the store.", "Run the title again.") from None
        if file_sha256(part) != (sha256, size):
            raise TransientError(f"{uri} was damaged in transfer.", "It is downloaded again at the next try.")
        part.chmod(0o444)
        cache.take(part, name, sha256)
    return copy


def private_folder(path: Path) -> None:
    """Create a folder and its missing parents, accessible only to the user."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def digest_in(name: str) -> str:
    """The digest in a blob's name; empty if it is not a blob's name."""
    found = _BLOB.match(name)
    return found[1] if found else ""


def _aside(name: str) -> str:
    return f"{DAMAGED}/{name.rpartition('/')[2]}"


def moved(source: Path, target: Path) -> None:
    """Rename, or copy if the two are on different file systems."""
    try:
        os.replace(source, target)
    except OSError:
        shutil.copyfile(source, target)
        source.unlink(missing_ok=True)


def _table(files: Any, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
    import pandas

    try:
        return pandas.read_parquet(folder, filesystem=files, filters=wanted)
    except FileNotFoundError:
        return pandas.DataFrame()


@functools.cache
def _file_system(scheme: str) -> Any:
    import fsspec

    try:
        # Files written by other machines must be visible at once.
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise MissingBackendError(
            f"A store at {scheme}:// needs a package that is not installed: {error}.", "Run `uv sync --extra s3`."
        ) from error
    except ValueError as error:
        raise BadInputError(
            f"{scheme}:// is not a supported store: {error}.", "Use a folder or s3://bucket/prefix."
        ) from error


@contextlib.contextmanager
def _asked(url: str) -> Iterator[None]:
    """Convert errors of the object store into Polydub's, without credentials."""
    try:
        yield
    except PolydubError:
        raise
    except FileNotFoundError as error:
        raise BadInputError(f"The bucket of {url} does not exist.", "Create it, or set POLYDUB_STORE.") from error
    except PermissionError as error:
        raise BadInputError(
            f"The store {url} denied access: {error}.",
            "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy.",
        ) from error
    except Exception as error:  # from botocore, aiohttp and the operating system
        kind = type(error).__name__
        raise TransientError(f"The store {url} does not answer ({kind}).", "Check AWS_ENDPOINT_URL.") from error
