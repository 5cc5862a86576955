"""What is typed of picture and mouths, for `run` and `batch` alike, arrives in the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.profile import Profile, load_profile
from flows.cli import app
from tasks.records.errors import BadInputError

FLAGS = [
    *("--lipsync-mode", "syllable", "--lipsync-strength", "0.8", "--lipsync-expression", "preserve"),
    *("--lipsync-lead", "60", "--no-lipsync-stabilise", "--lipsync-refine-seconds", "90"),
    *("--height", "1080p", "--upscale", "--realign"),
]


@pytest.mark.parametrize("command", ["run", "batch"])
def test_flags_are_a_profiles(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Profile] = []

    def stop(name: str, changes: dict[str, Any]) -> None:
        asked.append(load_profile(name, dict(changes)))
        raise BadInputError("that will do", "")

    monkeypatch.setattr("flows.ask.plan.checked_profile", stop)
    (tmp_path / "talk.mp4").write_bytes(b"x")
    (tmp_path / "night.csv").write_text("title,languages\ntalk.mp4,es\n")
    what = [str(tmp_path / "night.csv")] if command == "batch" else [str(tmp_path / "talk.mp4"), "--to", "es"]
    result = CliRunner().invoke(app, [command, *what, "--out", str(tmp_path / "out"), *FLAGS])
    assert result.exit_code == 2, result.output
    (profile,) = asked
    assert (profile.height, profile.upscale, profile.realign) == ("1080p", True, True)
    assert profile.lipsync.backend == "native"
    assert profile.lipsync.style() == {
        "mode": "syllable",
        "strength": 0.8,
        "expression": "preserve",
        "lead_ms": 60,
        "stabilise": False,
        "refine": True,
        "refine_s": 90,
    }
