"""SIGTERM: the step under way is finished and kept, no other is begun, and the same command goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_step_under_way_is_finished(short_clip: Path, store_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text("extends: fake\nlipsync: {backend: fake, options: {delay_s: 6}}\n")
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
    out, rest = child.communicate(timeout=200)
    told.append(rest)
    assert child.returncode == 1, "".join(told)
    assert "clip es: lipsync done" in rest
    assert ": mix ..." not in rest
    stopped = json.loads(out)["languages"]
    assert [stopped[tag]["state"] for tag in ("es", "fr")] == ["failed", "failed"]
    assert "stop was requested" in stopped["es"]["error"]["what"]
    assert not list((store_folder / "tmp").iterdir())
    assert not list((tmp_path / "out").rglob("*.mp4"))

    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert "clip es: lipsync found" in again.stderr
