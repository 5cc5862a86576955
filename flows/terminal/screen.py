"""Progress in the terminal: what runs, what ended, the total and the end; plain lines if it is not a terminal."""

from __future__ import annotations

import contextlib
import datetime
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.kept.at_once import branches_at_once, languages_at_once, titles_at_once, together_s
from flows.kept.branches import finished, shared_work
from flows.kept.forecast import Forecast
from flows.kept.lane import Lane, lane_of
from flows.printed import Console
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run

_BAR = 20


@dataclass(frozen=True)
class _Title:
    """A title on the screen: what its languages share, each of them, and how many steps run at once."""

    name: str
    shared: Lane
    languages: Mapping[str, Lane]
    at_once: int

    @property
    def lanes(self) -> list[Lane]:
        return [self.shared, *self.languages.values()]

    @property
    def over(self) -> bool:
        return all(lane.over for lane in self.lanes) or bool(self.shared.failed)

    @property
    def runs(self) -> bool:
        return not self.over and any(lane.began for lane in self.lanes)

    @property
    def left_s(self) -> float:
        """By the clock: so many steps run beside each other."""
        if self.shared.failed:
            return 0.0
        longest = self.shared.left_s + max((lane.left_s for lane in self.languages.values()), default=0.0)
        return max(self.work_s / self.at_once, longest)

    @property
    def work_s(self) -> float:
        """One step after another."""
        return 0.0 if self.shared.failed else sum(lane.work_s for lane in self.lanes)


class Screen:
    """Listens to step events and draws them.

    Args:
        runs: the titles.
        forecasts: of each.
        console: where it is drawn.
        at_once: titles that run beside each other; None: as many as steps.
        refused: why a language of a title (by its folder) will not be begun.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        forecasts: Sequence[Forecast],
        console: Console,
        at_once: int | None = None,
        refused: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._console = console
        self._jobs = branches_at_once(runs[0].profile)
        self._at_once = at_once or titles_at_once(runs[0].profile)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._forecasts = dict(zip([run.title.name for run in runs], forecasts, strict=True))
        self._titles = {
            run.title.name: _title(run, forecast, refused or {}) for run, forecast in zip(runs, forecasts, strict=True)
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
        title = self._titles.get(event.title)
        lane = title and (title.languages.get(event.language) if event.language else title.shared)
        if not lane:
            return
        with self._lock:
            lane.take(event)
        if not self._console.is_terminal and event.state != "progress":
            self._print(event)

    def _print(self, event: StepEvent) -> None:
        where = f"{event.title} {event.language or 'shared'}"
        left = self._titles[event.title].left_s
        how = {
            "started": f"... (about {self._forecasts[event.title].seconds(event.step):.0f} s)",
            "computed": f"done in {event.seconds:.1f} s; {_clock(left)} left",
            "reused": "found",
            "failed": f"FAILED: {event.message}",
        }[event.state]
        self._console.print(Text(f"{where}: {event.step} {how}"), soft_wrap=True)

    def _draw(self) -> Group:
        """What fits into the window: the total, what runs in full or in short, how many wait, what ended last."""
        with self._lock:
            titles = list(self._titles.values())
            room = max(self._console.size.height - 4, 3)
            running = [title for title in titles if title.runs]
            full = [row for title in running for row in _rows(title)]
            rows = full if len(full) <= room - 2 else [_row(title) for title in running]
            waiting = sum(not title.runs and not title.over for title in titles)
            ended = [title for title in titles if title.over]
            table = Table.grid(padding=(0, 2))
            for row in rows[: room - 2]:
                table.add_row(*row)
            lines: list[Table | Text] = [self._total(titles), table]
            if more := len(rows) - len(rows[: room - 2]):
                lines.append(Text(f"  and {more} more that run", "dim"))
            if waiting and len(titles) > 1:
                lines.append(Text(f"{waiting} titles wait", "dim"))
            elif waiting:
                lines.append(Text(f"{titles[0].name}: starting", "dim"))
            shown = ended[-max(room - len(rows) - 2, 0) :] if len(rows) < room - 2 else []
            lines += [_ended(title) for title in shown]
            return Group(*lines)

    def _total(self, titles: Sequence[_Title]) -> Table:
        left = together_s([title.left_s for title in titles], self._at_once)
        left = max(left, sum(title.work_s for title in titles) / self._jobs)
        spent = time.monotonic() - self._began
        ends = datetime.datetime.now().astimezone() + datetime.timedelta(seconds=left)
        lanes = [lane for title in titles for lane in title.languages.values()]
        over = sum(lane.over and not lane.failed for lane in lanes)
        failed = sum(bool(lane.failed) for lane in lanes)
        counts = f"{over} of {len(lanes)} languages done" + (f", {failed} failed" if failed else "")
        table = Table.grid(padding=(0, 2))
        share = spent / (spent + left) if spent + left else 1.0
        times = f"{_clock(spent)}, about {_clock(left)} left, ends {ends:%H:%M}"
        table.add_row(ProgressBar(100, 100 * share, width=_BAR), Text(times, "cyan"))
        table.add_row("", Text(counts, "bold"))
        return table


def _title(run: Run, forecast: Forecast, refused: Mapping[tuple[str, str], str]) -> _Title:
    """A title with what the store has of it, and what will not be begun."""
    shared = lane_of(run, forecast)
    if (work := shared_work(run)) is not None:
        shared.find(use.step for use in work.steps)
    languages = {}
    for tag in run.title.languages:
        lane = languages[tag] = lane_of(run.branch(tag), forecast)
        if why := refused.get((run.title.folder, tag)):
            lane.failed = why
        elif finished(run.branch(tag)) is not None:
            lane.find(lane.steps)
    return _Title(run.title.name, shared, languages, languages_at_once(run.profile))


def _rows(title: _Title) -> list[tuple[Text, ProgressBar | Text, Text]]:
    """A title in full: what is shared while that runs, then every language that runs or ended."""
    begun = {tag: lane for tag, lane in title.languages.items() if lane.began or lane.over}
    waiting = [tag for tag in title.languages if tag not in begun]
    head = (Text(title.name, "bold"), Text(""), Text(f"{_clock(title.left_s)} left", "cyan"))
    rows: list[tuple[Text, ProgressBar | Text, Text]] = [head]
    if title.shared.current or not begun:
        rows.append((Text("  shared"), _bar(title.shared), _how(title.shared)))
    rows += [(Text(f"  {tag}"), _bar(lane), _how(lane)) for tag, lane in begun.items()]
    if waiting:
        rows.append((Text(f"  {', '.join(waiting)[:30]}", "dim"), Text(""), Text("next", "dim")))
    return rows


def _row(title: _Title) -> tuple[Text, ProgressBar | Text, Text]:
    """A title in one row."""
    running = [("shared", title.shared), *title.languages.items()]
    now = ", ".join(f"{tag} {_how(lane).plain}" for tag, lane in running if lane.current)
    share = sum(lane.share for lane in title.lanes) / len(title.lanes)
    return Text(title.name[:30], "bold"), ProgressBar(100, 100 * share, width=_BAR), Text(now or "between two steps")


def _bar(lane: Lane) -> ProgressBar:
    return ProgressBar(100, 100 * lane.share, width=_BAR)


def _how(lane: Lane) -> Text:
    if lane.failed:
        return Text(f"failed: {lane.failed}"[:120], "red")
    if lane.current:
        return Text(f"{lane.current} {100 * lane.fraction:.0f} %" if lane.fraction else lane.current)
    found = sum(state == "reused" for state in lane.done.values())
    counts = "done" if lane.over else f"{len(lane.done)}/{len(lane.steps)} steps"
    return Text(counts + (f", {found} found" if found else ""), "dim")


def _ended(title: _Title) -> Text:
    failed = [tag for tag, lane in title.languages.items() if lane.failed or title.shared.failed]
    good = [tag for tag in title.languages if tag not in failed]
    said = [f"{', '.join(good)} done"] if good else []
    said += [f"{', '.join(failed)} failed"] if failed else []
    return Text(f"{title.name}: {'; '.join(said)}", "yellow" if failed else "green")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
