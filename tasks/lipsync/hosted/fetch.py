"""Taking a result from wherever a provider keeps it: without our key, from public addresses, whole, and a video."""

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
    """The address of a result is no longer valid; the provider may give a fresh one."""


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
        out: where it goes; half a file is left there on failure.
        base: the provider's own address; only where that is a local one may the result lie at a local one too.
        largest: bytes above which it is refused.

    Raises:
        ExpiredError: the address is no longer valid.
        ProviderBusyError: it did not come, not whole, or is no video: worth another try.
        PermanentError: the address must not be asked, or the file is too large.
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
                    raise PermanentError(f"The result is larger than {largest} bytes and was not taken.")
                if time.monotonic() > ends:
                    raise ProviderBusyError(f"The result did not come within {_AT_MOST_S:.0f} s.")
                digest.update(chunk)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        raise ProviderBusyError(f"The result could not be fetched whole ({type(error).__name__}).") from None
    return Fetched(digest.hexdigest(), size, video_seconds(out))


def _opened(connection: contextlib.ExitStack, url: str, local: bool) -> Any:
    """The open answer at the end of the redirects, each of which is checked like the first address."""
    for _ in range(_REDIRECTS):
        check_address(url, local=local)
        answer = connection.enter_context(answering("GET", url, wait_s=_WAIT_S))
        if answer.status_code < 300:
            return answer
        connection.close()
        if answer.status_code in _GONE:
            raise ExpiredError(f"The address of the result is no longer valid (status {answer.status_code}).")
        if not answer.has_redirect_location:
            raise ProviderBusyError(f"The result could not be fetched (status {answer.status_code}).")
        url = urljoin(url, answer.headers["Location"])
    raise PermanentError("The address of the result leads on and on.")


def check_address(url: str, *, local: bool) -> None:
    """Refuse what a provider should never name: another scheme, or a machine of this network.

    Args:
        url: to be asked.
        local: the provider itself is a local one, so that local addresses and plain HTTP are as expected.

    Raises:
        PermanentError: refused; says why, not the whole address (it may hold a token).
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in (("http", "https") if local else ("https",)) or not host:
        raise PermanentError(f"The provider names a result at {parts.scheme or 'no'}://, which is not fetched.")
    if not local and is_local(host):
        raise PermanentError(f"The provider names a result at {host}, inside this network; it is not fetched.")


def is_local(host: str) -> bool:
    """Whether a name leads to an address that the internet does not have; False where the name is not known here."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)


def video_seconds(path: Path) -> float:
    """Length of a file's picture in seconds.

    Raises:
        ProviderBusyError: the file holds no picture that moves.
    """
    seconds = picture_seconds(path)
    if seconds <= 0:
        raise ProviderBusyError("What the provider delivered is not a video.")
    return seconds
