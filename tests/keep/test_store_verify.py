"""`polydub store verify` reads everything again, names what is damaged, and takes it out where it is told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.keep.verify import verify
from tasks.records.made import Laid
from tests.keep.test_store import a_file, committed, overwrite


def asked(*options: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(app, ["store", "verify", "--json", *options])
    return done.exit_code, json.loads(done.stdout)


def test_a_damaged_blob_is_found_named_set_aside_and_made_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_STORE", store.where)
    asset = committed(store, tmp_path).value.dialogue
    store.add(a_file(tmp_path, b"fine"))
    assert asked() == (0, {"files": 2, "bytes": 9, "damaged": []})
    overwrite(store, asset.uri, b"noise")
    code, found = asked()
    (one,) = found["damaged"]  # type: ignore[misc]
    assert (code, one["used_by"], one["removed"]) == (1, ["fit"], False)
    code, found = asked("--remove")
    assert (code, [one["removed"] for one in found["damaged"]]) == (0, [True])  # type: ignore[attr-defined]
    assert store.lookup("fit", "k1", Laid) is None
    committed(store, tmp_path)
    assert store.lookup("fit", "k1", Laid)
    assert asked()[0] == 0


def test_one_that_is_interrupted_harms_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    asset = committed(store, tmp_path).value.dialogue

    def interrupt(_read: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(store.where, True, interrupt)
    assert path_of(asset).read_bytes() == b"sound"
    assert store.lookup("fit", "k1", Laid)
