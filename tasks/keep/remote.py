"""Object stores by fsspec: their files, their errors in Polydub's words, and the cache of what was fetched."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.records.errors import BadInputError, MissingBackendError, PolydubError, TransientError


def cache_folder() -> Path:
    """The folder for copies of remote files: ``POLYDUB_CACHE``, else the user's cache folder."""
    if folder := os.environ.get("POLYDUB_CACHE"):
        return Path(folder).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "polydub-cache"


@functools.cache
def file_system(scheme: str) -> Any:
    """The file system of a scheme such as ``s3``.

    Raises:
        MissingBackendError: its package is not installed.
        BadInputError: there is none.
    """
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
def asked(url: str) -> Iterator[None]:
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


def table(files: Any, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
    """The selected rows of all Parquet files below a folder, as one pandas table.

    Args:
        files: the file system.
        folder: its path there.
        wanted: column, comparison, value.
    """
    import pandas

    try:
        return pandas.read_parquet(folder, filesystem=files, filters=wanted)
    except FileNotFoundError:
        return pandas.DataFrame()
