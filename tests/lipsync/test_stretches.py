"""Finished stretches of a dub's picture, through the store: a second run finds them, an edit draws what it changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.keep.store import Store
from tasks.lipsync import Editing
from tasks.lipsync.native import NativeLipSyncer
from tasks.lipsync.stretches import Shelved
from tasks.records.progress import silent
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
