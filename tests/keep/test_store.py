"""The store: what is committed is found, what is broken is not, and writers cannot hurt each other.

One suite over both places: a local folder, and a bucket of a real S3 server.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import fsspec
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keep.assets import path_of
from tasks.keep.bucket import Bucket
from tasks.keep.digests import file_sha256
from tasks.keep.places import fetched, place_of, url_of
from tasks.keep.store import Store, step_key, store_at
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError, TransientError
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord
from tasks.synthesize.takes import Said


def overwrite(store: Store, uri: str, content: bytes | None) -> None:
    """Damage a file of the store from outside; None removes it."""
    if "://" in uri:
        files = fsspec.filesystem("s3")
        files.rm(uri) if content is None else files.pipe_file(uri, content)
    elif content is None:
        Path(uri).unlink()
    else:
        Path(uri).chmod(0o644)
        Path(uri).write_bytes(content)


def a_file(folder: Path, content: bytes = b"sound", name: str = "take.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def committed(store: Store, folder: Path, key: str = "k1") -> StepRecord[Laid]:
    asset = store.add(a_file(folder))
    return store.commit(StepRecord[Laid](step="fit", key=key, value=Laid(dialogue=asset), parts=3))


def test_a_committed_step_is_found_and_counts_every_part_as_a_hit(store: Store, tmp_path: Path) -> None:
    committed(store, tmp_path)
    found = store.lookup("fit", "k1", Laid)
    assert found is not None
    assert found.reused
    assert found.hits == 3
    assert path_of(found.value.dialogue).read_bytes() == b"sound"


def test_what_is_computed_reads_like_what_is_found_down_to_the_order_of_its_facts(store: Store) -> None:
    """Else a quality sheet would differ by whether its night was interrupted."""
    made = store.commit(
        StepRecord[dict[str, Any]](step="qc", key="0" * 64, value={"shuffled": {"b": 1, "a": (2, 3)}, "frozen": {}})
    )
    found = store.lookup("qc", "0" * 64, dict[str, Any])
    assert found is not None
    assert json.dumps(made.value) == json.dumps(found.value) == '{"frozen": {}, "shuffled": {"a": [2, 3], "b": 1}}'


def test_a_line_that_an_earlier_version_bought_is_found(store: Store, tmp_path: Path) -> None:
    """Until 0.1 files lay beside the value."""
    audio = store.add(a_file(tmp_path))
    said = {"duration_ms": 900, "phones": [["a", 0, 900, 1]], "characters": 3}
    old = {"step": "synthesize-line", "key": "k", "outputs": {"audio": audio.model_dump()}, "value": said}
    store.write_note("synthesize-line", "k", old)
    found = store.lookup("synthesize-line", "k", Said)
    assert found is not None
    assert found.value == Said(audio=audio, duration_ms=900, phones=(("a", 0, 900, 1),), characters=3)


def test_an_unknown_key_is_not_found(store: Store) -> None:
    assert store.lookup("fit", "never", Laid) is None


def test_a_record_whose_file_is_gone_does_not_count(store: Store, tmp_path: Path) -> None:
    overwrite(store, committed(store, tmp_path).value.dialogue.uri, None)
    assert store.lookup("fit", "k1", Laid) is None


def test_a_record_whose_file_was_cut_short_does_not_count(store: Store, tmp_path: Path) -> None:
    overwrite(store, committed(store, tmp_path).value.dialogue.uri, b"so")
    assert store.lookup("fit", "k1", Laid) is None


def test_a_damaged_record_does_not_count(store: Store, tmp_path: Path) -> None:
    committed(store, tmp_path)
    overwrite(store, f"{store.where}/records/fit/k1/k1.json", b"{half")
    assert store.lookup("fit", "k1", Laid) is None


def test_the_same_content_is_kept_once_and_read_only(store: Store, tmp_path: Path) -> None:
    first, second = store.add(a_file(tmp_path)), store.add(a_file(tmp_path))
    assert first == second
    assert not stat.S_IMODE(path_of(first).stat().st_mode) & stat.S_IWUSR
    assert not list((tmp_path / "store" / "tmp").iterdir())


def test_a_file_that_the_user_keeps_is_copied(store: Store, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    store.add(path, keep=True)
    assert path.exists()


def test_adding_a_file_of_the_store_to_the_store_is_refused_rather_than_losing_it(store: Store, tmp_path: Path) -> None:
    asset = store.add(a_file(tmp_path))
    with pytest.raises(ValueError, match="already"):
        store.add(path_of(asset))
    assert path_of(asset).exists()


def test_a_users_file_is_hashed_again_only_when_it_changed(store: Store, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    before = store.reference(path)
    assert store.reference(path) == before
    path.write_bytes(b"noise")
    os.utime(path, ns=(1, 1))
    assert store.reference(path).sha256 == file_sha256(path)[0] != before.sha256


def test_a_file_of_the_same_size_and_time_that_was_written_again_is_another(store: Store, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    before, old = store.reference(path), path.stat()
    path.write_bytes(b"noise")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert store.reference(path).sha256 == file_sha256(path)[0] != before.sha256


def test_a_store_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="POLYDUB_STORE"):
        Store(tmp_path / "file" / "store")


def test_a_workspace_is_gone_afterwards_even_after_an_error(store: Store) -> None:
    with contextlib.suppress(RuntimeError), store.workspace("mix") as folder:
        (folder / "half.wav").write_bytes(b"x")
        raise RuntimeError
    assert not folder.exists()


def _claim_and_note(root: Path, log: Path, together: Barrier) -> None:
    store = Store(root)
    together.wait()
    with store.claim("one"):
        with log.open("a") as file:
            file.write("in ")
        time.sleep(0.1)  # time for the others to come in, if nothing keeps them out
        with log.open("a") as file:
            file.write("out ")


def test_a_key_is_claimed_by_one_process_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    # Both places lock on the local disk.
    told = (tmp_path / "store", log, context.Barrier(3))
    workers = [context.Process(target=_claim_and_note, args=told) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert log.read_text().split() == ["in", "out"] * 3


def test_a_key_counts_content_and_not_place() -> None:
    here = Asset(uri="/a/talk.mp4", sha256="1" * 64, bytes=5)
    there = Asset(uri="/b/other.mp4", sha256="1" * 64, bytes=5)
    changed = Asset(uri="/a/talk.mp4", sha256="2" * 64, bytes=5)
    key = step_key("probe", 1, inputs={"video": here})
    assert key == step_key("probe", 1, inputs={"video": there})
    assert key != step_key("probe", 1, inputs={"video": changed})


def test_a_key_counts_version_settings_and_backend() -> None:
    keys = {
        step_key("mix", 1),
        step_key("mix", 2),
        step_key("mix", 1, settings={"lufs": -23}),
        step_key("mix", 1, backend="espeak-1"),
        step_key("fit", 1),
    }
    assert len(keys) == 5


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=6))
def test_a_key_does_not_depend_on_the_order_of_settings(settings: dict[str, int | str]) -> None:
    assert step_key("mix", 1, settings=settings) == step_key("mix", 1, settings=dict(reversed(settings.items())))


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(store: Store, tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = tmp_path / "store" / "tmp" / f"mix-{dead.pid}-abc"
    left.mkdir()
    (left / "half.wav").write_bytes(b"x")
    with store.workspace("mix") as used:
        store.sweep()
        assert used.exists()
    assert not left.exists()


def test_notes_are_kept_and_the_last_one_counts(store: Store) -> None:
    assert store.read_note("branch", "k") is None
    for value in ({"state": "failed"}, {"state": "completed", "why": "ñ"}):
        store.write_note("branch", "k", value)
        assert store.read_note("branch", "k") == value


def test_files_are_listed_with_the_last_written_at_the_end(store: Store) -> None:
    place, _ = place_of(store.where)
    assert place.names("batches") == []
    for name in ("b", "c", "a"):
        place.write(f"batches/{name}.json", b"{}")
        time.sleep(1.01 if isinstance(place, Bucket) else 0.01)
    place.write("batches/below/d.json", b"{}")
    assert [name for name in place.names("batches") if name.endswith(".json")] == [
        f"batches/{name}.json" for name in ("b", "c", "a")
    ]


def test_tables_below_a_folder_are_read_as_one(store: Store) -> None:
    place, _ = place_of(store.where)
    assert place.table("ledger", [("day", ">=", "")]).empty
    for day in ("1", "2"):
        written = io.BytesIO()
        pandas.DataFrame({"day": [day], "usd": [1.0]}).to_parquet(written)
        place.write(f"ledger/{day}/x.parquet", written.getvalue())
    assert list(place.table("ledger", [("day", ">=", "")])["day"]) == ["1", "2"]
    assert list(place.table("ledger", [("day", ">=", "2")])["day"]) == ["2"]


def test_another_machine_finds_the_work_and_fetches_each_file_once(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(remote, tmp_path)
    title = remote.reference(a_file(tmp_path, b"picture", "talk.mp4"))
    monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "elsewhere"))
    there = Store(remote.where).lookup("fit", "k1", Laid)
    assert there is not None
    copy = path_of(there.value.dialogue)
    assert copy.is_relative_to(tmp_path / "elsewhere")
    assert copy.read_bytes() == b"sound"
    assert path_of(title).read_bytes() == b"picture"
    overwrite(remote, there.value.dialogue.uri, None)
    assert path_of(there.value.dialogue) == copy


def test_a_blob_that_is_not_what_was_stored_is_not_used(remote: Store, tmp_path: Path) -> None:
    asset = remote.add(a_file(tmp_path))
    (tmp_path / "store" / asset.uri.removeprefix(f"{remote.where}/")).unlink()
    overwrite(remote, asset.uri, b"noise")
    with pytest.raises(TransientError, match="damaged in transfer"):
        fetched(asset.uri, asset.sha256, asset.bytes)
    overwrite(remote, asset.uri, None)
    with pytest.raises(BadInputError, match="no longer in the store"):
        fetched(asset.uri, asset.sha256, asset.bytes)
    assert not list((tmp_path / "store" / "tmp").iterdir())


def test_a_bucket_that_is_not_there_is_named(remote: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="s3://polydub-nowhere"):
        Store("s3://polydub-nowhere/x").add(a_file(tmp_path))


@pytest.mark.parametrize("url", ["ftq://host/x", "gopher://x/y"])
def test_an_unknown_kind_of_store_is_named(url: str) -> None:
    with pytest.raises(BadInputError, match="not a supported store"):
        Bucket(url)


def test_a_kind_of_store_whose_package_is_missing_says_how_to_get_it() -> None:
    with pytest.raises(MissingBackendError, match="--extra s3"):
        Bucket("gs://bucket/prefix")


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("s3://bucket/a/", "s3://bucket/a"),
        ("s3:/bucket/a", None),  # a folder
        ("s3://bucket", "s3://bucket"),
        ("/var/store", None),
        ("store", None),
        ("a:b/store", None),
    ],
)
def test_urls_are_told_from_folders(typed: str, url: str | None) -> None:
    assert url_of(typed) == url


def test_its_folders_are_its_users_alone(tmp_path: Path) -> None:
    (tmp_path / "store" / "records").mkdir(parents=True)
    (tmp_path / "store" / "records").chmod(0o755)  # as an earlier version made it
    store = Store(tmp_path / "store")
    (tmp_path / "x.wav").write_bytes(b"x")
    store.add(tmp_path / "x.wav")
    store.write_note("kind", "key", 1)
    folders = [path for path in (tmp_path / "store").rglob("*") if path.is_dir()]
    assert len(folders) > 6
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}


def test_a_place_is_opened_once_and_each_user_has_notes_of_their_own(
    tmp_path: Path, opened_stores: list[object]
) -> None:
    place = str(tmp_path / "store")
    first, second = store_at(place), store_at(Path(place))
    first.notes.append("A stored file was damaged.")
    third = store_at(place)
    assert opened_stores == [place]
    assert (second.notes, third.notes) == ([], [])
    assert first.holds(second.add(a_file(tmp_path)))
    shutil.rmtree(place)  # by somebody, while a server runs
    assert store_at(place).holds(store_at(place).add(a_file(tmp_path)))
    assert len(opened_stores) == 2


def test_of_several_writers_of_a_note_none_undoes_anothers(store: Store, tmp_path: Path) -> None:
    def grow(writer: int) -> None:
        machine = Store(store.where)
        if url_of(store.where):  # another machine has locks of its own
            machine.root = tmp_path / str(writer)
            (machine.root / "locks").mkdir(parents=True)
        for number in range(4):
            machine.change_note("list", "0a", lambda there, one=[writer, number]: [*(there or []), one])

    threads = [threading.Thread(target=grow, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.read_note("list", "0a")) == [[writer, number] for writer in range(3) for number in range(4)]


def test_a_damaged_note_is_not_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.write_note("list", "0a", [1])
    (path,) = (tmp_path / "store" / "records" / "list").rglob("*.json")
    path.write_bytes(b"[1")
    with pytest.raises(PermanentError, match="damaged"):
        store.change_note("list", "0a", lambda there: [*(there or []), 2])
    assert path.read_bytes() == b"[1"
    assert "damaged" in store.damage_of("list", "0a")
    assert store.damage_of("list", "0b") == ""
