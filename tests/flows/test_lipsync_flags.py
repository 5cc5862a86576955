"""What is typed of picture and mouths, for `run` and `batch` alike, arrives in the profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from configs.profile import Profile, load_profile
from flows.cli import app
from flows.terminal.options import Changes, Group
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


@pytest.mark.parametrize("command", ["run", "batch"])
def test_every_option_stands_under_a_heading_of_the_help(command: str) -> None:
    options = [one for one in typer.main.get_command(app).commands[command].params if one.opts[0].startswith("-")]  # type: ignore[attr-defined]
    headings = [one.rich_help_panel for one in options]  # type: ignore[attr-defined]
    assert set(headings) <= set(Group)
    assert headings == sorted(headings, key=list(Group).index), "in the order of the headings"


def test_run_and_batch_share_the_options_that_change_a_profile() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    run, batch = ({one.name: one.help for one in commands[name].params} for name in ("run", "batch"))
    for name in Changes.__dataclass_fields__:
        assert run[name] == batch[name]
