"""A batch of one machine as another sees it, which shares nothing with it but the store: an S3 server."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.night import BudgetSettings
from flows.ask.plan import Request, checked_profile
from flows.kept.branches import branch_key, keep_attempt
from flows.kept.budget import Cost, admit, begin_night, charge
from flows.kept.costs import accounted, costs
from flows.night.batches import load_batch, new_batch, runs_of, unfinished
from flows.night.morning import morning_rows
from flows.night.status import status_of
from tasks.machine.meter import Usage
from tasks.records.errors import BadInputError
from tasks.records.progress import StepEvent, announce
from tasks.records.result import BranchResult, Failure
from tasks.records.step_record import Bill
from tasks.services.slots import BUDGET
from tests.object_store import BUCKET, object_store


def test_batches_and_their_ledger_are_known_on_every_machine(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_store() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("POLYDUB_STORE", f"s3://{BUCKET}/night")
        monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "here"))
        with pytest.raises(BadInputError, match="The ledger is empty"):
            costs("language", None)
        with pytest.raises(BadInputError, match="no batch yet"):
            load_batch(None)
        request = Request([str(short_clip)], ["es", "fr"], str(tmp_path / "out"), "fake", source_language="en")
        batch, (run,) = new_batch("m", [request], checked_profile("fake", {}), "out", BudgetSettings())
        branch = run.branch("fr")
        with accounted(branch):
            bill = Bill(provider="deepl", units={"characters": 1000.0}, usd=0.25)
            announce(StepEvent("clip", "fr", "translate", "computed", 1.0, seconds=2.0, usage=Usage(bills=[bill])))
        failure = Failure(kind="PermanentError", what="no", step="lipsync")
        keep_attempt(
            run, BranchResult(language="fr", state="failed", key=branch_key(run.branch("fr")), failure=failure)
        )

        monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "there"))
        there = load_batch(None)
        assert there == batch
        found = {one["language"]: (one["state"], one["why"]) for one in status_of(batch.id)["branches"]}
        assert found == {"es": ("waiting", ""), "fr": ("failed", "lipsync: no")}
        assert [one.languages for one in unfinished(there, runs_of(there))] == [["es", "fr"]]
        (row,) = costs("language", datetime.datetime.now(datetime.UTC).date())
        assert (row["language"], row["seconds"], row["usd"]) == ("fr", 2.0, 0.25)
        spent = {row["language"]: row["usd"] for row in morning_rows(there, runs_of(there))}
        assert spent == {"es": 0.0, "fr": 0.25}
        again, _ = new_batch("m", [request], checked_profile("fake", {}), "out", BudgetSettings())
        assert again.id == f"{batch.id[:-1]}2"


def test_what_a_night_has_spent_is_counted_by_one_machine_at_a_time(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[list[str]] = []

    @contextlib.contextmanager
    def held(names: list[str]) -> Iterator[None]:
        taken.append(names)
        yield

    monkeypatch.setattr("flows.kept.budget.held", held)
    with object_store() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("POLYDUB_STORE", f"s3://{BUCKET}/night")
        monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "here"))
        request = Request([str(short_clip)], ["es", "fr"], str(tmp_path / "out"), "fake", source_language="en")
        _, (run,) = new_batch("m", [request], checked_profile("fake", {}), "out", BudgetSettings(usd=1.0))
        begin_night(run, BudgetSettings(usd=1.0))
        assert admit(run.branch("es")) == ""
        monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "there"))
        charge(run.branch("es"), Cost(usd=1.5))
        assert "$0.00 of $1 are left" in admit(run.branch("fr"))
    assert taken == [[BUDGET]] * 3
