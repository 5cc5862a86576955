"""Kill a run (SIGKILL) in five different steps, run the same command again, and compare with an undisturbed run.

    python -m benchmarks.resume VIDEO [--preview 4]

Prints, for each step, the seconds of the resumed run, its ratio to the undisturbed one, the steps found instead of
computed, processes left behind by the kill, and whether every deliverable is the same, byte for byte.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = ("separate", "transcribe", "track-faces", "lipsync", "qc")
#: What may differ between two runs: seconds.
_TIMED = {"summary.json", "es/lipsync.json"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--preview", default="4")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polydub-resume-") as folder:
        root = Path(folder)
        command = ["run", str(options.video.absolute()), "--to", "es", "--from", "en", "--preview", options.preview]
        _timed(root, "warm", command)  # Prefect's database is made once
        whole, expected = _timed(root, "whole", command)
        print(f"undisturbed: {whole:.1f} s")
        for step in STEPS:
            left = _killed(root, step, command)
            seconds, made = _timed(root, step, command)
            same = made.keys() == expected.keys() and all(made[name] == expected[name] for name in made)
            found = _found(root / step / "out")
            print(
                f"killed in {step:<12} resumed in {seconds:5.1f} s ({seconds / whole:.2f} of undisturbed), "
                f"{found} steps found, {left} processes left behind, outputs {'identical' if same else 'DIFFER'}",
                flush=True,
            )


def _start(root: Path, name: str, command: list[str]) -> subprocess.Popen[str]:
    out, env = root / name / "out", {**os.environ, "POLYDUB_STORE": str(root / name / "store")}
    env |= {"PREFECT_HOME": str(root / "prefect")}
    arguments = [sys.executable, "-m", "flows.cli", *command, "--out", str(out)]
    return subprocess.Popen(arguments, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _timed(root: Path, name: str, command: list[str]) -> tuple[float, dict[str, bytes]]:
    began = time.monotonic()
    child = _start(root, name, command)
    _, said = child.communicate()
    if child.returncode != 0:
        sys.exit(said)
    seconds = time.monotonic() - began
    title = next((root / name / "out").iterdir())
    files = {str(path.relative_to(title)): path.read_bytes() for path in title.rglob("*") if path.is_file()}
    if name == "warm":
        shutil.rmtree(root / name)
    return seconds, {place: content for place, content in files.items() if place not in _TIMED}


def _killed(root: Path, step: str, command: list[str]) -> int:
    child = _start(root, step, command)
    assert child.stderr is not None
    for line in child.stderr:
        if f": {step} ..." in line:
            break
    time.sleep(0.3)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stderr.close()
    time.sleep(1)
    return _still_running(root / step / "store")


def _still_running(store: Path) -> int:
    """Processes of this host that were started for a store."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += f"POLYDUB_STORE={store}\0".encode() in (process / "environ").read_bytes()
    return count


def _found(out: Path) -> int:
    summary = json.loads(next(out.rglob("summary.json")).read_bytes())
    ledgers = [summary["shared"], *summary["languages"].values()]
    return sum(hit["reused"] for ledger in ledgers for hit in ledger["cache_hits"].values())


if __name__ == "__main__":
    main()
