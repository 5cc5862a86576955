"""A store is found whole wherever it lies: moved, copied, restored on another machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord


def test_a_step_is_found_in_a_store_that_was_moved(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    committed(Store(here), tmp_path)
    shutil.move(here, there)
    found = Store(there).lookup("fit", "k1", Laid)
    assert found is not None
    assert path_of(found.value.dialogue).is_relative_to(there)
    assert path_of(found.value.dialogue).read_bytes() == b"sound"


def test_a_note_is_read_in_a_copy_by_the_copys_own_files(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    store = Store(here)
    asset = committed(store, tmp_path).value.dialogue
    store.write_note("branch", "k1", {"outputs": {"talk.es.mp4": asset.model_dump()}})
    shutil.copytree(here, there)
    copied = Asset.model_validate(Store(there).read_note("branch", "k1")["outputs"]["talk.es.mp4"])
    assert Path(copied.uri).is_relative_to(there)
    assert Store(there).holds(copied)


def test_a_users_own_file_stays_where_it_lies(tmp_path: Path) -> None:
    own = tmp_path / "talk.wav"
    own.write_bytes(b"own")
    store = Store(tmp_path / "store")
    store.commit(StepRecord[Laid](step="fit", key="k1", value=Laid(dialogue=store.reference(own))))
    found = store.lookup("fit", "k1", Laid)
    assert found is not None
    assert found.value.dialogue.uri == str(own)


def committed(store: Store, folder: Path) -> StepRecord[Laid]:
    take = folder / "take.wav"
    take.write_bytes(b"sound")
    return store.commit(StepRecord[Laid](step="fit", key="k1", value=Laid(dialogue=store.add(take))))
