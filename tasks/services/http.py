"""One HTTP request with limits on time and response size, and typed errors for missing responses.

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
    """The request was sent, as far as is known, without a usable response; the message has the library's error."""


class LateError(NoAnswerError):
    """The response was not complete in time."""


class TooLongError(NoAnswerError):
    """The response is larger than the limit."""


class UnreachableError(NoAnswerError):
    """No connection: nothing was sent."""


class UnreachableInTimeError(UnreachableError, LateError):
    """No connection in time."""


class ImpossibleError(NoAnswerError):
    """The request is invalid, or the response is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """A response: status, headers, content, and the content's encoding."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str

    @property
    def text(self) -> str:
        """The content as text, with invalid bytes replaced."""
        return self.content.decode(self.encoding, "replace")

    @property
    def pause(self) -> dict[str, Any]:
        """``pause_s``, if the response asks to wait that many seconds."""
        pause_s = retry_after_s(self.headers.get("Retry-After", ""))
        return {} if pause_s is None else {"pause_s": pause_s}


@functools.cache
def trusted() -> ssl.SSLContext:
    """The trusted certificates; loaded once, because loading takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()


def answering(method: str, url: str, *, wait_s: float, **content: Any) -> contextlib.AbstractContextManager[Any]:
    """The response to a request as a stream, like `httpx.stream`; errors are that library's.

    Args:
        method: ``GET``, ``POST``, ``PUT``.
        url: complete URL.
        wait_s: maximum seconds without a byte.
        content: arguments of `httpx.stream` (``headers``, ``json``, ``files``, ``params`` ...).
    """
    import httpx

    return httpx.stream(method, url, timeout=wait_s, verify=trusted(), **content)


@contextlib.contextmanager
def answering_as(name: str, method: str, url: str, *, wait_s: float, headers: Mapping[str, str]) -> Iterator[Any]:
    """As `answering`, of a machine that is addressed by its number.

    Args:
        name: of the host, which the machine must prove by its certificate.
        method: as for `answering`.
        url: with the machine's number.
        wait_s: as for `answering`.
        headers: ``Host`` among them.
    """
    import httpx

    with (
        httpx.Client(timeout=wait_s, verify=trusted()) as client,
        client.stream(method, url, headers=dict(headers), extensions={"sni_hostname": name}) as answer,
    ):
        yield answer


def exchange(
    method: str,
    url: str,
    *,
    wait_s: float,
    within_s: float = math.inf,
    most_bytes: int = _MOST_BYTES,
    **content: Any,
) -> Answer:
    """The complete response to a request, with any status.

    Args:
        method: as for `answering`.
        url: as for `answering`.
        wait_s: as for `answering`.
        within_s: maximum seconds for all of it; ``wait_s`` restarts with each byte.
        most_bytes: maximum size of the response.
        content: as for `answering`.

    Raises:
        NoAnswerError: or one of its subclasses, if the cause is known.
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
    """Seconds to wait by a ``Retry-After`` header, a number or a date; None if it is neither."""
    text = value.strip()
    try:
        if text.isascii() and text.isdigit():
            return float(text)
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def quoted(text: str, secret: str, most: int) -> str:
    """A service's message on one line that is safe to print, without the key, which some echo.

    Args:
        text: the message.
        secret: the key; empty if there is none.
        most: maximum number of characters.
    """
    plain = " ".join(text.split())
    return visible(plain.replace(secret, "***") if secret else plain)[:most]
