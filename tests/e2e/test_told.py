"""What was dropped, changed or fallen back on stands in one list: summary, terminal, report and dashboard."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flows.ask.plan import Request, plan
from flows.dub.show import artifact_key
from flows.kept.answered import answered_from_store
from flows.kept.summary import notes_of, summarize, title_result
from flows.terminal.runner import dub_titles
from flows.terminal.summary_table import show_folder
from tasks.records.quality import Gate

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder")]


@pytest.fixture
def two_tracks(short_clip: Path, tmp_path: Path) -> Path:
    """A second audio track, which the probe tells of, and subtitles, which are the end's affair."""
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n", "utf-8")
    path = tmp_path / "tracks.mp4"
    maps = ("-map", "0", "-map", "0:a", "-map", "1", "-c:s", "mov_text")
    command = ["ffmpeg", "-v", "error", "-i", str(short_clip), "-i", str(words), "-c", "copy", *maps, str(path)]
    subprocess.run(command, check=True)
    return path


def test_every_note_reaches_summary_terminal_report_and_dashboard(
    two_tracks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = Request([str(two_tracks)], ["es"], str(tmp_path / "out"), "fake", source_language="en")
    run = plan(request)[0]
    run = run.model_copy(update={"title": run.title.model_copy(update={"notes": ("Planned so.",)})})
    summary = dub_titles([run])[0]
    folder = tmp_path / "out" / "tracks"

    told = notes_of(summary)
    assert notes_of(json.loads((folder / "summary.json").read_bytes())) == told
    for of_the_title in ("Planned so.", "2 audio tracks", "is SubRip", "The transcript is invented"):
        assert any(of_the_title in note and not language for language, note in told), of_the_title
    assert ("es", "FAKE lip sync: nothing was edited.") in told

    show_folder(folder)
    shown = capsys.readouterr().out
    assert [note for _, note in told if note not in shown] == []

    page = (folder / "es" / "report.html").read_text("utf-8")
    of_the_dub = ("Planned so.", "2 audio tracks", "The transcript is invented", "FAKE lip sync")
    assert [note for note in of_the_dub if note not in page] == []

    rows = _artifact(artifact_key(run, "notes"))
    assert [(row["language"], row["note"]) for row in rows] == [(tag or "all", note) for tag, note in told]

    again = answered_from_store(run)
    assert again is not None
    assert notes_of(again) == told


@pytest.mark.slow
def test_a_gate_that_fails_is_named_by_the_states_of_the_runs_and_by_the_table_of_the_title(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.qc import qc

    bad = Gate(name="lipsync_place", value=0.012, warn=0.006, fail=0.010, status="fail")
    check = qc.check
    monkeypatch.setattr(
        qc, "check", lambda given: {**check(given), "gates": [bad.model_dump()], "state": "needs_review"}
    )
    run = plan(Request([str(short_clip)], ["es"], str(tmp_path / "out"), "fake", source_language="en"))[0]
    summary = dub_titles([run])[0]
    why = "lipsync_place 0.012 face widths (fails above 0.010)"
    assert (summary["outcome"], summary["languages"]["es"]["why"]) == ("0 ready, 1 to review, 0 failed", why)
    assert [(row["state"], row["why"]) for row in _artifact(artifact_key(run, "branches"))] == [("needs_review", why)]
    assert _states() == {
        run.title.name: ("NeedsReview", f"0 ready, 1 to review, 0 failed, in {run.title.folder}. es: {why}"),
        f"{run.title.name}-es": ("NeedsReview", why),
    }


def _states() -> dict[str, tuple[str | None, str | None]]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=2, sort=FlowRunSort.START_TIME_DESC)
    return {one.name: (one.state.name, one.state.message) for one in runs if one.state}


def _artifact(key: str) -> list[dict[str, Any]]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    with get_client(sync_client=True) as client:
        (found,) = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return json.loads(found.data)  # type: ignore[arg-type,no-any-return]


@pytest.mark.slow
def test_a_dub_that_is_late_in_the_multi_track_master_alone_needs_review(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.package import package

    pack = package.package_multi

    def packed_late(*given: Any, **more: Any) -> tuple[str, ...]:
        notes, out = pack(*given, **more), given[4]
        good = out.with_stem("good")
        out.replace(good)
        late = ["-i", str(good), "-itsoffset", "0.08", "-i", str(good), "-map", "0:v", "-map", "0:a:0", "-map", "1:a:1"]
        subprocess.run(["ffmpeg", "-v", "error", *late, "-c", "copy", str(out)], check=True)
        return notes

    monkeypatch.setattr(package, "package_multi", packed_late)
    run = plan(Request([str(short_clip)], ["es"], str(tmp_path / "out"), "fake", source_language="en"))[0]
    summary = dub_titles([run])[0]
    gate = summary["multi_gates"]["es"]
    assert (gate["status"], gate["value"]) == ("fail", pytest.approx(80, abs=15))
    assert any("sound of es is" in note and "late against the picture" in note for note in summary["shared"]["notes"])
    result = title_result(run)
    assert result is not None
    good = tuple(branch.model_copy(update={"state": "completed"}) for branch in result.branches)
    heard = result.model_copy(update={"branches": good})
    assert summarize(run, heard)["state"] == "needs_review"
    assert summarize(run, heard.model_copy(update={"multi_gates": {}}))["state"] == "completed"
