"""SIGTERM to a command: over at once, as Ctrl-C is, nothing half-made is left; the same command goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_what_was_finished_is_found_by_the_same_command(short_clip: Path, store_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text("extends: fake\nlipsync: {backend: fake, options: {delay_s: 20}}\n")
    arguments = ["run", str(short_clip), "--to", "es,fr", "--from", "en", "--profile", "slow.yaml", "--json"]
    command = [sys.executable, "-m", "flows.cli", *arguments]
    env = {**os.environ, "POLYDUB_STORE": str(store_folder)}
    env["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)

    child = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    told = []
    for line in child.stderr:
        told.append(line)
        if "lipsync ..." in line:
            child.send_signal(signal.SIGTERM)
            break
    began = time.monotonic()
    out, rest = child.communicate(timeout=200)
    assert time.monotonic() - began < 5
    assert child.returncode == 143, "".join([*told, rest])
    assert "run the same command again to resume" in rest
    assert "failed" not in rest
    assert not out
    assert not list((tmp_path / "out").rglob("*.mp4"))

    (tmp_path / "slow.yaml").write_text("extends: fake\n")
    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert "clip es: synthesize found" in again.stderr
    assert not list((store_folder / "tmp").iterdir())
