"""Finished stretches of a dub's picture, through the store: a second run finds them, an edit draws what it changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from configs.profile import load_profile
from tasks.keep.store import Store
from tasks.lipsync import Editing
from tasks.lipsync.native import NativeLipSyncer
from tasks.lipsync.stretches import Shelved
from tasks.lipsync.task import lipsync
from tasks.records.made import Pictured
from tasks.records.progress import silent
from tasks.records.step_record import StepRecord
from tasks.records.title import Run, Title
from tests.lipsync.dubbed_clip import Dubbed
from tests.lipsync.engine_here import engine_here


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> NativeLipSyncer:
    engine_here(monkeypatch, "native")
    return NativeLipSyncer(NativeLipSyncer.Options())


def test_a_stretch_that_was_drawn_is_found_and_the_step_counts_it(
    backend: NativeLipSyncer, dubbed: Dubbed, tmp_path: Path
) -> None:
    shelf = Shelved(str(tmp_path / "store"), ("video", "analysis"))
    given = (dubbed.video, dubbed.analysis, dubbed.dialogue, dubbed.phone_file, "es")
    assert isinstance(backend, Editing)
    first = backend.keeping(shelf, {}).resync(*given, tmp_path / "first.mp4", silent)
    again = backend.keeping(shelf, first.settled).resync(*given, tmp_path / "again.mp4", silent)
    assert (first.stretches, first.found) == (again.stretches, 0)
    assert again.found == again.stretches > 0
    assert again.notes[0] == f"Lip sync: 0 of {again.stretches} stretches, 0 frames drawn, the others found."
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "first.mp4").read_bytes()
    assert again.settled == first.settled == json.loads(json.dumps(first.settled))
    assert "settled" not in first.report
    assert not [*tmp_path.glob("*.stretch.npz"), *tmp_path.glob("*.seen.npz")]  # what is kept lies in the store alone


def test_stretches_are_found_by_title_drawer_and_content_alone(tmp_path: Path) -> None:
    shelf = Shelved(str(tmp_path / "store"), ("video", "analysis"), "drawer 1")
    (tmp_path / "a.npz").write_bytes(b"a stretch")
    shelf.keep("key", tmp_path / "a.npz")
    found = shelf.find("key")
    assert found is not None
    assert found.read_bytes() == b"a stretch"
    others = (replace(shelf, title=("video", "another analysis")), replace(shelf, drawer="drawer 2"))
    assert [other.find("key") for other in others] == [None, None]
    assert shelf.find("another key") is None
    found.chmod(0o600)
    found.write_bytes(b"damaged!!")
    assert shelf.find("key") is None
    assert Store(tmp_path / "store").root == tmp_path / "store"


def test_an_edited_dub_whose_unedited_one_is_gone_is_planned_by_itself_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    file = tmp_path / "file"
    file.write_text("[]")
    asset = store.reference(file)
    title = Title(name="t", video=asset, source="t", folder=str(tmp_path / "out"), languages=("es",))
    profile = load_profile("fake", {})
    branch = Run(title=title, profile=profile, store=str(tmp_path / "store")).branch("es")

    def made(settled: dict[str, Any] | None) -> StepRecord[Pictured]:
        answer = lipsync.fn(branch, asset, asset, asset, asset, settled)
        return answer if isinstance(answer, StepRecord) else answer.data

    first, alone = made(None), made({})
    assert alone.value.settled == first.value.settled
    assert [note for note in alone.notes if note not in first.notes] == [
        "Lip sync: the dub without its edits is not in the store, so the mouth is planned again on every line."
    ]
    assert made({"phones": "of before"}).value.settled == {"phones": "of before"}
    assert made({"phones": "of before"}).notes == first.notes
