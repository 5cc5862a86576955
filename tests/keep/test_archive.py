"""A title's results as one file: what another store takes in is whole, and nothing else is taken."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tasks.keep.archive import read_archive, write_archive
from tasks.keep.assets import path_of
from tasks.keep.inventory import inventory
from tasks.keep.places import place_of
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.made import Laid
from tasks.records.record import Asset
from tests.keep.test_store import a_file, committed


def archived(store: Store, path: Path) -> Path:
    found = inventory(place_of(store.where)[0])
    write_archive(store, found, [entry for entry in found.entries if entry.kind != "run"], path)
    return path


def test_a_result_is_found_in_the_other_store_with_its_files(store: Store, tmp_path: Path) -> None:
    committed(store, tmp_path, "1a")
    other = Store(tmp_path / "other")
    taken = read_archive(other, archived(store, tmp_path / "a.tar"))
    assert (taken.files, taken.records, taken.known) == (1, 1, 0)
    found = other.lookup("fit", "1a", Laid)
    assert found is not None
    assert path_of(found.value.dialogue).read_bytes() == b"sound"
    assert Path(found.value.dialogue.uri).is_relative_to(tmp_path / "other")


def test_what_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    store.write_note("branch", "0a", {"strikes": 1})
    other.write_note("branch", "0a", {"strikes": 2})
    assert read_archive(other, archived(store, tmp_path / "a.tar")).known == 1
    assert other.read_note("branch", "0a") == {"strikes": 2}


def with_member(path: Path, name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w") as tar:
        for one, what, is_a in (("polydub-archive.json", b'{"format": 1}', tarfile.REGTYPE), (name, content, kind)):
            head = tarfile.TarInfo(one)
            head.size, head.type, head.linkname = len(what) if is_a == tarfile.REGTYPE else 0, is_a, "/etc/passwd"
            tar.addfile(head, io.BytesIO(what))
    return path


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("../outside.json", b"{}", tarfile.REGTYPE),
        ("/records/fit/0a/0a.json", b"{}", tarfile.REGTYPE),
        ("records/../../0a/0a.json", b"{}", tarfile.REGTYPE),
        ("blobs/0a/" + "0a" * 32 + ".wav", b"another", tarfile.REGTYPE),
        ("blobs/0a/" + "0a" * 32 + ".wav", b"", tarfile.SYMTYPE),
        ("records/run/0a/0a.json", b'{"allowed": true}', tarfile.REGTYPE),  # who may do what is no result
        ("records/fit/0a/0a.json", b'{"step": "mix", "key": "0a"}', tarfile.REGTYPE),
        ("records/fit/0a/0a.json", b"{not json", tarfile.REGTYPE),
    ],
)
def test_what_is_no_part_of_a_store_is_refused(tmp_path: Path, name: str, content: bytes, kind: bytes) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(BadInputError):
        read_archive(store, with_member(tmp_path / "bad.tar", name, content, kind))
    assert not [path for path in tmp_path.rglob("*.json") if path.is_file()]
    assert not list((store.root / "blobs").rglob("*.*"))


def test_an_archive_that_was_cut_off_leaves_no_record_without_its_files(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    big = store.add(a_file(tmp_path, b"x" * 50_000))
    store.write_note("branch", "0a", {"outputs": {"a.wav": big.model_dump()}})
    whole = archived(store, tmp_path / "a.tar").read_bytes()
    for length in (10, 600, 20_000, len(whole) - 12_000):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with contextlib.suppress(BadInputError):
            read_archive(other, tmp_path / "cut.tar")
        note = other.read_note("branch", "0a")
        assert note is None or other.holds(Asset.model_validate(note["outputs"]["a.wav"]))


def test_records_of_an_earlier_version_are_written_so_that_they_fit_anywhere(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    asset = store.add(a_file(tmp_path))
    record = store.root / "records" / "branch" / "0a" / "0a.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"audio": asset.model_dump()}))  # with the absolute path
    read_archive(other, archived(store, tmp_path / "a.tar"))
    assert other.holds(Asset.model_validate(other.read_note("branch", "0a")["audio"]))
