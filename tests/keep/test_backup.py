"""A store and Prefect's database come back from a backup that was made while both were in use."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.keep.store import Store
from tasks.records.made import Laid
from tests.keep.test_store import committed


def asked(*words: str) -> str:
    done = CliRunner().invoke(app, ["store", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_lost_store_and_database_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "home" / "prefect.db"
    database.parent.mkdir()
    monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{database}")
    committed(Store(tmp_path / "store"), tmp_path)
    writer = sqlite3.connect(database)  # open all the time, as the server has it
    writer.execute("pragma journal_mode=wal")
    writer.execute("create table run (name text)")
    writer.execute("insert into run values ('night')")
    writer.commit()
    first = asked("backup", str(tmp_path / "backup"))
    assert "2 files" in first
    assert "0 files" in asked("backup", str(tmp_path / "backup"))
    writer.close()
    shutil.rmtree(tmp_path / "store")
    shutil.rmtree(database.parent)
    database.parent.mkdir()

    asked("restore", str(tmp_path / "backup"), "--database")
    found = Store(tmp_path / "store").lookup("fit", "k1", Laid)
    assert found is not None
    assert sqlite3.connect(database).execute("select name from run").fetchall() == [("night",)]
    refused = CliRunner().invoke(app, ["store", "restore", str(tmp_path / "backup"), "--database"])
    assert (refused.exit_code, "is there already" in refused.stderr) == (2, True)
    assert CliRunner().invoke(app, ["store", "restore", str(tmp_path / "nothing")]).exit_code == 2


def test_a_database_that_is_no_file_is_left_to_its_own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://polydub:hidden@db/prefect")
    said = asked("backup", str(tmp_path / "backup"))
    assert "pg_dump" in said
    assert "hidden" not in said
