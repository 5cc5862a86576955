"""A title whose languages wait for approval, by the command line: from the script to its masters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("store_folder")]

PROFILE = """
extends: fake
review: {after: [script, premix, picture], assignee: ana}
"""


def test_two_languages_go_from_the_script_to_their_masters_each_when_it_is_approved(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    video, profile, out = tmp_path / "talk.mp4", tmp_path / "held.yaml", tmp_path / "out"
    shutil.copy(short_clip, video)
    profile.write_text(PROFILE)
    (tmp_path / "talk.srt").write_text("1\n00:00:00,300 --> 00:00:01,500\nGood morning.\n")

    def command(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output
        return done.output

    def run(code: int) -> dict[str, Any]:
        flags = ["--from", "en", "--profile", str(profile), "--out", str(out)]
        command("run", str(video), "--to", "es,fr", *flags, code=code)
        summary: dict[str, Any] = json.loads((out / "talk" / "summary.json").read_text())
        return {tag: (one["state"], (one["waits"] or {}).get("stage")) for tag, one in summary["languages"].items()}

    folder = str(out / "talk")
    assert run(4) == {"es": ("waiting", "script"), "fr": ("waiting", "script")}
    assert not list(out.rglob("*.mp4")) + list(out.rglob("*.wav"))
    command("approve", folder, "es")
    assert run(4) == {"es": ("waiting", "premix"), "fr": ("waiting", "script")}
    assert (out / "talk/es/review/mix.wav").is_file()
    command("approve", folder, "es")
    assert run(4) == {"es": ("waiting", "picture"), "fr": ("waiting", "script")}
    command("approve", folder, "es")
    assert run(4) == {"es": ("completed", None), "fr": ("waiting", "script")}
    assert (out / "talk/talk.es.mp4").is_file()
    assert not (out / "talk/es/review").exists()
    command("reject", folder, "fr", "--because", "too stiff")
    assert run(4)["fr"] == ("waiting", "script")
    command("edit", folder, "fr", "1", "--text", "Bonjour.")
    for stage in ("script", "premix", "picture"):
        assert run(4)["fr"] == ("waiting", stage)
        command("approve", folder, "fr", "--stage", stage)
    ended = run(0)
    assert {state for state, _ in ended.values()} <= {"completed", "needs_review"}
    assert (out / "talk/talk.fr.mp4").is_file()
    assert "master approved by" in (command("approve", folder, "fr") and command("report", folder))
