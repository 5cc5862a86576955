"""Where a store keeps its files: a local folder, or a prefix of an object store that every machine sees.

Either gives a name to whole files alone: a local file is renamed into place, an object appears when its upload is
complete. Two writers of one name write the same thing, or the last one counts.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tasks.errors import BadInputError, MissingBackendError, PolydubError, TransientError

#: A `Path` folds the two slashes of a URL into one; both are taken.
_URL = re.compile(r"^([a-z][a-z0-9+.-]+):/+(.+?)/*$")


class Place(Protocol):
    """Files by relative name."""

    def read(self, name: str) -> bytes | None:
        """A small file's content; None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Put a small file there, whole or not at all."""

    def holds(self, name: str, size: int) -> bool:
        """Whether the file is there with that many bytes."""

    def take(self, staged: Path, name: str) -> None:
        """Move a finished local file there."""

    def names(self, folder: str) -> list[str]:
        """The files right below a folder, the one written last at the end."""

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """The rows that are wanted of all Parquet files below a folder, as one pandas table."""

    def uri(self, name: str) -> str:
        """What an asset says of where it is."""


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """The content."""
        try:
            return (self._root / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write beside, rename."""
        path = self._root / name
        private_folder(path.parent)
        staged = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        staged.write_bytes(data)
        os.replace(staged, path)

    def holds(self, name: str, size: int) -> bool:
        """By its size."""
        return is_whole(self._root / name, size)

    def take(self, staged: Path, name: str) -> None:
        """Rename."""
        path = self._root / name
        private_folder(path.parent)
        os.replace(staged, path)

    def names(self, folder: str) -> list[str]:
        """By time of modification."""
        found = [(path.stat().st_mtime_ns, path.name) for path in (self._root / folder).glob("[!.]*")]
        return [f"{folder}/{name}" for _, name in sorted(found)]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Read one after another."""
        return _table(_file_system("file"), str(self._root / folder), wanted)

    def uri(self, name: str) -> str:
        """The absolute path."""
        return str(self._root / name)


class Bucket:
    """A prefix of an object store, by fsspec; large files pass through the cache folder.

    Args:
        url: such as ``s3://bucket/prefix``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._files = _file_system(url.partition("://")[0])

    def read(self, name: str) -> bytes | None:
        """One request."""
        with _asked(self._url):
            try:
                content: bytes = self._files.cat_file(self.uri(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, data: bytes) -> None:
        """One request; the last writer counts."""
        with _asked(self._url):
            self._files.pipe_file(self.uri(name), data)

    def holds(self, name: str, size: int) -> bool:
        """By its size; one request."""
        with _asked(self._url):
            try:
                return bool(self._files.info(self.uri(name))["size"] == size)
            except FileNotFoundError:
                return False

    def take(self, staged: Path, name: str) -> None:
        """Upload it, and keep it in the cache: the next step wants it."""
        with _asked(self._url):
            self._files.put_file(str(staged), self.uri(name))
        Folder(cache_folder()).take(staged, name)

    def names(self, folder: str) -> list[str]:
        """One request a thousand files; times are of whole seconds."""
        with _asked(self._url):
            try:
                found = self._files.ls(self.uri(folder), detail=True)
            except FileNotFoundError:
                return []
        by_time = sorted((entry["LastModified"], entry["name"]) for entry in found if entry["type"] == "file")
        return [f"{folder}/{name.rpartition('/')[2]}" for _, name in by_time]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Some requests a file."""
        with _asked(self._url):
            return _table(self._files, self.uri(folder).partition("://")[2], wanted)

    def uri(self, name: str) -> str:
        """The object's address."""
        return f"{self._url}/{name}"


def place_of(where: str | Path) -> tuple[Place, Path]:
    """The place that is meant, and the local folder for work in progress: the same one, or the cache.

    Args:
        where: a folder, or a URL that fsspec knows.
    """
    if url := url_of(where):
        return Bucket(url), cache_folder()
    root = Path(where).expanduser().absolute()
    return Folder(root), root


def url_of(where: str | Path) -> str | None:
    """The URL that is meant, without a last slash; None where a local folder is."""
    found = _URL.match(str(where))
    return f"{found[1]}://{found[2]}" if found else None


def cache_folder() -> Path:
    """Where this machine keeps copies of remote files: ``POLYDUB_CACHE``, else the user's cache folder."""
    if folder := os.environ.get("POLYDUB_CACHE"):
        return Path(folder).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "polydub-cache"


def fetched(uri: str, sha256: str, size: int) -> Path:
    """The local copy of a remote blob; its content is verified when it comes.

    Raises:
        TransientError: the object store does not answer, or gave something else than what was put there.
        BadInputError: the blob is not there.
    """
    name = f"blobs/{sha256[:2]}/{uri.rpartition('/')[2]}"
    copy = cache_folder() / name
    if is_whole(copy, size):
        return copy
    staged = cache_folder() / "tmp" / f"{sha256}.{os.getpid()}.{time.monotonic_ns()}"
    private_folder(staged.parent)
    try:
        with _asked(uri):
            try:
                _file_system(uri.partition("://")[0]).get_file(uri, str(staged))
            except FileNotFoundError:
                raise BadInputError(f"{uri} is not in the store any more.", "Run the title again.") from None
        if file_sha256(staged) != (sha256, size):
            raise TransientError(f"{uri} did not arrive as it was stored.", "It is fetched again at the next try.")
        staged.chmod(0o444)
        Folder(cache_folder()).take(staged, name)
    finally:
        staged.unlink(missing_ok=True)
    return copy


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for its user alone."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def is_whole(path: Path, size: int) -> bool:
    """Whether a local file is there with that many bytes."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def file_sha256(path: Path) -> tuple[str, int]:
    """Digest and size of a file, read in pieces."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()


def known_sha256(path: Path) -> str:
    """Digest of a file, read again only when its size or time has changed."""
    stat = path.stat()
    return _sha256_of(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256_of(path: Path, _size: int, _changed: int) -> str:
    return file_sha256(path)[0]


def moved(source: Path, target: Path) -> None:
    """Rename, or copy where the two are on different file systems."""
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
        # What other machines put there must be seen at once.
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise MissingBackendError(
            f"A store at {scheme}:// needs a package that is not installed: {error}.", "Run `uv sync --extra s3`."
        ) from error
    except ValueError as error:
        raise BadInputError(
            f"{scheme}:// is no kind of store: {error}.", "Use a folder or s3://bucket/prefix."
        ) from error


@contextlib.contextmanager
def _asked(url: str) -> Iterator[None]:
    """Errors of the object store as ours; credentials are in none of them."""
    try:
        yield
    except PolydubError:
        raise
    except FileNotFoundError as error:
        raise BadInputError(f"The bucket of {url} does not exist.", "Make it, or set POLYDUB_STORE.") from error
    except PermissionError as error:
        raise BadInputError(
            f"The store {url} refuses access: {error}.",
            "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy.",
        ) from error
    except Exception as error:  # of botocore, aiohttp and the operating system
        kind = type(error).__name__
        raise TransientError(f"The store {url} does not answer ({kind}).", "Check AWS_ENDPOINT_URL.") from error
