"""Nights with fake backends on a real Prefect server: order, budget, retry, ledger, summary, inbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas
import pytest
import yaml

from configs.night import BudgetSettings
from flows.ask.plan import checked_profile
from flows.kept.branches import branch_key, carry_over, keep_attempt, last_attempt
from flows.kept.costs import costs, ledger
from flows.kept.forecast import Forecast
from flows.night.batches import Batch, keep_batch, load_batch, new_batch, runs_of, unfinished
from flows.night.manifest import Defaults, read_manifest
from flows.night.status import status_of
from flows.terminal.inbox import Inbox
from flows.terminal.watch import run_batch
from tasks.records.errors import BadInputError, PermanentError
from tasks.records.progress import Progress, StepEvent, listening
from tasks.records.result import BranchResult, Failure
from tasks.records.script import Script
from tasks.records.title import Run
from tasks.sound.speech_activity import duration_ms
from tasks.step.table import of_part
from tasks.transcribe.fake import FakeTranscriber

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder")]

AT_THE_END = [step.name for step in of_part("end") if step.name != "sign-multi"]  # no key is set


@pytest.fixture
def folder(tmp_path: Path, short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        shutil.copy(short_clip, tmp_path / f"{name}.mp4")
        with (tmp_path / f"{name}.mp4").open("ab") as file:
            file.write(name.encode())  # another title, as far as content goes
    return tmp_path


def profile_of(folder: Path, fail: list[str], **more: Any) -> str:
    lipsync = {"backend": "fake", "options": {"fail": fail}}
    path = folder / "house.yaml"
    path.write_text(yaml.safe_dump({"extends": "fake", "source_language": "en", "lipsync": lipsync, **more}))
    return str(path)


def night(folder: Path, manifest: str, fail: list[str], **budget: Any) -> Batch:
    (folder / "m.csv").write_text(manifest)
    profile = profile_of(folder, fail, titles_at_once=2)
    requests = read_manifest(folder / "m.csv", Defaults(profile, {}, str(folder / "out")))
    settings = BudgetSettings.model_validate(budget)
    return new_batch("m", requests, checked_profile(profile, {}), str(folder / "out"), settings)[0]


def dub(batch: Batch, **how: Any) -> list[StepEvent]:
    """The steps that were really computed."""
    events: list[StepEvent] = []
    with listening(events.append):
        run_batch(batch, runs_of(batch), **how)
    return [event for event in events if event.state == "computed" and event.step not in AT_THE_END]


def states_of(batch: Batch) -> dict[str, str]:
    return {f"{one['title']} {one['language']}": one["state"] for one in status_of(batch.id)["branches"]}


def test_a_night_delivers_what_it_can_and_a_retry_does_the_rest_alone(folder: Path) -> None:
    batch = night(folder, "title,languages\none.mp4,es ja\ntwo.mp4,es\n", fail=["ja"])
    dub(batch)
    states = states_of(batch)
    assert states.pop("one ja") == "failed"
    assert set(states.values()) <= {"completed", "needs_review"}

    table = pandas.read_csv(folder / "out" / "summary.csv", keep_default_na=False)
    pandas.testing.assert_frame_equal(table, pandas.read_parquet(folder / "out" / "summary.parquet"), check_dtype=False)
    assert list(table[["title", "language"]].itertuples(index=False, name=None)) == [
        ("one", "es"),
        ("one", "ja"),
        ("two", "es"),
    ]
    assert all(Path(master).exists() for master in table["master"] if master)
    assert "set to fail for ja" in (folder / "out" / "summary.md").read_text()
    assert not list((folder / "out").glob(".*"))

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    tagged = FlowRunFilter.model_validate({"tags": {"all_": [f"batch:{batch.id}", "lang:ja", "video:one"]}})
    with get_client(sync_client=True) as client:
        (branch,) = client.read_flow_runs(flow_run_filter=tagged)
    assert branch.state_name == "Failed"

    profile_of(folder, fail=[], titles_at_once=2)
    again = dub(load_batch(batch.id))
    assert {(event.title, event.language) for event in again} == {("one", "ja")}
    assert "translate" not in {event.step for event in again}  # from its first missing result
    assert set(states_of(batch).values()) <= {"completed", "needs_review"}
    assert json.loads((folder / "out" / "one" / "summary.json").read_text())["failed"] == 0

    used = ledger()
    assert set(used["batch"]) == {batch.id}
    of_ja = used[(used["title"] == "one") & (used["language"] == "ja")]
    assert list(of_ja[of_ja["step"] == "lipsync"]["state"]) == ["failed", "computed"]
    by_language = {row["language"]: row for row in costs("language", None)}
    assert by_language.keys() == {"(shared)", "es", "ja"}
    reused = list(of_ja[of_ja["state"] == "reused"]["step"])
    found = set(reused)  # in the first night too, where another language has made just the same beside it
    assert found >= {"translate", "synthesize", "adapt", "fit"}  # on the second night
    assert by_language["ja"]["found"] == len(reused)


@pytest.mark.slow  # another night, with all that Prefect takes
def test_a_title_that_fails_in_its_shared_steps_is_named_counted_and_retried(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = ["ffmpeg", "-v", "error", "-y", "-i", folder / "one.mp4", "-t", "2", folder / "two.mp4"]
    subprocess.run(shorter, check=True)  # other sound too, so that the two share no transcript
    batch = night(folder, "title,languages\none.mp4,es\ntwo.mp4,es fr\n", fail=[])
    hear = FakeTranscriber.transcribe

    def deaf(self: FakeTranscriber, audio: Path, language: str | None, progress: Progress) -> Script:
        if duration_ms(audio) < 3000:
            raise PermanentError("Nothing can be heard.", "Turn it up.")
        return hear(self, audio, language, progress)

    with monkeypatch.context() as patch:
        patch.setattr(FakeTranscriber, "transcribe", deaf)
        dub(batch)
    states = states_of(batch)
    assert states.pop("one es") in ("completed", "needs_review")
    assert states == {"two es": "failed", "two fr": "failed"}
    rows = pandas.read_csv(folder / "out" / "summary.csv", keep_default_na=False)
    other, *failed = rows["why"]  # a language to review says why, too
    assert failed == 2 * ["transcribe: Nothing can be heard."]
    assert "transcribe" not in other
    assert ", 2 failed of 3" in (folder / "out" / "summary.md").read_text()
    summary = json.loads((folder / "out" / "two" / "summary.json").read_text())
    assert (summary["state"], summary["delivered"], summary["failed"]) == ("failed", 0, 2)
    assert summary["error"]["step"] == "transcribe"

    again = dub(batch)
    assert {event.title for event in again} == {"two"}
    assert not {"probe", "separate"} & {event.step for event in again}  # from its first missing result
    assert set(states_of(batch).values()) <= {"completed", "needs_review"}
    assert (folder / "out" / "two" / "two.fr.mp4").exists()


@pytest.mark.slow  # another night, with all that Prefect takes
def test_what_does_not_fit_the_night_is_carried_over_and_taken_first(folder: Path) -> None:
    batch = night(folder, "title,languages\none.mp4,es\ntwo.mp4,es fr\n", fail=[], hours=0.5)
    runs = runs_of(batch)
    Forecast(runs[1]).record({"track-faces": 1.0}, {})
    Forecast(runs[0]).record({"lipsync": 20_000.0}, {})  # seconds
    assert dub(batch) == []
    assert set(states_of(batch).values()) == {"carried_over"}
    summary = json.loads((folder / "out" / "two" / "summary.json").read_text())
    assert (summary["state"], summary["delivered"], summary["failed"], summary["carried_over"]) == (
        "carried_over",
        0,
        0,
        2,
    )
    assert "are left until" in summary["languages"]["es"]["error"]["what"]
    unlimited = batch.model_copy(update={"budget": BudgetSettings.model_validate({})})
    keep_batch(unlimited)
    dub(unlimited)
    assert set(states_of(batch).values()) <= {"completed", "needs_review"}


def test_the_queue_goes_by_carried_over_overdue_due_priority_and_row(folder: Path) -> None:
    rows = [
        "one.mp4,es,,",
        "one.mp4,fr,9,",
        "one.mp4,de,,2099-01-02",
        "one.mp4,it,,2099-01-01",
        "two.mp4,es,1,2020-01-01",
    ]
    batch = night(folder, "title,languages,priority,due\n" + "\n".join([*rows, "two.mp4,fr,,"]) + "\n", fail=[])
    runs = runs_of(batch)
    assert [run.title.name for run in runs] == ["one", "two"]
    carry_over(runs[1].branch("fr"), "no time")

    def order() -> list[str]:
        return [one.languages[0] + one.run.title.video.uri[-7:-4] for one in unfinished(batch, runs)]

    assert order() == ["frtwo", "estwo", "itone", "deone", "frone", "esone"]


def test_a_branch_that_keeps_failing_is_set_aside_until_it_is_forced(folder: Path) -> None:
    batch = night(folder, "title,languages\none.mp4,es\n", fail=[])
    (run,) = runs_of(batch)
    key = branch_key(run.branch("es"))

    def fails(kind: str, transient: bool) -> None:
        failure = Failure(kind=kind, what="no", transient=transient)
        keep_attempt(run, BranchResult(language="es", state="failed", key=key, failure=failure))

    for kind, transient in (("Crashed", False), ("ProviderBusyError", True), ("BadInputError", False)):
        fails(kind, transient)
        assert states_of(batch) == {"one es": "failed"}
    fails("PermanentError", False)
    assert states_of(batch) == {"one es": "set_aside"}
    assert "--force" in status_of(batch.id)["branches"][0]["why"]
    assert unfinished(batch, [run]) == []
    assert [one.languages for one in unfinished(batch, [run], force=True)] == [["es"]]
    keep_attempt(run, BranchResult(language="es", state="completed", key=key))
    result = last_attempt(run, key)
    assert result is not None
    assert result.strikes == 0


def test_every_row_that_cannot_be_dubbed_is_named_before_anything_starts(folder: Path, store_folder: Path) -> None:
    (folder / "bad.mp4").write_bytes(b"no video")
    (folder / "worse.mp4").write_bytes(b"none either")
    with pytest.raises(BadInputError) as caught:
        night(folder, "title,languages\nbad.mp4,es\none.mp4,es\nworse.mp4,es\n", fail=[])
    assert "row 2: " in caught.value.what
    assert "row 4: " in caught.value.what
    assert not (folder / "out").exists()
    assert not (store_folder / "batches").exists()


def test_an_inbox_takes_each_content_once_and_tells_what_it_cannot_take(
    folder: Path, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned(batch: Batch, runs: list[Run]) -> list[dict[str, Any]]:
        return [{"title": run.title.name, "batch": batch.id} for run in runs]

    monkeypatch.setattr("flows.terminal.inbox.run_batch", planned)  # what dubbing does is shown above
    box = folder / "box"
    box.mkdir()
    shutil.copy(short_clip, box / "clip.mp4")
    (box / "half.mp4").write_bytes(b"not whole")
    (box / "list.csv").write_text("title,languages\nlisted.mp4,es\n")
    shutil.move(folder / "one.mp4", box / "listed.mp4")
    (box / "bad.csv").write_text("title,languages\nclip.mp4,klingonese\n")
    before = sorted(path.name for path in box.iterdir())
    inbox = Inbox(box, ["es"], profile_of(folder, fail=[]), str(folder / "out"))
    assert inbox.look() == []  # nothing has been seen to keep still yet
    summaries = inbox.look()
    assert sorted(summary["title"] for summary in summaries) == ["clip", "listed"]
    assert "klingonese" in (box / "bad.csv.error.txt").read_text()
    assert "half.mp4" in (box / "half.mp4.error.txt").read_text()
    assert sorted(path.name for path in box.iterdir() if not path.name.endswith(".error.txt")) == before
    os.rename(box / "clip.mp4", box / "renamed.mp4")
    assert inbox.look() == inbox.look() == []  # known by content
    (box / "bad.csv").unlink()
    with pytest.raises(BadInputError, match="nothing new that can be dubbed"):
        inbox.once(0.01)


@pytest.mark.slow  # two nights, with all that Prefect takes
def test_two_batches_side_by_side_in_one_process_do_not_mix(folder: Path) -> None:
    """Each has a title of the same name in the same language; one of them fails."""
    batches = {}
    for video, side in (("one", "left"), ("two", "right")):
        (folder / side).mkdir()
        (folder / f"{video}.mp4").rename(folder / side / "film.mp4")
        (folder / side / "m.csv").write_text("title,languages\nfilm.mp4,es\n")
        profile = profile_of(folder / side, ["es"] if side == "left" else [])
        out = str(folder / side / "out")
        requests = read_manifest(folder / side / "m.csv", Defaults(profile, {}, out))
        batches[side] = new_batch("m", requests, checked_profile(profile, {}), out, BudgetSettings())[0]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(dub, batches.values()))

    assert batches["left"].id != batches["right"].id
    assert states_of(batches["left"]) == {"film es": "failed"}
    assert states_of(batches["right"])["film es"] in ("completed", "needs_review")
    for side in batches:
        summary = json.loads((folder / side / "out" / "film" / "summary.json").read_text())
        assert summary["source"] == str(folder / side / "film.mp4")
        assert ("set to fail" in json.dumps(summary)) == (side == "left")
        table = pandas.read_csv(folder / side / "out" / "summary.csv", keep_default_na=False)
        assert ["completed" in state or "review" in state for state in table["state"]] == [side == "right"]
        used = ledger(batch=batches[side].id)
        steps = used[(used["step"] == "lipsync") & (used["language"] == "es")]
        assert list(steps["state"]) == ["failed" if side == "left" else "computed"]
        assert list(steps["retries"]) == [0]
        assert not used.duplicated(["title", "language", "step"]).any()
    assert not list((folder / "left" / "out").rglob("*.mp4"))
    assert len(list((folder / "right" / "out").rglob("film.es.mp4"))) == 1
