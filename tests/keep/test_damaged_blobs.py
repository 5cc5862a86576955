"""A blob is believed by its content: one that was swapped is set aside, told, and made again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tasks.keep.digests
from configs.profile import load_profile
from tasks.keep.assets import path_of
from tasks.keep.digests import file_sha256, known_sha256
from tasks.keep.store import Store
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord
from tasks.records.title import Run, Title
from tasks.step.run import Computation, StepOutput, Work, remember
from tests.keep.test_store import a_file, committed, overwrite

FALSE = b"noise"  # as long as b"sound"


@pytest.fixture(params=["read each time", "remembered"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are read each time, and large ones, whose digest is remembered."""
    if request.param == "remembered":
        monkeypatch.setattr(tasks.keep.digests, "SMALL", -1)


def swap(path: Path, content: bytes = FALSE, *, times: bool = True, inode: bool = False) -> None:
    """Put another file of the same size in a file's place, with its time of modification, by writing or by renaming."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the kernel's clock ticks
        path.chmod(0o644)
    target = path.with_name(f"{path.name}.new") if inode else path
    target.write_bytes(content)
    if times:
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    if inode:
        os.replace(target, path)


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize(("times", "inode"), [(False, False), (True, False), (True, True)])
def test_a_swapped_blob_does_not_count_and_is_set_aside(tmp_path: Path, times: bool, inode: bool) -> None:
    store = Store(tmp_path / "store")
    asset = committed(store, tmp_path).value.dialogue
    assert store.lookup("fit", "k1", Laid)
    swap(path_of(asset), times=times, inode=inode)
    assert store.lookup("fit", "k1", Laid) is None
    assert not path_of(asset).exists()
    (aside,) = (tmp_path / "store" / "damaged").iterdir()
    assert aside.read_bytes() == FALSE
    assert [str(aside) in note for note in store.notes] == [True]


@pytest.mark.usefixtures("size")
def test_whoever_asks_after_it_was_set_aside_is_told_too_until_it_is_made_again(tmp_path: Path) -> None:
    asset = committed(Store(tmp_path / "store"), tmp_path).value.dialogue
    swap(path_of(asset))
    assert not Store(tmp_path / "store").holds(asset)
    after = Store(tmp_path / "store")
    assert after.lookup("fit", "k1", Laid) is None
    assert len(after.notes) == 1
    committed(Store(tmp_path / "store"), tmp_path)
    mended = Store(tmp_path / "store")
    assert mended.lookup("fit", "k1", Laid)
    assert not mended.notes


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("keep", [True, False])
def test_adding_a_file_over_a_bad_blob_puts_it_right(store: Store, tmp_path: Path, keep: bool) -> None:
    asset = store.add(a_file(tmp_path))
    overwrite(store, asset.uri, FALSE)
    if path_of(asset).exists() and path_of(asset).read_bytes() != FALSE:  # the copy of a remote one
        swap(path_of(asset))
    assert store.add(a_file(tmp_path), keep=keep) == asset
    assert path_of(asset).read_bytes() == b"sound"
    assert store.holds(asset)
    assert store.notes


@pytest.mark.usefixtures("size")
def test_a_remote_blob_that_was_swapped_is_seen_on_every_machine(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = committed(remote, tmp_path).value.dialogue
    overwrite(remote, asset.uri, FALSE)
    monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "elsewhere"))
    there = Store(remote.where)
    assert there.lookup("fit", "k1", Laid) is None
    assert "damaged/" in there.notes[0]
    assert remote.lookup("fit", "k1", Laid) is None
    committed(remote, tmp_path)
    assert there.lookup("fit", "k1", Laid)
    assert path_of(asset).read_bytes() == b"sound"


def test_a_remote_blob_of_which_nobody_left_a_digest_is_read_once_for_all_machines(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = committed(remote, tmp_path).value.dialogue
    overwrite(remote, asset.uri, b"sound")  # as an earlier version put it there
    overwrite_memos(remote)
    monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "first"))
    assert Store(remote.where).lookup("fit", "k1", Laid)
    monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "second"))
    second = Store(remote.where)
    monkeypatch.setattr(second._place, "sha256", lambda _name: pytest.fail("read again"))
    assert second.lookup("fit", "k1", Laid)


def overwrite_memos(store: Store) -> None:
    for name, _ in store._place.below("records/sha256"):
        overwrite(store, store._place.uri(name), None)


@pytest.mark.usefixtures("size")
def test_a_swapped_copy_of_a_remote_blob_is_fetched_again(remote: Store, tmp_path: Path) -> None:
    asset = committed(remote, tmp_path).value.dialogue
    swap(path_of(asset))
    assert path_of(asset).read_bytes() == b"sound"
    swap(path_of(asset))
    assert remote.lookup("fit", "k1", Laid)
    assert "local copy" in remote.notes[0]
    assert path_of(asset).read_bytes() == b"sound"


def test_a_large_blob_is_read_once_and_again_only_when_it_was_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.keep.digests, "SMALL", 4)
    asset = committed(Store(tmp_path / "store"), tmp_path).value.dialogue
    read: list[Path] = []
    monkeypatch.setattr(tasks.keep.digests, "file_sha256", lambda path: read.append(path) or file_sha256(path))
    for _ in range(3):
        assert Store(tmp_path / "store").lookup("fit", "k1", Laid)
    assert read == []  # it was hashed when it came
    swap(path_of(asset), b"sound")
    os.utime(path_of(asset), ns=(1, 1))
    monkeypatch.setattr(tasks.keep.digests, "FRESH_NS", 0)
    for _ in range(3):
        assert Store(tmp_path / "store").lookup("fit", "k1", Laid)
    assert read == [path_of(asset)]


def test_a_file_that_was_written_a_moment_ago_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.keep.digests, "SMALL", -1)
    monkeypatch.setattr(tasks.keep.digests, "FRESH_NS", 60_000_000_000)
    store, path = Store(tmp_path / "store"), a_file(tmp_path)
    before = store.reference(path)
    path.write_bytes(FALSE)  # perhaps within one tick of the kernel's clock
    assert store.reference(path) != before


def test_a_users_file_that_is_another_now_does_not_count(tmp_path: Path) -> None:
    store, path = Store(tmp_path / "store"), a_file(tmp_path)
    asset = store.reference(path)
    assert store.holds(asset)
    swap(path)
    assert not store.holds(asset)
    assert path.read_bytes() == FALSE  # it is left where it is


@pytest.mark.parametrize("inode", [True, False])
def test_a_file_that_is_asked_about_again_in_this_process_is_known_by_more_than_its_time(
    tmp_path: Path, inode: bool
) -> None:
    path = a_file(tmp_path)
    known_sha256(path)
    swap(path, inode=inode)
    assert known_sha256(path) == file_sha256(path)[0]


def test_a_step_whose_result_was_swapped_is_run_again_and_says_so_once(tmp_path: Path) -> None:
    video = Asset(uri="/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="/talk.mp4", folder=str(tmp_path), languages=("es",))
    run = Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store")).branch("es")

    def compute(_given: object, work: Work) -> StepOutput[Asset]:
        return StepOutput(work.keep(a_file(work.folder)), notes=("fitted",))

    made = remember(run, "mix", Computation(None, compute, Asset))
    swap(path_of(made.value))
    again = remember(run, "mix", Computation(None, compute, Asset))
    assert not again.reused
    assert path_of(again.value).read_bytes() == b"sound"
    assert again.notes[0] == "fitted"
    assert "damaged" in again.notes[1]
    found = remember(run, "mix", Computation(None, compute, Asset))
    assert (found.reused, found.notes) == (True, ("fitted",))


def test_a_record_that_names_another_size_than_the_file_has_does_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    asset = store.add(a_file(tmp_path))
    wrong = asset.model_copy(update={"bytes": 4})
    store.commit(StepRecord[Asset](step="fit", key="k2", value=wrong))
    assert store.lookup("fit", "k2", Asset) is None
