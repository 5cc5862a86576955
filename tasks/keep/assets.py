"""Assets as local files."""

from __future__ import annotations

from pathlib import Path

from tasks.keep.places import fetched, url_of
from tasks.records.record import Asset


def path_of(asset: Asset) -> Path:
    """The local file of an asset; from a remote store it is first downloaded into this machine's cache.

    Raises:
        TransientError: the object store does not answer, or returned different content than was stored.
        BadInputError: the file does not exist.
    """
    if url_of(asset.uri) is None:
        return Path(asset.uri)
    return fetched(asset.uri, asset.sha256, asset.bytes)
