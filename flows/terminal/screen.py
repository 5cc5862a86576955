"""Progress in the terminal by branch and step, with the time left; plain lines if it is not a terminal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.kept.forecast import Forecast
from flows.kept.lane import lane_of
from flows.printed import Console
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run

_SHARED = "shared"


class Screen:
    """Listens to step events and draws them."""

    def __init__(self, runs: Sequence[Run], forecasts: Sequence[Forecast], console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._forecasts = {run.title.name: forecast for run, forecast in zip(runs, forecasts, strict=True)}
        self._lanes = {
            run.title.name: {
                _SHARED: lane_of(run, forecast),
                **{language: lane_of(run.branch(language), forecast) for language in run.title.languages},
            }
            for run, forecast in zip(runs, forecasts, strict=True)
        }

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Show progress while the block runs."""
        with listening(self._listen):
            if self._console.is_terminal:
                with Live(console=self._console, refresh_per_second=4, get_renderable=self._draw):
                    yield
            else:
                yield

    def _listen(self, event: StepEvent) -> None:
        lane = self._lanes.get(event.title, {}).get(event.language or _SHARED)
        if lane is None:
            return
        with self._lock:
            lane.take(event)
        if not self._console.is_terminal and event.state != "progress":
            self._print(event)

    def _print(self, event: StepEvent) -> None:
        where = f"{event.title} {event.language or _SHARED}"
        how = {
            "started": f"... (about {self._forecasts[event.title].seconds(event.step):.0f} s)",
            "computed": f"done in {event.seconds:.1f} s; {_clock(self._left(event.title))} left",
            "reused": "found",
            "failed": f"FAILED: {event.message}",
        }[event.state]
        self._console.print(Text(f"{where}: {event.step} {how}"), soft_wrap=True)

    def _left(self, title: str) -> float:
        return sum(lane.left_s for lane in self._lanes[title].values())

    def _draw(self) -> Group:
        with self._lock:
            return Group(*(self._title(title) for title in self._lanes))

    def _title(self, title: str) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_row(Text(title, "bold"), Text(""), Text(""), Text(f"{_clock(self._left(title))} left", "cyan"))
        for name, lane in self._lanes[title].items():
            if lane.failed:
                status = Text(f"failed: {lane.failed}", "red")
            elif lane.current:
                status = Text(f"{lane.current} {100 * lane.fraction:.0f} %" if lane.fraction else lane.current)
            else:
                found = sum(state == "reused" for state in lane.done.values())
                status = Text(
                    f"{len(lane.done)}/{len(lane.steps)} steps" + (f", {found} found" if found else ""), "dim"
                )
            table.add_row(Text(f"  {name}"), ProgressBar(100, 100 * lane.share, width=24), status, Text(""))
        return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
