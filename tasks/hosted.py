"""How a hosted service is asked: JSON, at its pace, again where that helps, and no secret told.

A request is tried again after a pause (its ``Retry-After``, else twice as long each time) when the service is busy,
broken or silent; what it refuses for good is not.
"""

from __future__ import annotations

import email.utils
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks import registry
from tasks.errors import MissingBackendError, PermanentError, ProviderBusyError

_FIRST_PAUSE_S = 1.0
_BUSY = {408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SAID = 160  # characters of a service's own words that are shown


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
    """One address that takes JSON and answers with JSON."""

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
        return self._patiently("GET", path, {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a ``POST``.

        Raises:
            ProviderBusyError: busy, broken or silent after the last try, or asks for too long a pause.
            MissingBackendError: the key is refused.
            PermanentError: the request is refused.
        """
        return self._patiently("POST", path, {"json": body})

    def upload(self, path: str, fields: Mapping[str, str], role: str, files: Sequence[Path]) -> Any:
        """The answer to a ``POST`` of a form with sound files; errors as `post`.

        Asked once: what it makes may be there although no answer came, so that a caller looks before it asks again.
        """
        sounds = [(role, (file.name, file.read_bytes(), "audio/wav")) for file in files]
        return self._once("POST", path, {"data": fields, "files": sounds})

    def _patiently(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._worth_it),
            stop=tenacity.stop_after_attempt(self._options.tries),
            wait=self._pause_s,
            reraise=True,
        )
        return retrying(self._once, method, path, content)

    def _worth_it(self, error: BaseException) -> bool:
        return isinstance(error, ProviderBusyError) and error.data.get("pause_s", 0) <= self._options.longest_pause_s

    def _pause_s(self, state: Any) -> float:
        asked = state.outcome.exception().data.get("pause_s")
        doubling = _FIRST_PAUSE_S * 2 ** (state.attempt_number - 1)
        return float(min(doubling, self._options.longest_pause_s) if asked is None else asked)

    def _once(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        import httpx

        _take_turn(self._url, self._options.per_minute)
        wait_s = self._options.deadline_s
        ends = time.monotonic() + wait_s
        asked = httpx.stream(method, f"{self._url}{path}", headers=self._headers, timeout=wait_s, **content)
        try:
            with asked as answer:
                said = b"".join(_until(ends, answer.iter_bytes()))
        except (httpx.TimeoutException, TimeoutError):  # `from None`: the key hangs on the package's errors
            raise ProviderBusyError(f"{self._name} did not answer within {wait_s:g} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderBusyError(f"{self._name} cannot be reached ({type(error).__name__}).") from None
        self._check(answer, said.decode("utf-8", "replace"))
        try:
            return json.loads(said)
        except ValueError:
            raise ProviderBusyError(f"{self._name} answered with something that is not JSON.") from None

    def _check(self, answer: Any, text: str) -> None:
        status = answer.status_code
        if status < 400:
            return
        if status in _BUSY or status >= 500:
            pause_s = retry_after_s(answer.headers.get("Retry-After", ""))
            data: dict[str, Any] = {} if pause_s is None else {"pause_s": pause_s}
            what = "too many requests" if status == 429 else f"status {status}"
            raise ProviderBusyError(f"{self._name} asks to wait or failed: {what}.", status=status, **data)
        if status in (401, 402, 403) and "quota_exceeded" in text:
            raise PermanentError(f"{self._name}: the quota of this key is used up.", "Raise the quota, or wait for it.")
        if status in (401, 403):
            fix = f"Check {self._variable}." if self._variable else "Does the service need a key?"
            raise MissingBackendError(f"{self._name} refuses the request as not authorized.", fix)
        if status == 456:
            raise PermanentError(
                f"{self._name}: the character quota is used up.", "Add a fallback, or raise the quota."
            )
        raise PermanentError(f"{self._name} refuses the request (status {status}): {self._said(text)}")

    def _said(self, text: str) -> str:
        """The service's own words without the key, which some repeat."""
        plain = " ".join(text.split())
        return (plain.replace(self._key, "***") if self._key else plain)[:_SAID]


def _until(ends: float, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, as long as they come in time: the package's own time-out begins anew with each."""
    for chunk in chunks:
        if time.monotonic() > ends:
            raise TimeoutError
        yield chunk


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
