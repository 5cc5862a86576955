"""How long a step will take: from how long it took on this machine before, per second of title."""

from __future__ import annotations

from collections.abc import Mapping

from flows.branches import shared_work
from flows.plan import probed
from tasks.keep.store import Store
from tasks.records.model import Run

SHARED_STEPS = ("probe", "separate", "transcribe", "diarize", "track-faces")
BRANCH_STEPS = ("translate", "synthesize", "adapt", "fit", "lipsync", "mix", "package", "qc", "report")
LAST_STEPS = ("package-multi", "qc-multi")

#: Seconds per second of title on 2 CPU cores, offline profile, until this machine's own are known.
_FIRST_GUESS = {
    "probe": 0.02,
    "separate": 0.3,
    "transcribe": 0.3,
    "diarize": 0.3,
    "track-faces": 1.5,
    "translate": 0.1,
    "synthesize": 0.1,
    "adapt": 0.01,
    "fit": 0.1,
    "lipsync": 5.0,
    "mix": 0.4,
    "package": 0.1,
    "qc": 0.2,
    "report": 0.1,
    "package-multi": 0.05,
    "qc-multi": 0.05,
}
_GPU = "gpu:"  # before a step's name: its seconds of an accelerator


class Forecast:
    """Expected seconds of each step of a run.

    Attributes:
        duration_s: of the title, or of its preview.
    """

    def __init__(self, run: Run) -> None:
        self._store = Store(run.store)
        self._key = f"{run.profile.name}-{run.profile.lipsync.backend}"
        self.duration_s = max(_duration_s(run), 1.0)
        known = self._store.read_note("pace", self._key)
        self._pace: dict[str, float] = {**_FIRST_GUESS, **(known if isinstance(known, dict) else {})}

    def seconds(self, step: str) -> float:
        """What the step will take."""
        return self._pace.get(step, 0.1) * self.duration_s

    def gpu_seconds(self, step: str) -> float:
        """What it will take of an accelerator; nothing until it has been seen to."""
        return self._pace.get(_GPU + step, 0.0) * self.duration_s

    def learn(self, seconds: Mapping[str, float], gpu_seconds: Mapping[str, float]) -> None:
        """Remember what computed steps took; half old, half new, so that one odd run does not mislead."""
        took = {**seconds, **{_GPU + step: spent for step, spent in gpu_seconds.items()}}
        with self._store.claim(f"pace-{self._key}"):
            known = self._store.read_note("pace", self._key)
            pace = {**self._pace, **(known if isinstance(known, dict) else {})}
            for step, spent in took.items():
                now = spent / self.duration_s
                pace[step] = (pace.get(step, now) + now) / 2
            self._store.write_note("pace", self._key, pace)


def _duration_s(run: Run) -> float:
    work = shared_work(run)
    if work is not None:
        return work.facts.duration_ms / 1000
    whole_ms = probed(run, run.title.video, run.title.source_language).duration_ms
    return min(whole_ms, run.title.preview_ms or whole_ms) / 1000
