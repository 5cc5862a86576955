"""Assets as local files."""

from __future__ import annotations

from pathlib import Path

from tasks.keep.places import fetched, url_of
from tasks.records.model import Asset


def path_of(asset: Asset) -> Path:
    """The local file of an asset; one in a remote store is fetched into this machine's cache first.

    Raises:
        TransientError: the object store does not answer, or gave something else than what was put there.
        BadInputError: the file is not there.
    """
    if url_of(asset.uri) is None:
        return Path(asset.uri)
    return fetched(asset.uri, asset.sha256, asset.bytes)
