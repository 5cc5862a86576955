"""How a service that is busy is asked again."""

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
    """How often, and after which pauses, in seconds.

    Attributes:
        tries: failures at most; to be asked to wait (``data["waits"]`` of the error) is none.
        first_s: the pause after the first failure.
        growth: how many times as long each next pause is.
        longest_s: of these pauses.
        longest_asked_s: a service that asks for a longer one (``data["pause_s"]``) is given up.
        within_s: of all tries and pauses.
        on: what is worth another try.
        unless: what is not, although it is one of those.
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
        """What is answered at last; the last error where nothing is."""
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
