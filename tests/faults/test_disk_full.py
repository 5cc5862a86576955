"""A disk that fills up in the middle of a title: said plainly, nothing half delivered, resumed when there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_PRIVATE = ["unshare", "--map-root-user", "--mount"]
#: In a mount namespace of its own: a small disk for store and deliverables, a run, more room, the same run again.
_SCRIPT = """
set -u
mount -t tmpfs -o size=900k tmpfs "$DISK"
cd "$DISK"
run() { "$PYTHON" -m flows.cli run "$CLIP" --to es --from en --profile fake --out "$DISK/out"; echo "code $?"; }
run
find "$DISK/out" -name "*.mp4" -o -name "*.mkv" -o -name "*.part" | sed "s/^/too soon: /"
mount -o remount,size=200m "$DISK"
run
find "$DISK/out" -name "*.mp4" -o -name "*.mkv" -o -name "*.part" | sed "s/^/there: /"
"""


def can_mount() -> bool:
    return not subprocess.run([*_PRIVATE, "true"], capture_output=True, check=False).returncode


def test_a_full_disk(short_clip: Path, tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("a small disk needs a mount of its own: neither root nor a user namespace may make one here")
    disk = tmp_path / "disk"
    disk.mkdir()
    env = {**os.environ, "DISK": str(disk), "CLIP": str(short_clip), "PYTHON": sys.executable}
    env |= {
        "POLYDUB_STORE": str(disk / "store"),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    command = [*_PRIVATE, "sh", "-c", _SCRIPT]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    told = done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 1", "code 0"], told
    assert "No space is left" in done.stderr, told
    assert "Traceback" not in done.stderr, told
    assert "too soon" not in done.stdout, told
    assert "there: " in done.stdout
    assert ".part" not in done.stdout
