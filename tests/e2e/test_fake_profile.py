"""The whole graph on a real Prefect server, with fake backends: order, isolation, resume, what is delivered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.sound import MixSettings
from configs.subtitle_files import SubtitleSettings
from flows.ask.plan import Request, plan
from flows.cli import app
from flows.kept.answered import answered_from_store
from flows.terminal.runner import dub_titles
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run
from tasks.step.table import of_part
from tasks.words.delivered import read_back

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder")]

AT_THE_END = [step.name for step in of_part("end") if step.name != "sign-multi"]  # no key is set


def planned(video: Path, out: Path, *languages: str, fail: tuple[str, ...] = (), **changes: Any) -> Run:
    overrides = {"lipsync": {"backend": "fake", "options": {"fail": list(fail)}}}
    given: dict[str, Any] = {"videos": [str(video)], "languages": languages, "out": str(out), "profile": "fake"}
    given |= {"overrides": overrides, "source_language": "en", **changes}
    return plan(Request(**given))[0]


def dub(run: Run) -> tuple[dict[str, Any], list[StepEvent]]:
    """The summary, and the steps that were really computed."""
    events: list[StepEvent] = []
    with listening(events.append):
        summary = dub_titles([run])[0]
    return summary, [event for event in events if event.state == "computed"]


def delivered(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_title_delivers_what_the_contract_names(short_clip: Path, tmp_path: Path) -> None:
    summary, _ = dub(planned(short_clip, tmp_path, "es", "fr"))
    names = ("script.json", "script.srt", "script.vtt", "dialogue.wav", "bed.wav", "mix.wav", "lipsync.json")
    each = {f"{tag}/{name}" for tag in ("es", "fr") for name in (*names, "qc.json", "report.html")}
    masters = {"clip.es.mp4", "clip.fr.mp4", "clip.multi.mkv", "title.json", "summary.json"}
    assert delivered(tmp_path / "clip") == each | masters
    assert json.loads((tmp_path / "clip" / "summary.json").read_text()) == summary
    assert summary["fake"]
    assert any("FAKE" in note for note in summary["shared"]["notes"])
    page = (tmp_path / "clip" / "es" / "report.html").read_text()
    assert "fake" in page.lower()
    told = json.loads((tmp_path / "clip" / "title.json").read_text())["provenance"]["disclosure"]
    assert told["es"] == "The speech of this dub is synthetic."
    assert told["es"] in page


def test_what_subtitles_say_is_sung_stays_and_stems_are_flac_where_the_profile_says_so(
    short_clip: Path, tmp_path: Path
) -> None:
    words = tmp_path / "clip.en.srt"
    cues = ("00:00:00,000 --> 00:00:00,600\n♪ La la ♪", "00:00:01,000 --> 00:00:01,700\nGood morning.")
    words.write_text("\n\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, start=1)), "utf-8")
    run = planned(short_clip, tmp_path / "out", "es", subtitles=str(words))
    subtitles = SubtitleSettings(formats=("imsc",), sdh=True, forced=True)
    changed = {"mix": MixSettings(stems="flac"), "subtitles": subtitles}
    summary, _ = dub(run.model_copy(update={"profile": run.profile.model_copy(update=changed)}))
    there = tmp_path / "out" / "clip" / "es"
    kinds = {f"script.{variant}{ending}" for variant in ("", "sdh.") for ending in ("srt", "vtt", "imsc.ttml")}
    assert {path.name for path in there.glob("script.*")} == {"script.json", *kinds}
    assert read_back(there / "script.sdh.imsc.ttml")[0].rows[0].startswith("♪ ")
    assert [len(read_back(there / f"script.{kind}")) for kind in ("srt", "imsc.ttml", "sdh.vtt")] == [1, 1, 2]
    notes = summary["languages"]["es"]["notes"]
    assert any("no words in the picture are known" in note for note in notes)
    script, sheet = (json.loads((there / name).read_text()) for name in ("script.json", "qc.json"))
    assert [(one["start_ms"], one["text"]) for one in script["kept"]] == [(0, "♪ La la ♪")]
    assert len(script["lines"]) == sheet["lines"] == 1
    assert sheet["kept"][0]["text"] == "♪ La la ♪"
    page = (there / "report.html").read_text()
    assert "original kept" in page
    assert "dialogue.flac" in page
    assert sorted(path.name for path in there.glob("*.flac")) == ["bed.flac", "dialogue.flac", "mix.flac"]
    assert not list(there.glob("*.wav"))


def test_finished_work_is_answered_without_prefect(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned(short_clip, tmp_path, "es")
    dub(run)
    before = delivered(tmp_path / "clip")
    (tmp_path / "clip" / "clip.es.mp4").unlink()
    summary = answered_from_store(run)
    assert summary is not None
    assert summary["languages"]["es"]["computed"] == summary["shared"]["computed"] == 0
    assert delivered(tmp_path / "clip") == before


def test_an_unfinished_title_is_not_answered_from_the_store(short_clip: Path, tmp_path: Path) -> None:
    dub(planned(short_clip, tmp_path, "es"))
    assert answered_from_store(planned(short_clip, tmp_path, "es", "fr")) is None


def test_another_language_reuses_the_shared_steps_and_joins_the_multi_track_master(
    short_clip: Path, tmp_path: Path
) -> None:
    dub(planned(short_clip, tmp_path, "es"))
    summary, computed = dub(planned(short_clip, tmp_path, "ca"))
    assert {event.language for event in computed if event.step not in AT_THE_END} == {"ca"}
    assert set(summary["languages"]) == {"es", "ca"}
    probe = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "a",
        "-show_entries",
        "stream_tags=language",
        "-of",
        "csv=p=0",
    ]
    tags = subprocess.run([*probe, tmp_path / "clip" / "clip.multi.mkv"], capture_output=True, text=True, check=True)
    assert sorted(tags.stdout.split()) == ["cat", "eng", "spa"]


def test_a_failed_language_leaves_the_others_alone_and_is_redone_alone(short_clip: Path, tmp_path: Path) -> None:
    summary, _ = dub(planned(short_clip, tmp_path, "es", "ja", "fr", fail=("ja",)))
    assert summary["state"] == "partial"
    assert (summary["delivered"], summary["failed"]) == (2, 1)
    error = summary["languages"]["ja"]["error"]
    assert error["step"] == "lipsync"
    assert "set to fail for ja" in error["what"]
    assert not (tmp_path / "clip" / "clip.ja.mp4").exists()
    assert not (tmp_path / "clip" / "ja").exists()

    mended, computed = dub(planned(short_clip, tmp_path, "es", "ja", "fr"))
    assert mended["failed"] == 0
    assert {event.language for event in computed if event.step not in AT_THE_END} == {"ja"}
    assert {event.step for event in computed} >= {"lipsync", "package-multi"}
    assert "translate" not in {event.step for event in computed}  # from its first missing result


def test_nothing_can_be_delivered_when_every_language_fails(short_clip: Path, tmp_path: Path) -> None:
    summary, _ = dub(planned(short_clip, tmp_path, "es", fail=("es",)))
    assert (summary["state"], summary["delivered"], summary["multi"]) == ("failed", 0, None)
    assert delivered(tmp_path / "clip") == {"title.json", "summary.json"}


def test_branches_may_run_side_by_side(short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYDUB_BRANCHES_AT_ONCE", "3")
    summary, _ = dub(planned(short_clip, tmp_path, "es", "ja", "fr", fail=("ja",)))
    assert {tag: branch["state"] == "failed" for tag, branch in summary["languages"].items()} == {
        "es": False,
        "ja": True,
        "fr": False,
    }


def test_two_runs_of_one_title_at_once_do_not_hurt_each_other(short_clip: Path, tmp_path: Path) -> None:
    runs = [planned(short_clip, tmp_path / name, "es") for name in ("one", "two")]
    computed: list[StepEvent] = []
    with listening(lambda event: computed.append(event) if event.state == "computed" else None):
        threads = [threading.Thread(target=dub_titles, args=([run],)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name in ("one", "two"):
        summary = json.loads((tmp_path / name / "clip" / "summary.json").read_text())
        assert summary["delivered"] == 1, (summary["error"], summary["languages"])
    masters = [(tmp_path / name / "clip" / "clip.es.mp4").read_bytes() for name in ("one", "two")]
    assert masters[0] == masters[1]
    assert [event.step for event in computed].count("mix") == 1


def test_the_same_input_gives_the_same_bytes(short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for name in ("first", "second"):
        monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "stores" / name))
        dub(planned(short_clip, tmp_path / "out", "es"))
        folder = tmp_path / "out" / "clip"
        contents.append({path: (folder / path).read_bytes() for path in delivered(folder) - {"summary.json"}})
        shutil.rmtree(folder)
    assert contents[0].keys() == contents[1].keys()
    assert [path for path in contents[0] if contents[0][path] != contents[1][path]] == []


def test_an_edited_line_changes_that_line_alone_and_stays_with_its_words(short_clip: Path, tmp_path: Path) -> None:
    from flows.terminal.edit import Imported, export_script, import_script

    def worded(*cues: str) -> Run:
        words.write_text("\n\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, start=1)), "utf-8")
        return planned(short_clip, tmp_path, "es", subtitles=str(words))

    def spoken() -> list[str]:
        return [line["text"] for line in json.loads((tmp_path / "clip" / "es" / "script.json").read_text())["lines"]]

    def settled() -> dict[str, str]:
        found: dict[str, str] = json.loads((tmp_path / "clip" / "es" / "lipsync.json").read_text())["settled"]
        return found

    words = tmp_path / "words.en.srt"
    cues = ("00:00:00,700 --> 00:00:01,200\nGood morning.", "00:00:01,300 --> 00:00:01,900\nGood evening.")
    dub(worded(*cues))
    before = settled()
    script = json.loads(export_script(tmp_path / "clip", "es")[0])
    script["lines"][0]["text"] = "Una línea muy distinta."
    (tmp_path / "edited.json").write_text(json.dumps(script))
    assert import_script(tmp_path / "clip", "es", tmp_path / "edited.json") == Imported(1, 0, ())
    summary, _ = dub(worded(*cues))
    hits = summary["languages"]["es"]["cache_hits"]["synthesize"]
    assert hits["hits"] == hits["parts"] - 1
    assert spoken() == ["Una línea muy distinta.", "[es] Good evening."]
    assert settled() == before  # so the mouth moves on the other lines as it did

    summary, _ = dub(worded("00:00:00,100 --> 00:00:00,600\nWelcome.", *cues))
    assert spoken() == ["[es] Welcome.", "Una línea muy distinta.", "[es] Good evening."]
    assert not any("not applied" in note for note in summary["languages"]["es"]["notes"])


def test_a_preview_is_a_title_of_its_own(short_clip: Path, tmp_path: Path) -> None:
    summary, _ = dub(planned(short_clip, tmp_path, "es", preview_s=2.0))
    assert summary["title"] == "clip.preview"
    facts = json.loads((tmp_path / "clip.preview" / "title.json").read_text())["facts"]
    assert abs(facts["duration_ms"] - 2000) <= 80


@pytest.mark.slow
def test_a_title_is_found_in_a_store_that_took_in_its_archive_and_made_again_after_a_clean_up(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dub(planned(short_clip, tmp_path / "out", "es"))

    def store(*words: str) -> str:
        done = CliRunner().invoke(app, ["store", *words])
        assert done.exit_code == 0, done.output
        return done.output

    store("export", "clip", "--out", str(tmp_path / "clip.tar"))
    monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "other"))
    store("import", str(tmp_path / "clip.tar"))
    assert answered_from_store(planned(short_clip, tmp_path / "out", "es"))

    for path in (tmp_path / "other").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
    store("prune", "--older", "30d", "--keep-latest", "--yes")
    assert answered_from_store(planned(short_clip, tmp_path / "out", "es"))
    for path in (tmp_path / "other").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
    store("prune", "--older", "30d", "--yes")
    summary, computed = dub(planned(short_clip, tmp_path / "out", "es"))
    assert {"separate", "lipsync"} <= {event.step for event in computed}
    assert any("polydub store prune" in note for note in summary["shared"]["notes"])
