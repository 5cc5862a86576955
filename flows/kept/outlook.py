"""The plan of a run before anything is made: what will be, what cannot be, and its time, money and disk. No Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flows.ask.preflight import Asked, Fault, faults
from flows.ask.room import Room, room_of
from flows.kept.ahead import steps_ahead
from flows.kept.at_once import branches_at_once, languages_at_once, titles_at_once, together_s
from flows.kept.budget import Cost, expected
from flows.kept.forecast import Forecast
from flows.kept.refused import asked
from tasks.records.errors import PolydubError
from tasks.records.title import Run

State = Literal["to make", "delivered", "cannot"]
_NOTHING = Cost()


@dataclass(frozen=True)
class Row:
    """One language of a title, or (without a language) what its languages share.

    Attributes:
        title: its name.
        language: BCP-47 tag; empty for the shared steps.
        state: what will be of it.
        steps: that it takes, as far as they are not made yet.
        cost: that is expected.
        why: what is wrong with what cannot be, and what to do.
    """

    title: str
    language: str
    state: State
    steps: tuple[str, ...] = ()
    cost: Cost = _NOTHING
    why: str = ""


@dataclass(frozen=True)
class Outlook:
    """The plan of titles.

    Attributes:
        rows: in order of titles and languages.
        faults: what cannot be.
        room: that what can be needs on disk.
        short: which disk has too little for all of it together; empty where there is enough.
        seconds: by the clock, so many titles and languages at once as the machine and the profile allow.
    """

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    room: Room
    short: str
    seconds: float

    @property
    def cost(self) -> Cost:
        """Of all rows together."""
        return sum((row.cost for row in self.rows), _NOTHING)

    @property
    def makes(self) -> bool:
        """Whether any language can be dubbed, or is already."""
        return any(row.language and row.state != "cannot" for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """For ``--dry-run --json``."""
        return {
            "branches": [asdict(row) for row in self.rows],
            "faults": [
                {"title": one.run.title.name, "language": one.language, "column": one.column, **_said(one.error)}
                for one in self.faults
            ],
            "seconds": round(self.seconds, 1),
            "gpu_seconds": round(self.cost.gpu_seconds, 1),
            "usd": round(self.cost.usd, 4),
            "disk_bytes": round(self.room.whole),
            "disk_short": self.short,
        }


def outlook(runs: Sequence[Run]) -> Outlook:
    """The plan of titles."""
    work = [asked(run, run.title.languages) for run in runs]
    found = faults(work)
    rows: list[Row] = []
    each, making = [], []
    for one in work:
        mine = [fault for fault in found if fault.run.title == one.run.title]
        made = _rows(one, mine)
        rows += made
        making.append((one.run, [row.language for row in made if row.language and row.state == "to make"]))
        shared, languages = ([row.cost.seconds for row in made if bool(row.language) is tag] for tag in (False, True))
        each.append(sum(shared) + together_s(languages, languages_at_once(one.run.profile)))
    room = room_of((run, languages) for run, languages in making if languages)
    return Outlook(tuple(rows), tuple(found), room, room.short() if making else "", _by_the_clock(work, rows, each))


def _by_the_clock(work: Sequence[Asked], rows: Sequence[Row], each: Sequence[float]) -> float:
    """Seconds of all titles, of which each takes so many by itself."""
    if not work:
        return 0.0
    profile = work[0].run.profile
    whole = sum(row.cost.seconds for row in rows)
    return max(together_s(each, titles_at_once(profile)), whole / branches_at_once(profile))


def _rows(one: Asked, found: Sequence[Fault]) -> list[Row]:
    run, name = one.run, one.run.title.name
    rows, facts = [], Forecast(run).facts
    for tag in run.title.languages:
        why = [str(fault.error) for fault in found if fault.language in ("", tag)]
        branch = run.branch(tag)
        if tag not in one.languages:
            rows.append(Row(name, tag, "delivered"))
        elif why:
            rows.append(Row(name, tag, "cannot", why=" ".join(why)))
        else:
            steps = tuple(step.name for step in steps_ahead(branch, facts))
            rows.append(Row(name, tag, "to make", steps, expected(branch)))
    if any(row.state == "to make" for row in rows):
        steps = tuple(step.name for step in steps_ahead(run, facts)) if one.fresh else ()
        rows.insert(0, Row(name, "", "to make" if one.fresh else "delivered", steps, expected(run)))
    return rows


def _said(error: PolydubError) -> dict[str, str]:
    return {"step": str(error.data.get("step", "")), "what": error.what, "fix": error.fix}
