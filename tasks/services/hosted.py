"""The HTTP client of hosted services: JSON or audio, rate limits, retries, and no secret in a message.

A request is retried when the service is busy, fails or does not answer: after its ``Retry-After``, else after a pause
that doubles each time. A request that the service rejects is not retried.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError
from tasks.services.http import Answer, LateError, NoAnswerError, TooLongError, exchange, quoted
from tasks.services.retries import Retries

_FIRST_PAUSE_S = 1.0
_BUSY = {408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SAID = 160  # characters of a service's own message that are shown
_MOST_BYTES = 64 << 20  # of a JSON response
#: Error codes of a used-up quota; a retry is of no use.
_SPENT = ("quota_exceeded", "insufficient_quota")


class ServiceOptions(registry.Options):
    """Options of every hosted service.

    Attributes:
        deadline_s: seconds to wait for one response.
        tries: maximum number of requests for one response.
        longest_pause_s: longest ``Retry-After`` that is waited for; beyond it the request fails.
        per_minute: maximum requests a minute in this process; 0 for no limit.
    """

    deadline_s: float = Field(30.0, gt=0)
    tries: int = Field(4, ge=1, le=10)
    longest_pause_s: float = Field(20.0, ge=0)
    per_minute: int = Field(0, ge=0)


class Service:
    """One base URL that accepts and returns JSON or audio."""

    def __init__(
        self,
        name: str,
        url: str,
        options: ServiceOptions,
        *,
        key: str = "",
        variable: str = "",
        scheme: str = "",
        header: str = "",
    ) -> None:
        """Open no connection yet.

        Args:
            name: the service's name in messages.
            url: base URL.
            options: deadline, retries and rate limit.
            key: the API key; empty if the service needs none.
            variable: the environment variable of the key, for messages.
            scheme: authorization scheme before the key in ``Authorization``; empty if the key goes elsewhere.
            header: name of the header that carries the bare key instead of ``Authorization``.
        """
        self._name, self._url, self._options = name, url.rstrip("/"), options
        self._key, self._variable = key, variable
        longest_s = options.longest_pause_s
        self._retries = Retries(options.tries, _FIRST_PAUSE_S, longest_s, longest_asked_s=longest_s)
        self._headers = {"Authorization": f"{scheme} {key}"} if key and scheme else {}
        if key and header:
            self._headers[header] = key

    def get(self, path: str) -> Any:
        """The JSON response to a ``GET``; errors as `post`."""
        return self._retries.call(self._json, "GET", path, {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON response to a ``POST``.

        Raises:
            ProviderBusyError: busy, failing or not answering after the last try, or asks to wait too long.
            MissingBackendError: the key is rejected.
            PermanentError: the request is rejected.
        """
        return self._retries.call(self._json, "POST", path, {"json": body})

    def sound(self, path: str, body: Mapping[str, Any], most_bytes: int) -> bytes:
        """The bytes of the response to a ``POST``; errors as `post`.

        Args:
            path: relative to the base URL.
            body: sent as JSON.
            most_bytes: size limit; a larger response is not read further, counts as a failure and is retried.
        """
        return bytes(self._retries.call(self._request, "POST", path, {"json": body}, most_bytes))

    def hear(self, path: str, fields: Mapping[str, str | Sequence[str]], sound: bytes) -> Any:
        """The JSON response to a form ``POST`` with one WAV as ``file``; retries and errors as `post`.

        Args:
            path: relative to the base URL.
            fields: form fields; a list of values repeats the field.
            sound: a whole WAV file.
        """
        form = {"data": dict(fields), "files": {"file": ("speech.wav", sound, "audio/wav")}}
        return self._retries.call(self._json, "POST", path, form)

    def upload(self, path: str, fields: Mapping[str, str], role: str, files: Sequence[Path]) -> Any:
        """The JSON response to a form ``POST`` with sound files; errors as `post`.

        Never retried: the service may have created the resource although no response came. Callers check first.

        Args:
            path: relative to the base URL.
            fields: form fields.
            role: form field of the files.
            files: WAV files.
        """
        sounds = [(role, (file.name, file.read_bytes(), "audio/wav")) for file in files]
        return self._json("POST", path, {"data": fields, "files": sounds})

    def _json(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        try:
            return json.loads(self._request(method, path, content))
        except (ValueError, RecursionError):
            raise ProviderBusyError(f"{self._name} returned a response that is not JSON.") from None

    def _request(self, method: str, path: str, content: Mapping[str, Any], most_bytes: int = _MOST_BYTES) -> bytes:
        _take_turn(self._url, self._options.per_minute)
        wait_s = self._options.deadline_s
        url = f"{self._url}{path}"
        limits: dict[str, Any] = {"wait_s": wait_s, "within_s": wait_s, "most_bytes": most_bytes}
        try:
            answer = exchange(method, url, **limits, headers=self._headers, **content)
        except LateError:
            raise ProviderBusyError(f"{self._name} did not answer within {wait_s:g} s.") from None
        except TooLongError:
            raise ProviderBusyError(f"{self._name} returned more than {most_bytes} bytes.") from None
        except NoAnswerError as error:
            raise ProviderBusyError(f"{self._name} is not reachable ({error}).") from None
        self._check(answer)
        return answer.content

    def _check(self, answer: Answer) -> None:
        status, text = answer.status, answer.text
        if status < 300:
            return
        if status < 400:
            raise PermanentError(
                f"{self._name} returned a redirect (status {status}), which is not followed.", "Correct the address."
            )
        if status in (401, 402, 403, 429) and any(word in text for word in _SPENT):
            raise PermanentError(
                f"{self._name}: the quota of this key is used up.", "Raise the quota, or wait until it renews."
            )
        if status in _BUSY or status >= 500:
            what = "too many requests" if status == 429 else f"status {status}"
            words = f" ({self._said(_error_message(text))})" if _error_message(text) else ""
            raise ProviderBusyError(f"{self._name} is busy or failed: {what}{words}.", status=status, **answer.pause)
        if status in (401, 403):
            fix = f"Check {self._variable}." if self._variable else "Does the service need a key?"
            raise MissingBackendError(f"{self._name} rejected the request as not authorized.", fix)
        if status == 456:
            raise PermanentError(
                f"{self._name}: the character quota is used up.", "Add a fallback, or raise the quota."
            )
        raise PermanentError(
            f"{self._name} rejected the request (status {status}): {self._said(_error_message(text) or text)}"
        )

    def _said(self, text: str) -> str:
        """The service's own message without the key, which some echo."""
        return quoted(text, self._key, _SAID)


def _error_message(text: str) -> str:
    """The message of an error response in OpenAI's, FastAPI's or ElevenLabs' form; empty for any other."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for key in ("detail", "error"):
        if isinstance(body, dict) and isinstance(body.get(key), dict | str):
            body = body[key]
    words = [body] if isinstance(body, str) else [body.get("status"), body.get("message")] if _has_message(body) else []
    return ": ".join(word for word in words if isinstance(word, str))


def _has_message(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("message"), str)


_turns: dict[str, float] = {}
_turning = threading.Lock()


def _take_turn(url: str, per_minute: int) -> None:
    """Wait until the rate limit allows the next request."""
    if not per_minute:
        return
    with _turning:
        at = max(time.monotonic(), _turns.get(url, 0.0))
        _turns[url] = at + 60.0 / per_minute
    time.sleep(max(0.0, at - time.monotonic()))
