"""Progress by expected time of a language, or of a title's shared steps: for the terminal, the store and the UI."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from flows.kept.ahead import last_steps, steps_ahead
from flows.kept.forecast import Forecast
from tasks.records.progress import StepEvent
from tasks.records.title import Branch, Run


@dataclass
class _Running:
    """A step under way."""

    fraction: float = 0.0
    began: float = field(default_factory=time.monotonic)


class Lane:
    """Steps of which each waits for some of the others: what one that began waits for is over, or was not needed.

    Attributes:
        steps: that are expected, in order.
        done: name to ``computed`` or ``reused`` of those of them that have ended.
        failed: what the last step failed of, until it is tried again.
    """

    def __init__(self, expected_s: Mapping[str, float], needs: Mapping[str, Collection[str]] | None = None) -> None:
        """Nothing has begun.

        Args:
            expected_s: seconds that each step is expected to take, in the order of the steps.
            needs: the steps before it that each waits for; None: each for the one before it.
        """
        self.steps = tuple(expected_s)
        self.done: dict[str, str] = {}
        self.failed = ""
        self._expected_s = dict(expected_s)
        chain = {step: self.steps[max(place - 1, 0) : place] for place, step in enumerate(self.steps)}
        self._needs = {step: tuple((chain if needs is None else needs).get(step, ())) for step in self.steps}
        self._running: dict[str, _Running] = {}
        self._over: set[str] = set()

    def take(self, event: StepEvent) -> None:
        """Note what happened in a step of this lane."""
        if event.state == "started":
            self._running[event.step], self.failed = _Running(), ""
        elif event.state == "progress":
            self._running.setdefault(event.step, _Running()).fraction = event.fraction
        else:
            self._running.pop(event.step, None)
            self.failed = event.message if event.state == "failed" else ""
        if event.step not in self.steps:
            return
        self._over |= self._before(event.step)
        if event.state in ("computed", "reused"):
            self._over.add(event.step)
            self.done[event.step] = event.state

    def find(self, steps: Iterable[str]) -> None:
        """Note steps that the store has already."""
        for step in steps:
            if step in self.steps:
                self.done[step] = "reused"
                self._over |= {step, *self._before(step)}

    @property
    def current(self) -> str:
        """The steps under way; empty between two."""
        return ", ".join(self._running)

    @property
    def fraction(self) -> float:
        """Of the step under way that is done, 0 to 1; of several, of that which has the most to do."""
        most = max(self._running, key=lambda step: self._expected_s.get(step, 0.0), default=None)
        return self._running[most].fraction if most else 0.0

    @property
    def began(self) -> bool:
        """Whether a step of it has begun."""
        return bool(self._running or self.done)

    @property
    def over(self) -> bool:
        """Whether nothing is left of it, or it failed."""
        return bool(self.failed) or self._over.issuperset(self.steps)

    @property
    def share(self) -> float:
        """Of the expected time, 0 to 1, that is over."""
        over = sum(self._expected_s[step] for step in self.steps if step in self._over)
        over += sum(one.fraction * self._expected_s[step] for step, one in self._ahead().items())
        return over / sum(self._expected_s.values())

    @property
    def work_s(self) -> float:
        """Seconds that its steps are expected to take still, one after another; none after a failure."""
        return 0.0 if self.failed else sum(self._left_s(step) for step in self.steps)

    @property
    def left_s(self) -> float:
        """The same of the steps that have to wait for each other."""
        if self.failed:
            return 0.0
        ends: dict[str, float] = {}
        for step in self.steps:
            ends[step] = max((ends.get(one, 0.0) for one in self._needs[step]), default=0.0) + self._left_s(step)
        return max(ends.values(), default=0.0)

    def _left_s(self, step: str) -> float:
        if step in self._over:
            return 0.0
        expected, running = self._expected_s[step], self._running.get(step)
        if running is None:
            return expected
        spent = time.monotonic() - running.began
        return spent / running.fraction - spent if running.fraction > 0.05 else max(expected - spent, 0.0)

    def _ahead(self) -> dict[str, _Running]:
        """The steps under way that were not over before."""
        return {step: one for step, one in self._running.items() if step in self.steps and step not in self._over}

    def _before(self, step: str) -> set[str]:
        """All that a step waits for."""
        found: set[str] = set()
        for one in self._needs[step]:
            found |= {one, *self._before(one)}
        return found


def lane_of(run: Run, forecast: Forecast) -> Lane:
    """The lane of a branch; of a title, that of what its languages share, its end included."""
    shared = steps_ahead(run, forecast.facts)
    last = () if isinstance(run, Branch) else last_steps(run, forecast.facts)
    steps = (*shared, *last)
    here = {step.name for step in steps}
    needs = {step.name: [name for name in step.needs if name in here] for step in steps}
    for step in last:  # they wait for all languages
        needs[step.name] += [one.name for one in shared]
    return Lane({step.name: forecast.seconds(step.name) for step in steps}, needs)
