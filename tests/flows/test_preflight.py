"""Impossible work is refused before any is begun, by title, language, row and column; what can be done goes on."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from flows.ask.output import writable
from flows.ask.plan import Request, plan
from flows.ask.preflight import Asked, faults
from flows.ask.room import room_of
from flows.cli import app
from flows.kept.outlook import outlook
from flows.kept.refused import NothingLeftError, possible
from flows.terminal.inbox import Inbox
from flows.terminal.watch import run_watched
from tasks.records.errors import BadInputError
from tasks.records.title import Run
from tasks.translate.apertium_routes import parse_modes

pytestmark = pytest.mark.usefixtures("store_folder", "probed_once")

WORDS = "1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n\n2\n00:00:02,200 --> 00:00:03,400\nHello.\n"


@pytest.fixture
def talk(short_clip: Path, tmp_path: Path) -> Path:
    (tmp_path / "talk.srt").write_text(WORDS)
    return Path(shutil.copy(short_clip, tmp_path / "talk.mp4"))


def planned(video: Path, *languages: str, profile: str = "offline", subtitles: bool = True, **more: Any) -> Run:
    given: dict[str, Any] = {
        "source_language": "en",
        "subtitles": str(video.with_suffix(".srt")) if subtitles else None,
    }
    given |= {"overrides": {"lipsync": {"backend": "none"}, "sidecar": False}, **more}
    return plan(Request([str(video)], list(languages), str(video.parent / "out"), profile, **given))[0]


def told(run: Run, **more: Any) -> list[tuple[str, str, str]]:
    found = faults([Asked(run, run.title.languages, **more)])
    return [(one.language, str(one.error.data.get("step", "")), str(one.error)) for one in found]


def apertium(monkeypatch: pytest.MonkeyPatch, *pairs: str) -> None:
    """A machine with these of Apertium's pairs."""
    modes = parse_modes(pairs)
    monkeypatch.setattr("tasks.translate.apertium.ApertiumTranslator._installed", lambda _self: modes)


def test_a_pair_without_a_route_is_refused_by_name_and_the_other_language_is_not(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apertium(monkeypatch, "eng-spa")
    assert [(tag, step) for tag, step, _ in told(planned(talk, "es", "de", "es-MX"))] == [("de", "translate")]
    assert "no route from English (en) to German (de)" in told(planned(talk, "de"))[0][2]


def test_without_a_known_language_only_what_no_language_reaches_is_refused(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apertium(monkeypatch, "cat-spa", "ita-cat")
    monkeypatch.setattr("tasks.transcribe.faster_whisper.FasterWhisperTranscriber.missing", lambda _self: [])
    run = planned(talk, "es", "de", subtitles=False, source_language=None)
    assert [(tag, step) for tag, step, _ in told(run) if step == "translate"] == [("de", "translate")]
    assert [(tag, step) for tag, step, _ in told(run, spoken="en") if step == "translate"] == [
        ("es", "translate"),
        ("de", "translate"),
    ]


@pytest.mark.parametrize(("spoken", "language"), [("en", "en"), ("fr", "fr"), ("pt-BR", "pt-BR")])
def test_a_title_is_not_dubbed_into_its_own_language(talk: Path, spoken: str, language: str) -> None:
    found = told(planned(talk, language, profile="fake", source_language=spoken))
    assert [(tag, step) for tag, step, _ in found] == [(language, "translate")]
    assert "already speaks" in found[0][2]


def test_a_voice_without_the_language_and_a_recogniser_without_it_are_refused(talk: Path) -> None:
    voice = {"synthesize": {"backend": "kokoro", "fallbacks": ["espeak"]}, "sidecar": False}
    found = told(planned(talk, "tlh", profile="fake", overrides=voice))
    assert [step for _, step, _ in found] == ["synthesize"]
    assert "espeak does not speak Klingon" in found[0][2]
    ears = {"transcribe": {"backend": "pocketsphinx"}, "sidecar": False}
    found = told(planned(talk, "es", profile="fake", subtitles=False, source_language="ja", overrides=ears))
    assert [(tag, step) for tag, step, _ in found] == [("", "transcribe")]
    assert "pocketsphinx does not hear Japanese" in found[0][2].replace("Pocket", "pocket")


def test_a_licence_that_was_not_accepted_and_a_key_that_is_not_set_are_refused(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COQUI_TOS_AGREED", "DEEPL_API_KEY", "SYNC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    agreed = tmp_path / "agreed.yaml"
    agreed.write_text("- {who: '*', what: [voice, face], when: 2026-01-01, scope: dubs, titles: ['*']}\n")
    chosen: dict[str, Any] = {"synthesize": {"backend": "coqui"}, "translate": {"backend": "deepl"}, "sidecar": False}
    run = planned(talk, "es", profile="fake", overrides={**chosen, "consent": str(agreed)})
    found = told(run, fresh=False)
    assert [step for _, step, _ in found] == ["translate", "synthesize"]
    assert "DEEPL_API_KEY" in found[0][2]
    assert "COQUI_TOS_AGREED" in found[1][2]
    other = {"translate": {"backend": "deepl", "fallbacks": ["fake"]}, "sidecar": False}
    assert told(planned(talk, "es", profile="fake", overrides=other), fresh=False) == []


def test_a_service_that_takes_no_connection_is_refused_before_the_first_step_but_not_asked_for_finished_work(
    talk: Path,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    run = planned(talk, "es", profile="fake", overrides={"translate": _libre(url), "sidecar": False})
    assert [(tag, step) for tag, step, _ in told(run)] == [("es", "translate")]
    assert url in told(run)[0][2]
    assert told(run, fresh=False) == []
    with socket.create_server(("127.0.0.1", 0)) as server:
        reached = planned(talk, "es", profile="fake", overrides={"translate": _libre(_url(server)), "sidecar": False})
        assert told(reached) == []


def _libre(url: str) -> dict[str, Any]:
    return {"backend": "libretranslate", "options": {"url": url}}


def _url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_missing_program_is_told_for_the_title_once(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = planned(talk, "es", "fr", profile="fake")
    monkeypatch.setattr("flows.ask.preflight.shutil.which", lambda name: None if name == "ffmpeg" else name)
    assert told(run) == [("", "", "The program ffmpeg is not installed. `apt-get install ffmpeg`.")]


def test_a_disk_that_is_too_small_is_told_with_what_is_needed(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = planned(talk, "es", "fr", profile="fake")
    needed = room_of([(run, ["es", "fr"])]).whole
    assert 4e6 < needed < 2e7  # four seconds in two languages
    assert room_of([(run, ["es"])]).whole < needed
    monkeypatch.setattr("flows.ask.room.shutil.disk_usage", lambda _path: SimpleNamespace(free=needed * 0.9))
    assert "too little room" in told(run)[0][2]
    monkeypatch.setattr("flows.ask.room.shutil.disk_usage", lambda _path: SimpleNamespace(free=needed * 1.1))
    assert told(run) == []


def test_a_limit_on_the_size_of_files_is_found_before_a_master_meets_it(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned(talk, "es", profile="fake")
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1000, 1000))
    assert "ulimit -f" in told(run)[0][2]


@pytest.mark.parametrize("name", ["/proc/self/out", "x" * 300, "a\0b", "/dev/null/out", "~nobody-of-this-name/out"])
def test_an_output_that_cannot_be_made_is_bad_input(name: str) -> None:
    with pytest.raises(BadInputError, match="cannot be written"):
        writable(Path(name))


def test_an_output_in_a_folder_that_may_not_be_entered_is_bad_input(tmp_path: Path) -> None:
    """As somebody who is not root: the raw error of the operating system was a traceback."""
    if os.getuid():
        pytest.skip("needs root, to be somebody else")
    (tmp_path / "closed" / "in").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    code = (
        "import os, sys; from pathlib import Path; from flows.ask.output import writable\n"
        "from tasks.records.errors import BadInputError\n"
        "os.setuid(65534)\n"
        f"try: writable(Path({str(tmp_path / 'closed' / 'in' / 'out')!r}))\n"
        "except BadInputError as error: print(error.what)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Permission denied" in done.stdout, done.stderr


def test_a_possible_output_is_left_as_it_was(tmp_path: Path) -> None:
    assert writable(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []


# -- the client's files


def sound(path: Path, seconds: float, level: float = 0.1, channels: int = 2) -> Path:
    noise = np.random.default_rng(1).normal(0, level, (int(seconds * 48000), channels)) if level else None
    soundfile.write(path, np.zeros((int(seconds * 48000), channels)) if noise is None else noise, 48000)
    return path


def test_a_bed_that_can_only_be_wrong_is_refused_with_the_column(talk: Path, tmp_path: Path) -> None:
    for bed, what in (
        (sound(tmp_path / "short.wav", 1.0), "lasts 1.00 s"),
        (sound(tmp_path / "still.wav", 4, 0), "silent"),
    ):
        with pytest.raises(BadInputError, match=what) as refused:
            planned(talk, "es", profile="fake", bed=str(bed))
        assert refused.value.data["column"] == "bed"
    waived = {"waivers": {"bed_missing_ms": "no music", "bed_length_ms": "no music"}, "sidecar": False}
    assert planned(talk, "es", profile="fake", bed=str(tmp_path / "still.wav"), overrides=waived).title.bed
    assert planned(talk, "es", profile="fake", bed=str(tmp_path / "short.wav"), overrides=waived).title.bed
    assert planned(talk, "es", profile="fake", bed=str(sound(tmp_path / "good.wav", 4))).title.bed


def test_a_bed_of_mono_tracks_is_refused_for_one_alone_would_be_heard(talk: Path, tmp_path: Path) -> None:
    left, split = sound(tmp_path / "left.wav", 4, channels=1), tmp_path / "split.mka"
    command = ["ffmpeg", "-v", "error", "-i", left, "-i", left, "-map", "0", "-map", "1", "-c", "copy", split]
    subprocess.run(command, check=True)
    with pytest.raises(BadInputError, match="2 tracks of one channel"):
        planned(talk, "es", profile="fake", bed=str(split))


def test_all_that_is_wrong_beside_a_title_is_told_at_once(talk: Path, tmp_path: Path) -> None:
    bed, dub = sound(tmp_path / "still.wav", 4, 0), sound(tmp_path / "stub.wav", 0.5)
    with pytest.raises(BadInputError) as refused:
        planned(talk, "es", profile="fake", bed=str(bed), dubs={"es": str(dub)})
    assert "silent" in refused.value.what
    assert "stub.wav lasts 0.50 s" in refused.value.what


# -- what comes of it


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_args: Any) -> None:
        raise AssertionError("a Prefect server was started")

    monkeypatch.setattr("flows.service.server.prefect_server", started)
    monkeypatch.setattr("flows.terminal.runner._dub_here", started)


def test_of_languages_those_that_can_be_go_on_and_the_others_are_kept_as_failed(talk: Path) -> None:
    run = planned(talk, "es", "en", profile="fake")
    assert possible(run, run.title.languages) == ["es"]
    with pytest.raises(NothingLeftError, match="already speaks"):
        possible(run, ["en"])
    assert possible(run, ["es", "en"], "es") == ["en"]  # what was heard says more than what was said


@pytest.mark.usefixtures("no_server")
def test_a_title_that_cannot_be_ends_without_a_server_and_says_why(
    talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summaries = run_watched([planned(talk, "en", profile="fake")])
    assert (summaries[0]["state"], summaries[0]["failed"]) == ("failed", 1)
    assert "already speaks English" in summaries[0]["languages"]["en"]["error"]["what"]
    assert "Nothing of this can be dubbed here" in capsys.readouterr().err
    assert (talk.parent / "out" / "talk" / "summary.json").exists()


@pytest.mark.usefixtures("no_server")
def test_a_manifest_that_cannot_be_names_rows_and_columns(talk: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "night.csv"
    manifest.write_text("title,languages,source_language\ntalk.mp4,en,en\n")
    done = CliRunner().invoke(app, ["batch", str(manifest), "--profile", "fake", "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "row 2, column languages: talk en: The title already speaks English" in done.output


def test_a_dry_run_shows_the_plan_and_leaves_nothing(talk: Path, tmp_path: Path) -> None:
    asked = ["run", str(talk), "--to", "es,en", "--from", "en", "--profile", "fake", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert done.exit_code == 3
    for said in ("talk", "to make", "cannot", "$0.00", "MB on disk", "already speaks English"):
        assert said in done.output
    assert not (tmp_path / "out").exists()
    assert CliRunner().invoke(app, ["status"]).exit_code == 2  # no batch was kept


def test_the_plan_counts_time_money_and_disk_of_what_can_be_made(talk: Path) -> None:
    run = planned(talk, "es", "en", profile="fake")
    plan = outlook([run])
    assert [(row.language, row.state) for row in plan.rows] == [("", "to make"), ("es", "to make"), ("en", "cannot")]
    assert plan.seconds == pytest.approx(plan.rows[0].cost.seconds + plan.rows[1].cost.seconds)
    assert plan.room.whole == room_of([(run, ["es"])]).whole
    assert plan.as_json()["faults"][0]["column"] == "languages"


def test_a_file_in_a_watched_folder_that_cannot_be_dubbed_gets_its_reason_beside_it(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.terminal.inbox.run_batch", lambda *_args: pytest.fail("it was begun"))
    shutil.copy(talk.with_suffix(".srt"), talk.with_suffix(".es.srt"))
    talk.with_suffix(".srt").unlink()  # now its words are Spanish
    inbox = Inbox(tmp_path, ["es"], "fake", str(tmp_path / "out"))
    with pytest.raises(BadInputError, match="nothing new"):
        inbox.once(0)
    assert "already speaks Spanish" in (tmp_path / "talk.mp4.error.txt").read_text()
