"""Download of results: without the key, from public addresses only, complete, and verified to be a video."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from tasks.media import picture_seconds
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.services.http import answering

_WAIT_S = 60.0
_AT_MOST_S = 1800.0
_LARGEST = 4 << 30
_REDIRECTS = 5
_GONE = {401, 403, 404, 410}


class ExpiredError(PermanentError):
    """The address of a result has expired; the provider may issue a new one."""


@dataclass(frozen=True)
class Fetched:
    """A result on disk: digest, size in bytes, length in seconds."""

    sha256: str
    bytes: int
    seconds: float


def fetch(url: str, out: Path, base: str, *, largest: int = _LARGEST) -> Fetched:
    """Download a result.

    Args:
        url: as the provider gave it.
        out: where it is written; a failure leaves a partial file.
        base: the provider's own address; results at local addresses are allowed only if this is local.
        largest: maximum size in bytes.

    Raises:
        ExpiredError: the address has expired.
        ProviderBusyError: it was not delivered, is incomplete, or is not a video: worth another try.
        PermanentError: the address is not allowed, or the file is too large.
    """
    import httpx

    local = is_local(urlsplit(base).hostname or "")
    digest, size, ends = hashlib.sha256(), 0, time.monotonic() + _AT_MOST_S
    try:
        with contextlib.ExitStack() as connection:
            answer = _opened(connection, url, local)
            file = connection.enter_context(out.open("wb"))
            for chunk in answer.iter_bytes():
                size += len(chunk)
                if size > largest:
                    raise PermanentError(f"The result is larger than {largest} bytes and was rejected.")
                if time.monotonic() > ends:
                    raise ProviderBusyError(f"The result was not delivered within {_AT_MOST_S:.0f} s.")
                digest.update(chunk)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        raise ProviderBusyError(f"The result could not be downloaded completely ({type(error).__name__}).") from None
    return Fetched(digest.hexdigest(), size, video_seconds(out))


def _opened(connection: contextlib.ExitStack, url: str, local: bool) -> Any:
    """The open response after all redirects, each of which is checked like the first address."""
    for _ in range(_REDIRECTS):
        check_address(url, local=local)
        answer = connection.enter_context(answering("GET", url, wait_s=_WAIT_S))
        if answer.status_code < 300:
            return answer
        connection.close()
        if answer.status_code in _GONE:
            raise ExpiredError(f"The address of the result has expired (status {answer.status_code}).")
        if not answer.has_redirect_location:
            raise ProviderBusyError(f"The result could not be downloaded (status {answer.status_code}).")
        url = urljoin(url, answer.headers["Location"])
    raise PermanentError("The address of the result has too many redirects.")


def check_address(url: str, *, local: bool) -> None:
    """Reject addresses that a provider should never return: other schemes, or machines of this network.

    Args:
        url: the address.
        local: whether the provider itself is local, so that local addresses and plain HTTP are expected.

    Raises:
        PermanentError: rejected; gives the reason without the whole address (it may contain a token).
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in (("http", "https") if local else ("https",)) or not host:
        raise PermanentError(
            f"The provider returned a result address with {parts.scheme or 'no'}://, which is not downloaded."
        )
    if not local and is_local(host):
        raise PermanentError(
            f"The provider returned a result address at {host}, inside this network; it is not downloaded."
        )


def is_local(host: str) -> bool:
    """Whether a host resolves to an address that is not public; False if it does not resolve."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)


def video_seconds(path: Path) -> float:
    """Duration of a file's video in seconds.

    Raises:
        ProviderBusyError: the file has no moving picture.
    """
    seconds = picture_seconds(path)
    if seconds <= 0:
        raise ProviderBusyError("The provider's result is not a video.")
    return seconds
