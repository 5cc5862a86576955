"""Progress by expected time of a language, or of a title's shared steps: for the terminal, the store and the UI."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from flows.kept.ahead import last_steps, steps_ahead
from flows.kept.forecast import Forecast
from tasks.records.progress import StepEvent
from tasks.records.title import Branch, Run


class Lane:
    """Steps that run one after another: what lies before the furthest that began is over, or was not needed.

    Attributes:
        steps: that are expected, in order.
        done: name to ``computed`` or ``reused`` of those of them that have ended.
        current: the step under way; empty between two.
        fraction: of it that is done, 0 to 1.
        failed: what the last step failed of, until it is tried again.
    """

    def __init__(self, expected_s: Mapping[str, float]) -> None:
        """Nothing has begun.

        Args:
            expected_s: seconds that each step is expected to take, in the order of the steps.
        """
        self.steps = tuple(expected_s)
        self.done: dict[str, str] = {}
        self.current = ""
        self.fraction = 0.0
        self.failed = ""
        self._expected_s = tuple(expected_s.values())
        self._over = 0  # so many steps
        self._began = 0.0

    def take(self, event: StepEvent) -> None:
        """Note what happened in a step of this lane."""
        if event.state == "started":
            self.current, self.fraction, self._began, self.failed = event.step, 0.0, time.monotonic(), ""
        elif event.state == "progress":
            self.fraction = event.fraction
        else:
            self.current, self.fraction = "", 0.0
            self.failed = event.message if event.state == "failed" else ""
        if event.step not in self.steps:
            return
        ended = event.state in ("computed", "reused")
        self._over = max(self._over, self.steps.index(event.step) + ended)
        if ended:
            self.done[event.step] = event.state

    def find(self, steps: Iterable[str]) -> None:
        """Note steps that the store has already."""
        for step in steps:
            if step in self.steps:
                self.done[step] = "reused"
                self._over = max(self._over, self.steps.index(step) + 1)

    @property
    def began(self) -> bool:
        """Whether a step of it has begun."""
        return bool(self.current or self.done)

    @property
    def over(self) -> bool:
        """Whether nothing is left of it, or it failed."""
        return bool(self.failed) or self._over == len(self.steps)

    @property
    def share(self) -> float:
        """Of the expected time, 0 to 1, that is over."""
        over = sum(self._expected_s[: self._over])
        if self._is_on():
            over += self.fraction * self._expected_s[self._over]
        return over / sum(self._expected_s)

    @property
    def left_s(self) -> float:
        """Seconds that are expected still; none after a failure."""
        if self.failed:
            return 0.0
        left = self._expected_s[self._over :]
        if not self._is_on():
            return sum(left)
        spent = time.monotonic() - self._began
        now = spent / self.fraction - spent if self.fraction > 0.05 else max(left[0] - spent, 0.0)
        return now + sum(left[1:])

    def _is_on(self) -> bool:
        """Whether the step under way is the furthest."""
        return self.steps[self._over : self._over + 1] == (self.current,)


def lane_of(run: Run, forecast: Forecast) -> Lane:
    """The lane of a branch; of a title, that of what its languages share, its end included."""
    steps = steps_ahead(run, forecast.facts)
    if not isinstance(run, Branch):
        steps = (*steps, *last_steps(run, forecast.facts))
    return Lane({step.name: forecast.seconds(step.name) for step in steps})
