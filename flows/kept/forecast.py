"""Forecast of step durations, from earlier durations on this machine per second of title."""

from __future__ import annotations

from collections.abc import Mapping

from flows.ask.given import probed
from flows.kept.branches import shared_work
from tasks.keep.store import Store, store_at
from tasks.records.facts import MediaFacts
from tasks.records.title import Run
from tasks.step.table import STEPS

_WEIGHTS = {step.name: step.weight for step in STEPS}
_GPU = "gpu:"  # prefix of a step's name for its accelerator seconds


class Forecast:
    """Expected seconds of each step of a run.

    Attributes:
        facts: of the title, or of its preview.
        duration_s: of the same.
    """

    def __init__(self, run: Run) -> None:
        self._store = store_at(run.store)
        self._key = f"{run.profile.name}-{run.profile.lipsync.backend}"
        self.facts = _facts(run)
        self.duration_s = max(self.facts.duration_ms / 1000, 1.0)
        self._pace = paces_of(self._store, self._key)

    def seconds(self, step: str) -> float:
        """The expected duration of a step."""
        return self._pace.get(step, 0.0) * self.duration_s

    def gpu_seconds(self, step: str) -> float:
        """The expected accelerator seconds of a step; 0 until it has used one."""
        return self._pace.get(_GPU + step, 0.0) * self.duration_s

    def record(self, seconds: Mapping[str, float], gpu_seconds: Mapping[str, float]) -> None:
        """Record the durations of computed steps, averaged half and half with the old ones to smooth outliers."""
        took = {**seconds, **{_GPU + step: spent for step, spent in gpu_seconds.items()}}
        with self._store.claim(f"pace-{self._key}"):
            known = self._store.read_note("pace", self._key)
            pace = {**self._pace, **(known if isinstance(known, dict) else {})}
            for step, spent in took.items():
                now = spent / self.duration_s
                pace[step] = (pace.get(step, now) + now) / 2
            self._store.write_note("pace", self._key, pace)


def paces_of(store: Store, key: str) -> dict[str, float]:
    """Seconds that steps take for a second of title: as remembered, else by their weights.

    Args:
        store: that remembers them.
        key: names of the profile and of its lip sync, with a hyphen between.
    """
    known = store.read_note("pace", key)
    return {**_WEIGHTS, **(known if isinstance(known, dict) else {})}


def _facts(run: Run) -> MediaFacts:
    work = shared_work(run)
    if work is not None:
        return work.facts
    facts = probed(run, run.title.video, run.title.source_language)
    title = run.title
    shown_ms = min(facts.duration_ms - title.preview_start_ms, title.preview_ms or facts.duration_ms)
    return facts.model_copy(update={"duration_ms": shown_ms})
