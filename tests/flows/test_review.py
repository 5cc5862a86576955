"""What is ready, what is to be looked at and why: the same words in each place where the outcome of a night is read."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from configs.night import BudgetSettings
from flows.ask.plan import Request, checked_profile
from flows.kept.branches import branch_key, keep_attempt
from flows.kept.review import tally, verdict
from flows.kept.summary import TitleResult, keep_title_result, results_of, summarize
from flows.night.batches import Batch, new_batch, runs_of
from flows.night.morning import headline, morning_rows, write_morning
from flows.night.notify import notify
from flows.night.status import status_of
from flows.terminal.status import show_morning, show_status
from flows.terminal.summary_table import show_summaries
from tasks.records.quality import Gate
from tasks.records.record import Asset
from tasks.records.result import BranchResult, Failure
from tasks.records.title import Run

PLACE = Gate(name="lipsync_place", value=0.012, warn=0.006, fail=0.010, status="fail")
LATE = Gate(name="late_ms", value=812.0, warn=185, fail=500, status="fail", note="line 3")
MISSING = Gate(name="missing_lines", value=1.0, fail=0, status="fail")
FAST = Gate(name="subtitle_cps", value=18.2, warn=17, fail=20.4, status="warn")
WAIVED = Gate(name="true_peak_dbtp", value=-0.4, fail=-2, status="fail", waiver="Creative Intent")
EARLY = Gate(name="av_offset_ms", value=-45.0, warn=40, fail=40, status="fail")

WHY = "late_ms 812 ms (fails above 500); lipsync_place 0.012 face widths (fails above 0.010); 1 warning"


def ended(*gates: Gate, state: str = "needs_review", **facts: Any) -> BranchResult:
    return BranchResult(language="es", state=state, key="k", gates=gates, **facts)  # type: ignore[arg-type]


def test_the_gate_that_is_furthest_beyond_its_limit_comes_first_then_warnings_then_what_was_waived() -> None:
    told = verdict(ended(WAIVED, FAST, PLACE, LATE, MISSING))
    assert [reason.gate for reason in told.review] == [
        "missing_lines",  # a limit of 0 tolerates nothing
        "late_ms",
        "lipsync_place",
        "subtitle_cps",
        "true_peak_dbtp",
    ]
    assert [reason.words for reason in told.review[1:]] == [
        "late_ms 812 ms (fails above 500)",
        "lipsync_place 0.012 face widths (fails above 0.010)",
        "subtitle_cps 18.2 characters/s (warns above 17)",
        "true_peak_dbtp −0.4 dBTP (fails above −2), waived: Creative Intent",
    ]
    assert (told.review[1].value, told.review[1].limit, told.review[1].note) == (812.0, 500.0, "line 3")
    assert told.why == f"missing_lines 1 (fails above 0); {WHY}"


def test_what_only_warns_or_was_waived_is_ready_and_still_listed() -> None:
    told = verdict(ended(FAST, WAIVED, state="completed"))
    assert (told.state, told.why) == ("completed", "")
    assert [reason.status for reason in told.review] == ["warn", "waived"]


def test_a_gate_that_fails_by_more_than_a_number_names_the_number_there_is() -> None:
    residual = Gate(name="bed_residual_db", value=-20.04, warn=-35, status="fail")
    assert verdict(ended(residual)).why == "bed_residual_db −20.0 dB (fails above −35.0)"
    assert verdict(ended()).why == "see its report"


def test_a_dub_that_is_off_in_the_multi_track_master_alone_is_to_be_reviewed() -> None:
    told = verdict(ended(state="completed"), EARLY)
    assert told.state == "needs_review"
    assert told.why == "av_offset_ms −45 ms in the multi-track master (fails beyond ±40)"


def test_a_title_that_has_no_multi_track_master_is_not_called_ready() -> None:
    failure = Failure(kind="OSError", what="No space left.", step="package-multi")
    told = verdict(ended(state="completed"), title=failure)
    assert (told.state, told.why) == ("needs_review", "title: package-multi: No space left.")
    lost = ended(state="failed", failure=Failure(kind="X", what="no voice", step="synthesize"))
    assert verdict(lost, title=failure).why == "synthesize: no voice"


def test_a_tally_names_what_is_ready_to_review_and_failed_even_where_there_is_none() -> None:
    states = ["completed"] * 8 + ["needs_review"] * 10
    assert tally(states) == "8 ready, 10 to review, 0 failed"
    assert tally(["running", "carried_over", "running"]) == "0 ready, 0 to review, 0 failed, 1 carried over, 2 running"


@pytest.fixture
def night(short_clip: Path, store_folder: Path, tmp_path: Path) -> Batch:
    """A batch of a title that is ready in es, to be reviewed in fr, and failed in ja."""
    video = str(shutil.copy(short_clip, tmp_path / "talk (1).mp4"))
    out = str(tmp_path / "out")
    asked = [Request([video], ["es", "fr", "ja"], out, "fake", source_language="en")]
    batch, (run,) = new_batch("m", asked, checked_profile("fake", {}), out, BudgetSettings())
    page = Asset(uri=video, sha256="0" * 64, bytes=1)
    good = {"outputs": {"es/report.html": page}}
    bad = {"outputs": {"fr/report.html": page}, "gates": (FAST, PLACE, LATE)}
    lost = {"failure": Failure(kind="PermanentError", what="no voice", step="synthesize")}
    for language, state, facts in (("es", "completed", good), ("fr", "needs_review", bad), ("ja", "failed", lost)):
        keep_attempt(run, BranchResult(language=language, state=state, key=branch_key(run.branch(language)), **facts))  # type: ignore[arg-type]
    keep_title_result(run, ended_title(run))
    return batch


def ended_title(run: Run) -> TitleResult:
    return TitleResult(branches=tuple(results_of(run, {})))


def test_summary_json_tells_it(night: Batch) -> None:
    (run,) = runs_of(night)
    summary = json.loads(json.dumps(summarize(run, ended_title(run))))
    assert summary["outcome"] == "1 ready, 1 to review, 1 failed"
    assert (summary["ready"], summary["to_review"], summary["delivered"], summary["failed"]) == (1, 1, 2, 1)
    assert {tag: told["why"] for tag, told in summary["languages"].items()} == {
        "es": "",
        "fr": WHY,
        "ja": "synthesize: no voice",
    }
    first = summary["languages"]["fr"]["review"][0]
    assert first == {
        "gate": "late_ms",
        "value": 812.0,
        "limit": 500.0,
        "status": "fail",
        "words": "late_ms 812 ms (fails above 500)",
        "note": "line 3",
    }


def test_the_terminal_tells_it_at_the_end_of_a_run(night: Batch, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = runs_of(night)
    show_summaries([summarize(run, ended_title(run))])
    shown = capsys.readouterr().err
    assert "talk (1): partial (1 ready, 1 to review, 1 failed)" in shown
    assert "    review  late_ms 812 ms (fails above 500)\n    review  lipsync_place 0.012" in shown
    assert "    warns   subtitle_cps 18.2 characters/s (warns above 17)\n" in shown
    assert "titles" not in shown
    show_summaries([summarize(run, ended_title(run))] * 2)
    assert capsys.readouterr().err.endswith("2 titles: 2 ready, 2 to review, 2 failed\n")


def test_the_terminal_tells_it_at_the_end_of_a_batch(night: Batch, capsys: pytest.CaptureFixture[str]) -> None:
    show_morning(night, [])
    shown = capsys.readouterr().err
    assert f"talk (1) fr: needs review: {WHY}\n    report  {night.out}/talk (1)/fr/report.html\n" in shown
    assert shown.index("talk (1) ja: failed: synthesize: no voice") < shown.index("talk (1) fr")
    assert f"{night.id}: 1 ready, 1 to review, 1 failed of 3" in shown


def test_status_tells_it(night: Batch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    found = json.loads(json.dumps(status_of(night.id)))
    assert found["outcome"] == "1 ready, 1 to review, 1 failed"
    assert found["branches"][1]["why"] == WHY
    assert [reason["gate"] for reason in found["branches"][1]["review"]] == ["late_ms", "lipsync_place", "subtitle_cps"]
    show_status(found)
    shown = capsys.readouterr().out
    assert WHY in shown
    assert "1 ready, 1 to review, 1 failed" in shown


def test_the_morning_tells_it_in_its_tables_and_links_the_report_beside_them(night: Batch) -> None:
    rows = morning_rows(night, runs_of(night))
    write_morning(night, rows)
    text = (Path(night.out) / "summary.md").read_text("utf-8")
    assert text.startswith(f"# {headline(night, rows)}\n")
    assert f"| talk (1) | fr | needs review | {WHY} |" in text
    assert "| [report](talk%20%281%29/fr/report.html) |" in text
    with (Path(night.out) / "summary.csv").open(encoding="utf-8") as file:
        table = {row["language"]: row for row in csv.DictReader(file)}
    assert {language: row["why"] for language, row in table.items()} == {
        "es": "",
        "fr": WHY,
        "ja": "synthesize: no voice",
    }


def test_a_webhook_is_told_it(night: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[bytes] = []

    def exchange(*_: str, content: bytes, **__: Any) -> Any:
        posted.append(content)
        return SimpleNamespace(status=200)

    monkeypatch.setenv("POLYDUB_WEBHOOK_URL", "http://127.0.0.1:1/hook")
    monkeypatch.setattr("flows.night.notify.exchange", exchange)
    assert notify(night, morning_rows(night, runs_of(night))) == []
    body = json.loads(posted[0])
    assert body["text"].endswith("1 ready, 1 to review, 1 failed of 3")
    assert body["counts"] == {"delivered": 2, "failed": 1}
    (one,) = body["to_review"]
    assert (one["title"], one["language"], one["why"]) == ("talk (1)", "fr", WHY)
    assert [reason["gate"] for reason in one["review"]] == ["late_ms", "lipsync_place", "subtitle_cps"]
    assert one["report"].endswith("fr/report.html")


def test_the_dashboard_tells_it_in_its_tables_and_states(night: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.dub import show, title_end
    from flows.night import batch

    tables: dict[str, list[dict[str, Any]]] = {}

    def keep(key: str, table: list[dict[str, Any]], description: str) -> None:
        tables[description] = table

    monkeypatch.setattr(show, "create_table_artifact", keep)
    monkeypatch.setattr(batch, "create_table_artifact", keep)
    (run,) = runs_of(night)
    title = ended_title(run)
    show.show_branches(run, title)
    (rows,) = tables.values()
    assert [row["why"] for row in rows] == ["", WHY, "synthesize: no voice"]
    assert rows[1]["report"] == f"{run.title.folder}/fr/report.html"

    delivered = title.model_copy(update={"branches": title.branches[:2]})
    state = title_end._end_of(run, delivered)
    assert (state.name, state.message) == (
        "NeedsReview",
        f"1 ready, 1 to review, 0 failed, in {run.title.folder}. fr: {WHY}",
    )
    ready = title_end._end_of(run, title.model_copy(update={"branches": title.branches[:1]}))
    assert (ready.kind, ready.name, ready.message) == (
        "completed",
        None,
        f"1 ready, 0 to review, 0 failed, in {run.title.folder}",
    )

    night_ended = batch._ended(night, [run])
    told = f"{night.id}: 1 ready, 1 to review, 1 failed of 3"
    assert (night_ended.name, night_ended.message) == ("PartialFailure", told)
    assert [(row["language"], row["why"]) for row in tables[told]] == [
        ("ja", "synthesize: no voice"),
        ("fr", WHY),
        ("es", ""),
    ]


def test_a_copy_with_burned_in_subtitles_is_not_taken_for_the_master() -> None:
    names = ("clip.es.burned.mp4", "clip.es.mp4", "es/mix.wav")
    outputs = {name: Asset(uri=f"/store/{name}", sha256="0" * 64, bytes=1) for name in names}
    assert ended(state="completed", outputs=outputs).master == "clip.es.mp4"


def test_the_terminal_says_that_a_preset_is_delivered_and_how_many_files_it_has(
    night: Batch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs_of(night)[0]
    summary = summarize(run, ended_title(run))
    gates: list[dict[str, Any]] = []
    one = {
        "state": "completed",
        "error": None,
        "files": {"talk.es.xml": {}},
        "folder": "deliver/netflix",
        "gates": gates,
    }
    show_summaries([{**summary, "deliver": {"netflix": one}}])
    assert "deliver netflix: delivered, 1 file in" in capsys.readouterr().err
