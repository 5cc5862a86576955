"""The ledger of time and money: what every step of every branch used, in Parquet files that pandas reads as one table.

A branch, and the shared part of a title, writes one file when it ends in any state: ``ledger/DATE/UUID.parquet``
in the store. Each step is one row; each paid service that it used is another row, with the cost and no seconds. The use
of a killed process is recorded step by step, and entered when its branch is started again.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from configs.prices import cost_usd
from flows.kept.forecast import Forecast
from tasks.keep.places import place_of
from tasks.keep.store import store_at, store_place, text_sha256
from tasks.records.errors import BadInputError
from tasks.records.progress import StepEvent, listening
from tasks.records.step_record import Bill
from tasks.records.title import Run, language_of

#: What `polydub costs --by` can sum by, and its column.
GROUPS = {"language": "language", "title": "title", "step": "step", "provider": "provider", "day": "day"}
_BOOKED = "booked"  # notes of jobs entered in the ledger
_OPEN = "account"  # notes of use not yet entered in the ledger
_COUNTS = ("hits", "parts", "retries", "models_loaded", "models_rested")
_SUMS = ["seconds", "gpu_seconds", "retries", "characters", "seconds_billed", "tokens", "usd"]


@dataclass
class _Line:
    """One step with all its tries together."""

    state: str = "failed"
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    failures: int = 0
    hits: int = 0
    parts: int = 0
    models_loaded: int = 0
    models_rested: int = 0
    bills: list[Bill] = field(default_factory=list)


class Account:
    """The resource use of one branch, or of what the languages of a title share."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lines: dict[str, _Line] = {}
        self._jobs: set[str] = set()
        self._lock = threading.Lock()
        self._store = store_at(run.store)
        self._key = text_sha256("\0".join((run.batch, run.title.folder, run.profile.name, language_of(run))))
        self._name = f"ledger/{datetime.datetime.now(datetime.UTC).date().isoformat()}/{uuid.uuid4()}.parquet"
        if left := self._store.read_note(_OPEN, self._key):
            self._write_down(left)

    def listen(self, event: StepEvent) -> None:
        """Record the end of a step."""
        if not event.is_of(self._run):
            return
        if event.state not in ("computed", "reused", "failed"):
            return
        with self._lock:
            line = self._lines.setdefault(event.step, _Line())
            line.state, line.hits, line.parts = event.state, event.hits, event.parts
            line.seconds += event.seconds
            line.gpu_seconds += event.usage.gpu_seconds
            line.failures += event.state == "failed"
            line.models_loaded += event.usage.models_loaded
            line.models_rested += event.usage.models_rested
            line.bills += [bill for bill in event.usage.bills if self._is_new(bill)]
            self._store.write_note(_OPEN, self._key, self._so_far())

    @property
    def gpu_seconds(self) -> float:
        """Accelerator seconds of all steps."""
        return sum(line.gpu_seconds for line in self._lines.values())

    @property
    def usd(self) -> float:
        """Cost of all steps in US dollars, as far as prices are known."""
        return sum(self._price(bill) or 0.0 for line in self._lines.values() for bill in line.bills)

    def computed(self) -> dict[str, tuple[float, float]]:
        """Seconds and accelerator seconds of each step that was computed at its first try."""
        fresh = {step: line for step, line in self._lines.items() if line.state == "computed" and not line.failures}
        return {step: (line.seconds, line.gpu_seconds) for step, line in fresh.items()}

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the ledger."""
        rows = []
        for step, line in self._lines.items():
            retries = line.failures - (line.state == "failed")
            rows.append(
                self._row(
                    step,
                    state=line.state,
                    seconds=round(line.seconds, 3),
                    gpu_seconds=round(line.gpu_seconds, 3),
                    hits=line.hits,
                    parts=line.parts,
                    retries=retries,
                    models_loaded=line.models_loaded,
                    models_rested=line.models_rested,
                )
            )
            rows += [self._billed(step, bill) for bill in line.bills]
        return rows

    def _is_new(self, bill: Bill) -> bool:
        """Whether a bill is for a job not yet in the ledger: a reused result is paid for once."""
        if not bill.job:
            return True
        key = _job_key(bill)
        known = key in self._jobs or self._store.read_note(_BOOKED, key) is not None
        self._jobs.add(key)
        return not known

    def book(self) -> None:
        """Write the rows, and mark their jobs as entered."""
        self._write_down(self._so_far())

    def _so_far(self) -> dict[str, Any]:
        return {"name": self._name, "rows": self.rows(), "jobs": sorted(self._jobs)}

    def _write_down(self, account: dict[str, Any]) -> None:
        """Idempotent: the file's name is fixed from the start."""
        if account["rows"]:
            place_of(self._run.store)[0].write(account["name"], _parquet(account["rows"]))
        for key in account["jobs"]:
            self._store.write_note(_BOOKED, key, True)
        self._store.write_note(_OPEN, self._key, None)

    def _billed(self, step: str, bill: Bill) -> dict[str, Any]:
        tokens = sum(amount for unit, amount in bill.units.items() if unit.endswith("tokens"))
        return self._row(
            step,
            state="billed",
            provider=bill.provider,
            job=bill.job,
            characters=bill.units.get("characters", 0.0),
            seconds_billed=bill.units.get("seconds", 0.0),
            tokens=tokens,
            usd=self._price(bill),
        )

    def _row(self, step: str, **values: Any) -> dict[str, Any]:
        run = self._run
        who = {"batch": run.batch, "title": run.title.name, "language": language_of(run), "profile": run.profile.name}
        numbers = dict.fromkeys(["seconds", "gpu_seconds", "characters", "seconds_billed", "tokens", "usd"], 0.0)
        return {**who, "step": step, "provider": "", "job": "", **numbers, **dict.fromkeys(_COUNTS, 0), **values}

    def _price(self, bill: Bill) -> float | None:
        return bill.usd if bill.usd is not None else cost_usd(bill.provider, bill.units, self._run.profile.prices)


@contextlib.contextmanager
def accounted(run: Run) -> Iterator[Account]:
    """Keep the account of a run's steps while the block runs, then write it down, for the forecast too."""
    account = Account(run)
    try:
        with listening(account.listen):
            yield account
    finally:
        account.book()
        if took := account.computed():
            Forecast(run).record(
                {step: seconds for step, (seconds, _) in took.items()},
                {step: gpu for step, (_, gpu) in took.items()},
            )


def _job_key(bill: Bill) -> str:
    return text_sha256(f"{bill.provider} {bill.job}")


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    now = datetime.datetime.now(datetime.UTC)
    schema = pyarrow.schema([(name, _column_type(pyarrow, name)) for name in ("time", "day", *rows[0])])
    stamp = {"time": now, "day": now.date().isoformat()}
    table = pyarrow.Table.from_pylist([{**stamp, **row} for row in rows], schema=schema)
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def _column_type(pyarrow: Any, name: str) -> Any:
    if name == "time":
        return pyarrow.timestamp("ms", tz="UTC")
    if name in _COUNTS:
        return pyarrow.int64()
    return pyarrow.float64() if name in _SUMS else pyarrow.string()


def ledger(since: datetime.date | None = None, batch: str | None = None) -> Any:
    """The ledger as a pandas table in order of time, from a day (UTC) on, or of one batch.

    Raises:
        BadInputError: there is no such entry yet.
    """
    wanted: list[tuple[str, str, Any]] = [("day", ">=", since.isoformat() if since else "")]
    if batch is not None:
        wanted.append(("batch", "==", batch))
    table = place_of(store_place())[0].table("ledger", wanted)
    if table.empty:
        raise BadInputError("The ledger is empty.", "Run something first, or choose an earlier --since.")
    return table.sort_values("time", kind="stable")


def costs(by: str, since: datetime.date | None) -> list[dict[str, Any]]:
    """Sums of the ledger, the most expensive first.

    Args:
        by: one of `GROUPS`.
        since: from this day on; None for all.

    Raises:
        BadInputError: an unknown grouping, or an empty ledger.
    """
    if by not in GROUPS:
        raise BadInputError(f"Costs cannot be summed by {by!r}.", f"Choose one of {', '.join(GROUPS)}.")
    table = ledger(since)
    table["steps"] = (table["state"] != "billed").astype(int)
    table["found"] = (table["state"] == "reused").astype(int)
    table["unpriced"] = table["usd"].isna().astype(int)
    if by == "provider":
        table = table[table["state"] == "billed"]
    sums = table.groupby(GROUPS[by], sort=True)[["steps", "found", *_SUMS, "unpriced"]].sum()
    sums = sums.sort_values(["usd", "seconds"], ascending=False, kind="stable").round(4)
    return [
        {by: name or "(shared)", **values} for name, values in zip(sums.index, sums.to_dict("records"), strict=True)
    ]


def spent_by_branch(batch: str) -> dict[tuple[str, str], dict[str, float]]:
    """Seconds, accelerator seconds and cost of each title and language of a batch."""
    try:
        table = ledger(batch=batch)
    except BadInputError:
        return {}
    sums = table.groupby(["title", "language"])[["seconds", "gpu_seconds", "usd"]].sum()
    return {key: dict(values) for key, values in zip(sums.index, sums.to_dict("records"), strict=True)}
