"""How a hosted service is asked: JSON or sound, at its pace, again where that helps, and no secret told.

A request is tried again after a pause (its ``Retry-After``, else twice as long each time) when the service is busy,
broken or silent; what it refuses for good is not.
"""

from __future__ import annotations

import email.utils
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError
from tasks.words.visible import visible

_FIRST_PAUSE_S = 1.0
_BUSY = {408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SAID = 160  # characters of a service's own words that are shown
_MOST_BYTES = 64 << 20  # of an answer in JSON
#: What services say when a key has nothing left to spend; to ask again is of no use.
_SPENT = ("quota_exceeded", "insufficient_quota")


class HostedOptions(registry.Options):
    """What every hosted service can be told.

    Attributes:
        deadline_s: seconds to wait for one answer.
        tries: requests at most for one answer.
        longest_pause_s: a service that asks to wait longer than this counts as failed.
        per_minute: requests a minute at most, in this process; 0 is no limit.
    """

    deadline_s: float = Field(30.0, gt=0)
    tries: int = Field(4, ge=1, le=10)
    longest_pause_s: float = Field(20.0, ge=0)
    per_minute: int = Field(0, ge=0)


class Service:
    """One address that takes JSON or sound, and answers with JSON or sound."""

    def __init__(
        self,
        name: str,
        url: str,
        options: HostedOptions,
        *,
        key: str = "",
        variable: str = "",
        scheme: str = "",
        header: str = "",
    ) -> None:
        """Opens nothing.

        Args:
            name: for messages.
            url: base address.
            options: pace and patience.
            key: the secret; empty where the service needs none.
            variable: where the key comes from, for messages.
            scheme: what stands before the key in ``Authorization``; empty where it goes elsewhere.
            header: that carries the bare key, in place of ``Authorization``.
        """
        self._name, self._url, self._options = name, url.rstrip("/"), options
        self._key, self._variable = key, variable
        self._headers = {"Authorization": f"{scheme} {key}"} if key and scheme else {}
        if key and header:
            self._headers[header] = key

    def get(self, path: str) -> Any:
        """The answer to a ``GET``; errors as `post`."""
        return self._patiently(self._json, "GET", path, {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a ``POST``.

        Raises:
            ProviderBusyError: busy, broken or silent after the last try, or asks for too long a pause.
            MissingBackendError: the key is refused.
            PermanentError: the request is refused.
        """
        return self._patiently(self._json, "POST", path, {"json": body})

    def sound(self, path: str, body: Mapping[str, Any], most_bytes: int) -> bytes:
        """The bytes that answer a ``POST``; errors as `post`.

        Args:
            path: below the address.
            body: sent as JSON.
            most_bytes: a longer answer counts as a failure and is asked for again; no more than that is read.
        """
        return bytes(self._patiently(self._once, "POST", path, {"json": body}, most_bytes))

    def hear(self, path: str, fields: Mapping[str, str | Sequence[str]], sound: bytes) -> Any:
        """The answer to a ``POST`` of a form with one WAV as ``file``; asked again as `post`, which errors it shares.

        Args:
            path: below the address.
            fields: of the form; several values make as many fields of that name.
            sound: a whole WAV file.
        """
        form = {"data": dict(fields), "files": {"file": ("speech.wav", sound, "audio/wav")}}
        return self._patiently(self._json, "POST", path, form)

    def upload(self, path: str, fields: Mapping[str, str], role: str, files: Sequence[Path]) -> Any:
        """The answer to a ``POST`` of a form with sound files; errors as `post`.

        Asked once: what it makes may be there although no answer came, so that a caller looks before it asks again.
        """
        sounds = [(role, (file.name, file.read_bytes(), "audio/wav")) for file in files]
        return self._json("POST", path, {"data": fields, "files": sounds})

    def _patiently(self, ask: Callable[..., Any], *asked: Any) -> Any:
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._worth_it),
            stop=tenacity.stop_after_attempt(self._options.tries),
            wait=self._pause_s,
            reraise=True,
        )
        return retrying(ask, *asked)

    def _worth_it(self, error: BaseException) -> bool:
        return isinstance(error, ProviderBusyError) and error.data.get("pause_s", 0) <= self._options.longest_pause_s

    def _pause_s(self, state: Any) -> float:
        asked = state.outcome.exception().data.get("pause_s")
        doubling = _FIRST_PAUSE_S * 2 ** (state.attempt_number - 1)
        return float(min(doubling, self._options.longest_pause_s) if asked is None else asked)

    def _json(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        try:
            return json.loads(self._once(method, path, content))
        except (ValueError, RecursionError):
            raise ProviderBusyError(f"{self._name} answered with something that is not JSON.") from None

    def _once(self, method: str, path: str, content: Mapping[str, Any], most_bytes: int = _MOST_BYTES) -> bytes:
        import httpx

        _take_turn(self._url, self._options.per_minute)
        wait_s = self._options.deadline_s
        ends = time.monotonic() + wait_s
        asked = httpx.stream(method, f"{self._url}{path}", headers=self._headers, timeout=wait_s, **content)
        try:
            with asked as answer:
                said = b"".join(_until(ends, answer.iter_bytes(), most_bytes))
        except (httpx.TimeoutException, TimeoutError):  # `from None`: the key hangs on the package's errors
            raise ProviderBusyError(f"{self._name} did not answer within {wait_s:g} s.") from None
        except _TooLongError:
            raise ProviderBusyError(f"{self._name} answered with more than {most_bytes} bytes.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderBusyError(f"{self._name} cannot be reached ({type(error).__name__}).") from None
        self._check(answer, said)
        return said

    def _check(self, answer: Any, said: bytes) -> None:
        status = answer.status_code
        if status < 300:
            return
        text = said.decode("utf-8", "replace")
        if status < 400:
            raise PermanentError(
                f"{self._name} answers with a redirect (status {status}), which is not followed.", "Mend the address."
            )
        if status in (401, 402, 403, 429) and any(word in text for word in _SPENT):
            raise PermanentError(f"{self._name}: the quota of this key is used up.", "Raise the quota, or wait for it.")
        if status in _BUSY or status >= 500:
            pause_s = retry_after_s(answer.headers.get("Retry-After", ""))
            data: dict[str, Any] = {} if pause_s is None else {"pause_s": pause_s}
            what = "too many requests" if status == 429 else f"status {status}"
            words = f" ({self._said(_told(text))})" if _told(text) else ""
            raise ProviderBusyError(f"{self._name} asks to wait or failed: {what}{words}.", status=status, **data)
        if status in (401, 403):
            fix = f"Check {self._variable}." if self._variable else "Does the service need a key?"
            raise MissingBackendError(f"{self._name} refuses the request as not authorized.", fix)
        if status == 456:
            raise PermanentError(
                f"{self._name}: the character quota is used up.", "Add a fallback, or raise the quota."
            )
        raise PermanentError(f"{self._name} refuses the request (status {status}): {self._said(_told(text) or text)}")

    def _said(self, text: str) -> str:
        """The service's own words without the key, which some repeat."""
        plain = " ".join(text.split())
        return visible(plain.replace(self._key, "***") if self._key else plain)[:_SAID]


class _TooLongError(Exception):
    """More came than was allowed."""


def _until(ends: float, chunks: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """The chunks, as long as they come in time: the package's own time-out begins anew with each."""
    left = most_bytes
    for chunk in chunks:
        left -= len(chunk)
        if time.monotonic() > ends:
            raise TimeoutError
        if left < 0:
            raise _TooLongError
        yield chunk


def _told(text: str) -> str:
    """What an error says, where it is written as OpenAI's, FastAPI's or ElevenLabs' are; empty where it is not."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for key in ("detail", "error"):
        if isinstance(told, dict) and isinstance(told.get(key), dict | str):
            told = told[key]
    words = [told] if isinstance(told, str) else [told.get("status"), told.get("message")] if _says(told) else []
    return ": ".join(word for word in words if isinstance(word, str))


def _says(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("message"), str)


_turns: dict[str, float] = {}
_turning = threading.Lock()


def _take_turn(url: str, per_minute: int) -> None:
    """Wait until the service may be asked again."""
    if not per_minute:
        return
    with _turning:
        at = max(time.monotonic(), _turns.get(url, 0.0))
        _turns[url] = at + 60.0 / per_minute
    time.sleep(max(0.0, at - time.monotonic()))


def retry_after_s(value: str) -> float | None:
    """Seconds from now that a ``Retry-After`` header names, in either of its forms; None where it names none."""
    text = value.strip()
    try:
        if text.isascii() and text.isdigit():
            return float(text)
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
