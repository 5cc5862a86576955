"""A title that was dubbed, edited and dubbed again is, byte for byte, what the same edit makes of it from nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.ask.plan import Request, plan
from flows.cli import app
from tests.flows.test_beside import files_of, told_of

pytestmark = pytest.mark.slow

#: Of the store's records, those that are no result of a step: what the title is, and how a person edited it.
KEPT = {"title", "shared", "title-edits", "edited-script", "account", "seen", "seen-stages"}


def test_what_is_found_of_the_dub_before_changes_nothing(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "store"))
    video = str(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    (run,) = plan(Request([video], ["es"], str(tmp_path / "out"), "fake", source_language="en"))

    def made() -> tuple[set[str], dict[str, str], dict[str, Any]]:
        """Steps that were computed, the files, and the quality sheet; the lip sync's part says what it was given."""
        computed = {event.step for event in told_of(run) if event.state == "computed"}
        files = files_of(run)
        files.pop("es/qc.json")
        sheet = json.loads(Path(run.title.folder, "es/qc.json").read_text("utf-8"))
        return computed, files, {**sheet, "lipsync": None}

    _, unedited, _ = made()
    done = CliRunner().invoke(app, ["edit", run.title.folder, "es", "1", "--text", "Quite another line."])
    assert done.exit_code == 0, done.output
    again, edited, sheet = made()
    assert "separate" not in again
    assert "mix" in again
    assert edited != unedited

    for kind in (tmp_path / "store/records").iterdir():
        if kind.name not in KEPT:
            shutil.rmtree(kind)
    computed, files, judged = made()
    assert computed >= {"separate", "translate", "synthesize", "fit", "lipsync", "mix", "package", "qc"}
    assert (files, judged) == (edited, sheet)
