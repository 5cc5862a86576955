"""`polydub up` begins its programs again when they die, and ends them when it ends."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from flows.service import serve
from tasks.machine.process import wait_until


def test_a_program_that_dies_is_begun_again(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_PREFECT", (sys.executable, "-c"))
    monkeypatch.setattr(serve, "_AGAIN_S", 0.01)
    said = io.StringIO()
    with serve._Programs(Console(file=said)) as programs:
        programs.keep("short", ["print('gone', flush=True)"], {})
        programs.keep("long", ["import os, time; print(os.getpid(), flush=True); time.sleep(600)"], {})
        assert wait_until(lambda: programs.ended.count("short") >= 2, deadline_s=60)
        assert wait_until(lambda: bool(programs.log("long").read_text()), deadline_s=60)
        pid = int(programs.log("long").read_text())
        os.kill(pid, 0)
    assert "long" not in programs.ended
    assert "short ended and is restarted" in said.getvalue()
    assert programs.log("short").read_text().count("gone") >= 2
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
