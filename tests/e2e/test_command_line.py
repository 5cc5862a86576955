"""The `polydub` command as a user meets it: exit codes, messages, JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app

pytestmark = pytest.mark.usefixtures("store_folder")


def polydub(*arguments: str | Path, cwd: Path, deadline_s: float = 280, **env: str) -> subprocess.CompletedProcess[str]:
    # Tests that ran before may have left their own server's address in this process.
    inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), **env},
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )


def test_help_lists_every_command_of_the_contract(tmp_path: Path) -> None:
    said = polydub("--help", cwd=tmp_path).stdout
    for command in (
        "run",
        "batch",
        "status",
        "retry",
        "deploy",
        "pause",
        "resume",
        "up",
        "doctor",
        "script",
        "demo",
        "report",
    ):
        assert command in said


def test_bad_input_is_two_and_writes_nothing(tmp_path: Path) -> None:
    done = polydub("run", "missing.mp4", "--to", "es", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "missing.mp4" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "x.mp4"],
        ["run", "x.mp4", "--to", "klingonese"],
        ["run", "x.mp4", "--to", "es", "--dub", "es"],
        ["run", "x.mp4", "--to", "es", "--preview", "-1"],
        ["batch", "none.csv"],
        ["status"],
        ["retry", "nothing"],
        ["report", "."],
        ["script", "export", ".", "--language", "es"],
        ["costs", "--by", "colour"],
        ["batch", "none.csv", "--until", "25:00"],
        ["inbox", "nowhere", "--to", "es"],
        ["sing"],
    ],
)
def test_wrong_usage_is_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.strip()
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["deploy"], ["deploy", "--cron", "0 1 * * *"], ["pause"]])
def test_what_needs_a_server_and_has_none_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    done = polydub(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.prefect
def test_some_failed_is_three_all_failed_is_one_and_json_is_the_summary(
    short_clip: Path, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = tmp_path / "mine.yaml"
    profile.write_text("extends: fake\nsource_language: en\nlipsync: {backend: fake, options: {fail: [ja]}}\n")
    common = ["--profile", str(profile), "--out", str(tmp_path / "out"), "--json"]

    def run(languages: str) -> Result:
        return CliRunner().invoke(app, ["run", str(short_clip), "--to", languages, *common])

    partial = run("es,ja")
    assert partial.exit_code == 3, partial.stderr
    summary = json.loads(partial.stdout)
    assert summary == json.loads((tmp_path / "out" / "clip" / "summary.json").read_text())
    assert (summary["languages"]["es"]["state"] != "failed", summary["languages"]["ja"]["state"]) == (True, "failed")
    assert "set to fail for ja" in partial.stderr
    assert "Traceback" not in partial.stderr

    nothing = run("ja")
    assert nothing.exit_code == 1
    assert json.loads(nothing.stdout)["languages"].keys() == {"es", "ja"}  # what was delivered before stays
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert run("es").exit_code == 0  # no server is needed for finished work


def test_doctor_names_what_each_profile_has(tmp_path: Path) -> None:
    found = json.loads(polydub("doctor", "--json", cwd=tmp_path).stdout)
    assert {profile["name"] for profile in found["profiles"]} >= {"offline", "studio", "commercial", "fake"}
    assert found["programs"]["ffmpeg"]["found"]


@pytest.mark.prefect
def test_without_a_server_a_run_brings_its_own_and_ends_when_it_is_done(short_clip: Path, tmp_path: Path) -> None:
    arguments = ["run", short_clip, "--to", "es", "--from", "en", "--profile", "fake", "--lipsync", "none"]
    began = time.monotonic()
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--out", str(tmp_path / "out")]
    alone = {
        name: value for name, value in os.environ.items() if not name.startswith("PREFECT_") or name == "PREFECT_HOME"
    }
    child = subprocess.Popen(command, env=alone, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    for _line in child.stderr:
        said = time.monotonic()
    child.wait()
    child.stderr.close()
    assert child.returncode == 0
    assert (tmp_path / "out" / "clip" / "clip.es.mp4").exists()
    assert time.monotonic() - said < 50, f"it hung after its last word ({said - began:.0f} s of work)"


def test_the_version_is_printed_alone(tmp_path: Path) -> None:
    from importlib.metadata import version

    asked = polydub("--version", cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (0, f"polydub {version('polydub')}\n")
