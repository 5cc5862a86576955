"""One process at a time; whoever dies holds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tasks.keep.locks import locked, locked_if_free

HOLDS = """
import pathlib, sys, time
from tasks.keep.locks import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_that_somebody_holds_is_not_free_until_it_is_let_go(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert not is_free(tmp_path / "lock")
    assert is_free(tmp_path / "lock")


def test_whoever_takes_a_free_lock_holds_it(tmp_path: Path) -> None:
    with locked_if_free(tmp_path / "lock") as taken:
        assert taken
        assert not is_free(tmp_path / "lock")
    assert is_free(tmp_path / "lock")


def test_a_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert not is_free(tmp_path / "lock")
        holder.kill()
    assert is_free(tmp_path / "lock")


def is_free(file: Path) -> bool:
    with locked_if_free(file) as taken:
        return taken
