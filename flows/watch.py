"""A run with its progress in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from flows.forecast import Forecast
from flows.plan import probed
from flows.runner import answered_from_store, dub_titles
from flows.screen import Screen
from tasks.model import Run


def run_watched(runs: Sequence[Run], batch: str = "") -> list[dict[str, Any]]:
    """Run titles and show each step on stderr; finished titles are answered without a display."""
    answers = [answered_from_store(run) for run in runs]
    waiting = [run for run, answer in zip(runs, answers, strict=True) if answer is None]
    if waiting:
        forecasts = [Forecast(run, probed(run, run.title.video).duration_ms / 1000) for run in waiting]
        with Screen(waiting, forecasts, Console(stderr=True)).showing():
            fresh = iter(dub_titles(waiting, batch))
        answers = [answer or next(fresh) for answer in answers]
    return [answer for answer in answers if answer is not None]
