"""Files appear whole or not at all, in the engine as everywhere else."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import lipsync_engine.media.staging
from tasks.keep import staging
from tasks.keep.staging import scratch, sweep, write_first
from tests.small_files import files_no_larger_than

Staged = Callable[[Path], contextlib.AbstractContextManager[Path]]
LONGEST = 255  # bytes of a file's name


@pytest.fixture(params=[staging.staged, lipsync_engine.media.staging.staged], ids=["keep", "engine"])
def staged(request: pytest.FixtureRequest) -> Staged:
    found: Staged = request.param
    return found


def test_a_file_appears_when_it_is_whole(tmp_path: Path, staged: Staged) -> None:
    with staged(tmp_path / "mix.wav") as part:
        part.write_bytes(b"whole")
        assert part.parent == tmp_path
        assert part.suffix == ".wav"
        assert not (tmp_path / "mix.wav").exists()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mix.wav", b"whole")]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path, staged: Staged) -> None:
    (tmp_path / "mix.wav").write_bytes(b"before")
    with files_no_larger_than(1), pytest.raises(OSError, match="large"):
        _write(staged, tmp_path / "mix.wav", b"half")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mix.wav", b"before")]


def test_the_longest_name_can_be_written(tmp_path: Path, staged: Staged) -> None:
    out = tmp_path / f"{'x' * (LONGEST - 4)}.mp4"
    _write(staged, out, b"whole")
    assert out.read_bytes() == b"whole"


def test_two_writers_of_one_file_do_not_write_into_each_other(tmp_path: Path, staged: Staged) -> None:
    with staged(tmp_path / "note.json") as one, staged(tmp_path / "note.json") as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
        assert one.read_bytes() == b"one"


def test_a_scratch_file_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path / "mix.wav") as spare:
        spare.write_bytes(b"sum")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_whoever_writes_first_is_kept(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    if not links:
        monkeypatch.setattr(os, "link", refused)
    write_first(tmp_path / "card.json", "one", private=True)
    write_first(tmp_path / "card.json", "other")
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("card.json", "one")]
    assert stat.S_IMODE((tmp_path / "card.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".{}-1f3.part.mp4", ".{}-1f3.part", ".talk.es.mp4.{}.part"])
def test_what_a_killed_writer_left_is_swept_and_what_is_being_written_stays(tmp_path: Path, name: str) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for process in (dead.pid, os.getppid()):
        (tmp_path / name.format(process)).write_bytes(b"half")
    (tmp_path / f"talk.{dead.pid}.part").write_bytes(b"the user's")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {name.format(os.getppid()), f"talk.{dead.pid}.part"}


def _write(staged: Staged, out: Path, content: bytes) -> None:
    with staged(out) as part:
        part.write_bytes(content)
