"""One request over HTTP: how long it may take, how much of an answer is read, and what it means when none comes.

Redirects are not followed unless that is asked for, and nothing is tried again: see `tasks.services.retries`. No error
here has the request hanging on it, because that holds a key.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import math
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.words.visible import visible

_MOST_BYTES = 64 << 20


class NoAnswerError(Exception):
    """The request was sent as far as is known, and no usable answer came; the message names what the library says."""


class LateError(NoAnswerError):
    """It did not come in time."""


class TooLongError(NoAnswerError):
    """More came than was allowed."""


class UnreachableError(NoAnswerError):
    """Nothing was sent: there was no connection."""


class UnreachableInTimeError(UnreachableError, LateError):
    """There was no connection in time."""


class ImpossibleError(NoAnswerError):
    """The request cannot be made as it is, or what came is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """What came: its status, headers, content, and how that is read."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str

    @property
    def text(self) -> str:
        """The content as text, whatever of it is none."""
        return self.content.decode(self.encoding, "replace")

    @property
    def pause(self) -> dict[str, Any]:
        """``pause_s``, where the answer asks to wait for so many seconds."""
        pause_s = retry_after_s(self.headers.get("Retry-After", ""))
        return {} if pause_s is None else {"pause_s": pause_s}


@functools.cache
def trusted() -> ssl.SSLContext:
    """The certificates that connections are checked by; read once, which takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()


def answering(method: str, url: str, *, wait_s: float, **content: Any) -> contextlib.AbstractContextManager[Any]:
    """The answer to a request while it comes, as `httpx.stream` has it; errors are that library's.

    Args:
        method: ``GET``, ``POST``, ``PUT``.
        url: whole.
        wait_s: seconds without a byte after which it is late.
        content: as `httpx.stream` takes it (``headers``, ``json``, ``files``, ``params`` ...).
    """
    import httpx

    return httpx.stream(method, url, timeout=wait_s, verify=trusted(), **content)


def exchange(
    method: str,
    url: str,
    *,
    wait_s: float,
    within_s: float = math.inf,
    most_bytes: int = _MOST_BYTES,
    **content: Any,
) -> Answer:
    """The whole answer to a request, whatever its status.

    Args:
        method: as for `answering`.
        url: as for `answering`.
        wait_s: as for `answering`.
        within_s: seconds for all of it: the other time begins anew with each byte.
        most_bytes: of the answer.
        content: as for `answering`.

    Raises:
        NoAnswerError: one of its kinds, where that is known.
    """
    import httpx

    ends = time.monotonic() + within_s
    try:
        with answering(method, url, wait_s=wait_s, **content) as answer:
            said = b"".join(_until(ends, answer.iter_bytes(), most_bytes))
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        failure: NoAnswerError = UnreachableInTimeError(type(error).__name__)
    except (httpx.ConnectError, httpx.ProxyError) as error:
        failure = UnreachableError(type(error).__name__)
    except (httpx.TimeoutException, TimeoutError) as error:
        failure = LateError(type(error).__name__)
    except (httpx.TransportError, OSError) as error:
        failure = NoAnswerError(type(error).__name__)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        failure = ImpossibleError(type(error).__name__)
    else:
        return Answer(answer.status_code, answer.headers, said, answer.encoding or "utf-8")
    raise failure


def _until(ends: float, chunks: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    left = most_bytes
    for chunk in chunks:
        left -= len(chunk)
        if time.monotonic() > ends:
            raise TimeoutError
        if left < 0:
            raise TooLongError(f"more than {most_bytes} bytes")
        yield chunk


def retry_after_s(value: str) -> float | None:
    """Seconds from now that a ``Retry-After`` header names, in either of its forms; None where it names none."""
    text = value.strip()
    try:
        if text.isascii() and text.isdigit():
            return float(text)
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def quoted(text: str, secret: str, most: int) -> str:
    """What a service says, on one line that is safe to show, without the key, which some repeat.

    Args:
        text: its words.
        secret: the key; empty where there is none.
        most: characters.
    """
    plain = " ".join(text.split())
    return visible(plain.replace(secret, "***") if secret else plain)[:most]
