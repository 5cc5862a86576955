"""Retries of requests to busy services."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tasks.records.errors import ProviderBusyError, TransientError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Retries:
    """Number of tries, and pauses between them in seconds.

    Attributes:
        tries: maximum failures; being asked to wait (``data["waits"]`` of the error) does not count.
        first_s: pause after the first failure.
        growth: factor between one pause and the next.
        longest_s: maximum of these pauses.
        longest_asked_s: maximum pause that a service may ask for (``data["pause_s"]``); beyond it the call fails.
        within_s: maximum time of all tries and pauses.
        on: errors that are retried.
        unless: exceptions from these.
    """

    tries: int
    first_s: float
    longest_s: float
    growth: float = 2.0
    longest_asked_s: float = math.inf
    within_s: float = math.inf
    on: type[TransientError] = ProviderBusyError
    unless: type[TransientError] | None = None

    def call(self, ask: Callable[..., _T], *asked: Any) -> _T:
        """The result of the first successful try; raises the last error if all fail."""
        failures, pause_s, ends = 0, self.first_s, time.monotonic() + self.within_s
        while True:
            try:
                return ask(*asked)
            except self.on as error:
                failures += not error.data.get("waits")
                wait_s = error.data.get("pause_s", min(pause_s, self.longest_s))
                if self._is_over(error, failures) or time.monotonic() + wait_s > ends:
                    raise
            pause_s *= self.growth
            time.sleep(wait_s)

    def _is_over(self, error: TransientError, failures: int) -> bool:
        asks_too_much = error.data.get("pause_s", 0.0) > self.longest_asked_s
        return failures >= self.tries or asks_too_much or (self.unless is not None and isinstance(error, self.unless))
