"""Single requests to a provider's own address, and what the response means for a paid job.

Nothing is retried here: whether a request may be repeated is decided by the life cycle of a job (`jobs`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError
from tasks.services.http import Answer, ImpossibleError, NoAnswerError, UnreachableError, exchange, quoted

_WAIT_S = 60.0
_SAID = 300  # characters of a provider's own message that are shown
_BUSY = {409, 425, 429}  # certainly not executed


class UnclearError(ProviderBusyError):
    """A job was requested without a usable response: it may or may not exist."""


class Wire:
    """A provider's address, and the key that is sent only there."""

    def __init__(
        self, title: str, url: str, headers: Mapping[str, str], *, secret: str, variable: str, wait_s: float = _WAIT_S
    ) -> None:
        """Open no connection yet.

        Args:
            title: the provider, for messages.
            url: base URL of all requests.
            headers: headers that carry the key.
            secret: the key, which must not appear in a message.
            variable: the environment variable of the key, for messages.
            wait_s: seconds to wait for one response.
        """
        self.title, self.url = title, url.rstrip("/")
        self._headers, self._secret, self._variable, self._wait_s = dict(headers), secret, variable, wait_s

    def ask(
        self, method: str, path: str, *, creates: bool = False, headers: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The JSON object in the response to one request.

        Args:
            method: ``GET``, ``POST``, ``PUT``.
            path: below the base address.
            creates: it makes a job that costs money, so that silence after it is not the same as a refusal.
            headers: besides those that carry the key.
            more: as `httpx.stream` takes it (``json``, ``files``, ``params`` ...).

        Raises:
            UnclearError: it ``creates``, was sent, and its outcome is unknown.
            ProviderBusyError: nothing was executed; ``data["waits"]`` if the provider is busy, ``data["pause_s"]`` with
            the seconds to wait.
            MissingBackendError: the key is rejected.
            PermanentError: the request is rejected; gives the provider's message.
        """
        silent = UnclearError if creates else ProviderBusyError
        sent = {**self._headers, **(headers or {})}
        try:
            answer = exchange(method, f"{self.url}{path}", wait_s=self._wait_s, headers=sent, **more)
        except UnreachableError as error:
            raise ProviderBusyError(f"{self.title} is not reachable ({error}).") from None
        except ImpossibleError as error:
            raise PermanentError(f"{self.title}: invalid address {self.url} ({error}).") from None
        except NoAnswerError as error:
            raise silent(f"{self.title} did not answer ({error}).") from None
        return self._read(answer, silent)

    def part(self, body: Any, *names: str, creates: bool = False) -> str:
        """A required text or number of a response; errors as `ask`."""
        found = body
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, dict | list | bool) or not found:
            silent = UnclearError if creates else ProviderBusyError
            raise silent(f"{self.title} returned a response without {'.'.join(names)}.")
        return str(found)

    def _read(self, answer: Answer, silent: type[ProviderBusyError]) -> dict[str, Any]:
        self._check(answer, silent)
        try:
            body = json.loads(answer.content or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise silent(f"{self.title} returned a response that is not a JSON object.")
        return body

    def _check(self, answer: Answer, silent: type[ProviderBusyError]) -> None:
        status = answer.status
        if status < 300:
            return
        words = self.said(answer.text)
        if status >= 500 or status == 408:
            raise silent(f"{self.title} failed (status {status}): {words}", status=status, **answer.pause)
        if status in _BUSY:
            raise ProviderBusyError(f"{self.title} is busy (status {status}): {words}", waits=True, **answer.pause)
        if status in (401, 403):
            raise MissingBackendError(
                f"{self.title} rejected the key (status {status}): {words}", f"Check {self._variable}."
            )
        fix = "Add credit to the account." if status == 402 else ""
        raise PermanentError(f"{self.title} rejected the request (status {status}): {words}", fix, status=status)

    def said(self, text: Any) -> str:
        """A provider's message on one short line, without the key, which some echo."""
        if isinstance(text, dict | list):
            text = json.dumps(text, ensure_ascii=False)
        return quoted(str(text), self._secret, _SAID) or "no further message"
