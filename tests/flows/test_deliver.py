"""Deliverables: whole or not at all, put back where missing, never touched where right."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from flows.deliver import deliver
from tasks.errors import BadInputError
from tasks.model import Asset
from tasks.store import Store


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    (tmp_path / "made.mp4").write_bytes(b"master")
    return Store(tmp_path / "store").add(tmp_path / "made.mp4")


def test_a_deliverable_is_a_copy_and_a_changed_one_is_delivered_anew(tmp_path: Path, asset: Asset) -> None:
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    (tmp_path / "out" / "talk.es.mp4").write_bytes(b"edited")
    assert asset.path.read_bytes() == b"master"
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    assert (tmp_path / "out" / "talk.es.mp4").read_bytes() == b"master"


def test_a_missing_deliverable_is_put_back_and_a_right_one_is_left_alone(tmp_path: Path, asset: Asset) -> None:
    deliver(tmp_path / "out", {"es/mix.wav": asset})
    inode = os.stat(tmp_path / "out" / "es" / "mix.wav").st_ino
    deliver(tmp_path / "out", {"es/mix.wav": asset})
    assert os.stat(tmp_path / "out" / "es" / "mix.wav").st_ino == inode
    (tmp_path / "out" / "es" / "mix.wav").unlink()
    deliver(tmp_path / "out", {"es/mix.wav": asset})
    assert (tmp_path / "out" / "es" / "mix.wav").read_bytes() == b"master"


def test_what_a_killed_delivery_left_is_removed(tmp_path: Path, asset: Asset) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".talk.es.mp4.{dead.pid}.part").write_bytes(b"half")
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk.es.mp4"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, asset: Asset) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInputError, match="cannot be written"):
        deliver(tmp_path / "out", {"talk.es.mp4": asset})
