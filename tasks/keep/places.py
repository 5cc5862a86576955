"""Where a store keeps its files: a local folder (`folder`), or a prefix of an object store (`bucket`)."""

from __future__ import annotations

import re
from pathlib import Path

from tasks.keep.bucket import Bucket
from tasks.keep.digests import file_sha256
from tasks.keep.folder import Folder, private_folder
from tasks.keep.place import Place
from tasks.keep.remote import asked, cache_folder, file_system
from tasks.keep.staging import scratch
from tasks.records.errors import BadInputError, TransientError

#: A `Path` folds the two slashes of a URL into one; both forms are accepted.
_URL = re.compile(r"^([a-z][a-z0-9+.-]+)://(.+?)/*$")


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
        with asked(uri):
            try:
                file_system(uri.partition("://")[0]).get_file(uri, str(part))
            except FileNotFoundError:
                raise BadInputError(f"{uri} is no longer in the store.", "Run the title again.") from None
        if file_sha256(part) != (sha256, size):
            raise TransientError(f"{uri} was damaged in transfer.", "It is downloaded again at the next try.")
        part.chmod(0o444)
        cache.take(part, name, sha256)
    return copy
