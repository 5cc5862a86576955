"""Deliverables: whole or not at all, put back where missing, never touched where right."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from flows.kept.deliver import DamagedError, deliver, write_json
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tests.small_files import files_no_larger_than


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    (tmp_path / "made.mp4").write_bytes(b"master")
    return Store(tmp_path / "store").add(tmp_path / "made.mp4")


def test_a_deliverable_is_a_copy_and_a_changed_one_is_delivered_anew(tmp_path: Path, asset: Asset) -> None:
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    (tmp_path / "out" / "talk.es.mp4").write_bytes(b"edited")
    assert path_of(asset).read_bytes() == b"master"
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
    with pytest.raises(BadInputError, match="out cannot be written: a file stands where a folder is needed"):
        deliver(tmp_path / "out", {"talk.es.mp4": asset})
    with pytest.raises(BadInputError, match="a file stands where a folder is needed"):
        deliver(tmp_path / "out", {"es/report.html": asset})  # below it


def large(folder: Path) -> Asset:
    (folder / "large.mp4").write_bytes(os.urandom(256 << 10))
    return Store(folder / "store").add(folder / "large.mp4")


@pytest.mark.parametrize("before", [b"last night's", None])
def test_a_delivery_that_fails_midway_leaves_what_was_there_whole(tmp_path: Path, before: bytes | None) -> None:
    new, out = large(tmp_path), tmp_path / "out"
    out.mkdir()
    if before:
        (out / "talk.es.mp4").write_bytes(before)
    with files_no_larger_than(64 << 10), pytest.raises(BadInputError):
        deliver(out, {"talk.es.mp4": new})
    assert {path.name: path.read_bytes() for path in out.iterdir()} == ({"talk.es.mp4": before} if before else {})
    deliver(out, {"talk.es.mp4": new})
    assert (out / "talk.es.mp4").read_bytes() == path_of(new).read_bytes()


def test_a_file_of_the_same_size_that_is_another_is_replaced(tmp_path: Path, asset: Asset) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "talk.es.mp4").write_bytes(b"maSter")
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    assert (tmp_path / "out" / "talk.es.mp4").read_bytes() == b"master"


def test_a_file_of_the_same_time_that_is_cut_short_is_replaced(tmp_path: Path, asset: Asset) -> None:
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    target = tmp_path / "out" / "talk.es.mp4"
    before = target.stat()
    target.write_bytes(b"mas")
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    assert target.read_bytes() == b"master"


def test_a_delivery_under_way_elsewhere_is_not_swept_away(tmp_path: Path, asset: Asset) -> None:
    (tmp_path / "out").mkdir()
    alive = tmp_path / "out" / f".other.mp4.{os.getppid()}.part"
    alive.write_bytes(b"half")
    deliver(tmp_path / "out", {"talk.es.mp4": asset})
    assert alive.exists()


def test_a_summary_that_cannot_be_written_whole_leaves_the_one_before(tmp_path: Path) -> None:
    write_json(tmp_path / "summary.json", {"state": "completed"})
    with files_no_larger_than(4 << 10), pytest.raises(OSError, match="large"):
        write_json(tmp_path / "summary.json", {"state": "x" * (64 << 10)})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"state": "completed"}


def swapped(target: Path, content: bytes) -> None:
    """Another file of the same size and time in its place."""
    before = target.stat()
    assert len(content) == before.st_size
    target.chmod(0o644)
    target.write_bytes(content)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_delivered_file_that_was_swapped_for_one_of_its_size_and_time_is_replaced_and_named(
    tmp_path: Path, asset: Asset
) -> None:
    outputs = {"talk.es.mp4": asset, "talk.multi.mkv": asset}
    assert deliver(tmp_path / "out", outputs) == ()
    swapped(tmp_path / "out" / "talk.multi.mkv", b"mAster")
    assert deliver(tmp_path / "out", outputs) == ("talk.multi.mkv",)
    assert (tmp_path / "out" / "talk.multi.mkv").read_bytes() == b"master"
    (tmp_path / "out" / "talk.es.mp4").unlink()
    assert deliver(tmp_path / "out", outputs) == ()  # nobody's file was replaced


def test_a_large_delivered_file_is_not_read_again_while_it_is_the_one_that_was_delivered(
    tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.keep.digests.SMALL", 64 << 10)
    new = large(tmp_path)
    deliver(tmp_path / "out", {"talk.es.mp4": new})
    monkeypatch.setattr("tasks.keep.digests.file_sha256", lambda _path: pytest.fail("read again"))
    assert deliver(tmp_path / "out", {"talk.es.mp4": new}) == ()
    monkeypatch.undo()


def test_a_stored_file_that_went_bad_on_the_disk_is_not_delivered_and_does_not_count_any_more(
    tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.keep.digests.SMALL", 64 << 10)
    new = large(tmp_path)
    swapped(path_of(new), os.urandom(new.bytes))
    Store(store_folder)._digests.remember(path_of(new), new.sha256)  # the file's times do not tell
    assert Store(store_folder).holds(new)
    with pytest.raises(DamagedError, match="damaged"):
        deliver(tmp_path / "out", {"talk.es.mp4": new})
    assert not list((tmp_path / "out").iterdir())
    assert not Store(store_folder).holds(new)
