"""The ledger: what steps use is metered where it is used, priced by the list, and summed with pandas."""

from __future__ import annotations

import datetime
import os
import signal
import threading
import time
from contextvars import copy_context
from pathlib import Path

import pytest

from flows.ask.plan import Request, plan
from flows.kept.costs import accounted, costs, ledger, spent_by_branch
from tasks.machine.gpu import leased_device
from tasks.machine.meter import bill, device_time, metered
from tasks.records.errors import BadInputError, ProviderBusyError
from tasks.records.title import Run
from tasks.step.run import Computation, StepOutput, Work, remember
from tasks.synthesize import synthesizer
from tests.synthesize.eleven_labs import KEY, eleven_labs

NOTHING = type(None)


@pytest.fixture
def run(short_clip: Path, tmp_path: Path, store_folder: Path) -> Run:
    prices = {"prices": {"llm/x": {"input_tokens": 2.0, "output_tokens": 10.0}}}
    request = Request([str(short_clip)], ["es"], str(tmp_path), "fake", prices, "en")
    return plan(request)[0].model_copy(update={"batch": "night-1"}).branch("es")


def test_the_time_of_a_device_counts_once_however_often_it_is_taken(tmp_path: Path) -> None:
    together = threading.Barrier(3)
    with metered() as meter:
        began = time.monotonic()
        with leased_device(["0"], tmp_path), device_time("cuda"):
            others = [threading.Thread(target=copy_context().run, args=(_short_work, together)) for _ in range(3)]
            for thread in others:
                thread.start()
            for thread in others:
                thread.join()
        longest = time.monotonic() - began
        with device_time("cpu"), leased_device([]):
            time.sleep(0.2)
    assert 0.1 <= meter.usage().gpu_seconds <= longest + 0.1  # once, though three had it; nothing for the CPU


def _short_work(together: threading.Barrier) -> None:
    with device_time("cuda"):
        together.wait()
        time.sleep(0.1)


def test_outside_of_a_step_nothing_is_counted() -> None:
    bill("deepl", characters=5)
    with metered() as meter:
        pass
    assert meter.usage().bills == ()


def test_what_a_branch_used_is_written_down_however_it_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)
    tries = 0

    def translate(_given: object, work: Work) -> StepOutput[None]:
        bill("llm/x", input_tokens=1000, output_tokens=500)
        return StepOutput(None, hits=1, parts=4)

    def synthesize(_given: object, work: Work) -> StepOutput[None]:
        nonlocal tries
        tries += 1
        speaks.synthesize("Good morning.", "aria", "es", work.folder / "one.wav")
        if tries == 1:
            raise ProviderBusyError("It was paid for all the same.")
        return StepOutput(None)

    def other(_given: object, work: Work) -> StepOutput[None]:
        bill("mystery", seconds=2.0)
        bill("hosted/lips", usd=0.25, seconds=4.0)
        return StepOutput(None)

    with accounted(run) as account, eleven_labs() as (url, _):
        speaks = synthesizer("elevenlabs", {"url": url, "tries": 1, "voices": ["aria"]})
        remember(run, "translate", Computation(None, translate, NOTHING))
        with pytest.raises(ProviderBusyError):
            remember(run, "synthesize", Computation(None, synthesize, NOTHING))
        remember(run, "synthesize", Computation(None, synthesize, NOTHING))
        remember(run, "lipsync", Computation(None, other, NOTHING))
    with accounted(run):
        remember(run, "translate", Computation(None, translate, NOTHING))

    table = ledger()
    assert set(table["batch"]) == {"night-1"}
    steps = table[table["state"] != "billed"].set_index("step")
    assert list(steps.loc["translate", "state"]) == ["computed", "reused"]
    assert list(steps.loc["translate", "hits"]) == [1, 4]
    assert (steps.loc["synthesize", "retries"], steps.loc["synthesize", "state"]) == (1, "computed")
    paid = {row["provider"]: row for row in costs("provider", None)}
    assert paid["llm/x"]["usd"] == pytest.approx(1000 * 2e-6 + 500 * 10e-6)
    assert paid["elevenlabs/eleven_multilingual_v2"]["characters"] == 2 * len("Good morning.")
    assert paid["elevenlabs/eleven_multilingual_v2"]["usd"] == pytest.approx(26 * 100e-6)
    assert (paid["hosted/lips"]["usd"], paid["hosted/lips"]["seconds_billed"]) == (0.25, 4.0)
    assert paid["mystery"]["unpriced"] == 1
    assert account.usd == pytest.approx(sum(row["usd"] for row in paid.values()))
    assert spent_by_branch("night-1")[("clip", "es")]["usd"] == pytest.approx(account.usd)
    (by_title,) = costs("title", datetime.datetime.now(datetime.UTC).date())
    assert (by_title["title"], by_title["steps"], by_title["found"]) == ("clip", 4, 1)


def test_what_a_killed_process_used_is_written_down_once_when_its_branch_begins_again(run: Run) -> None:
    def paid(_given: object, work: Work) -> StepOutput[None]:
        bill("hosted/lips", "abc", usd=0.25, seconds=4.0)
        return StepOutput(None)

    killed = os.fork()
    if not killed:
        with accounted(run):
            remember(run, "lipsync", Computation(None, paid, NOTHING))
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(killed, 0)
    for _ in range(2):
        with accounted(run):
            remember(run, "lipsync", Computation(None, paid, NOTHING))
    table = ledger()
    assert list(table[table["step"] == "lipsync"]["state"]) == ["computed", "billed", "reused", "reused"]
    assert table["usd"].sum() == 0.25


def test_a_job_is_billed_once_however_often_its_result_is_used(run: Run) -> None:
    def lipsync(_given: object, work: Work) -> StepOutput[None]:
        bill("replicate/sync-lipsync-2", "abc", usd=0.25, seconds=5.0)
        bill("replicate/sync-lipsync-2", "abc", usd=0.25, seconds=5.0)  # two shots alike share a job
        bill("replicate/sync-lipsync-2", "def", usd=0.5, seconds=10.0)
        return StepOutput(None)

    with accounted(run) as first:
        remember(run, "lipsync", Computation(None, lipsync, NOTHING))
    with accounted(run) as second:
        remember(
            run, "lipsync", Computation("other", lipsync, NOTHING)
        )  # another dub of the same speech finds the same jobs
    assert (first.usd, second.usd) == (0.75, 0.0)
    table = ledger()
    assert sorted(table[table["state"] == "billed"]["job"]) == ["abc", "def"]
    (paid,) = costs("provider", None)
    assert (paid["provider"], paid["usd"]) == ("replicate/sync-lipsync-2", 0.75)


def test_an_empty_ledger_and_an_unknown_grouping_are_said(store_folder: Path) -> None:
    with pytest.raises(BadInputError, match="empty"):
        costs("language", None)
    with pytest.raises(BadInputError, match="'colour'"):
        costs("colour", None)
    assert spent_by_branch("none") == {}
