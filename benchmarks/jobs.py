"""Cores used: the same title with so many steps at once, one after the other, in turn: seconds, memory, same files.

    python -m benchmarks.jobs CLIP [--languages es,fr] [--jobs 1 auto] [--seconds 10] [--profile offline] [--rounds 1]

Each way has a store of its own, so that it makes everything; the first given is the base of the ratios. Memory is the
peak of all that a run started, sampled five times a second; pages that processes share are counted in each.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tasks.machine.jobs import at_once, cores
from tasks.machine.memory import free_bytes, own_bytes

#: Files that hold seconds or folders.
_TIMED = ("summary.json", "title.json", "lipsync.json", "report.html")


@dataclass(frozen=True)
class Taken:
    """Of one run: seconds by the clock and of all cores, most memory in bytes, digests of what came out by name."""

    seconds: float
    cpu_s: float
    memory: int
    files: dict[str, str]


def run(clip: Path, folder: Path, words: list[str], jobs: str) -> Taken:
    """Dub a clip into a folder of its own.

    Args:
        clip: the title.
        folder: for store and deliverables.
        words: further words of `polydub run`.
        jobs: as ``--jobs`` takes it.
    """
    env = {**os.environ, "POLYDUB_STORE": str(folder / "store"), "PREFECT_HOME": str(folder / "prefect")}
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "run",
        str(clip),
        *words,
        "--out",
        str(folder / "out"),
        "--jobs",
        jobs,
    ]
    over, most, own = threading.Event(), [0], own_bytes()

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], own_bytes() - own)

    watching = threading.Thread(target=watch)
    watching.start()
    before, began = _cpu(), time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    took, cpu = time.monotonic() - began, _cpu() - before
    over.set()
    watching.join()
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found = sorted(path for path in (folder / "out").rglob("*") if path.is_file() and path.name not in _TIMED)
    files = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    return Taken(took, cpu, most[0], files)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--languages", default="es,fr")
    parser.add_argument("--jobs", nargs="+", default=["1", "auto"])
    parser.add_argument("--seconds", default="10", help="of the clip")
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    words = ["--to", options.languages, "--from", "en", "--profile", options.profile]
    print(
        f"{cores()} cores, {free_bytes() / 1e9:.1f} GB free: auto is {at_once('auto')}; load {os.getloadavg()[0]:.1f}"
    )
    taken: dict[str, list[Taken]] = {jobs: [] for jobs in options.jobs}
    with tempfile.TemporaryDirectory(prefix="polydub-jobs-") as name:
        clip = Path(name) / "clip.mp4"
        cut = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            options.clip,
            "-t",
            options.seconds,
            "-c:v",
            "libx264",
            "-crf",
            "16",
            clip,
        ]
        subprocess.run(list(map(str, cut)), check=True)
        for number in range(options.rounds):
            for jobs in options.jobs if number % 2 == 0 else reversed(options.jobs):
                with tempfile.TemporaryDirectory(dir=name) as folder:
                    taken[jobs].append(run(clip, Path(folder), words, jobs))
    base = taken[options.jobs[0]]
    print("| --jobs | seconds | of the first | CPU s | peak MB | same files |\n|---|---|---|---|---|---|")
    for jobs, runs in taken.items():
        seconds, first = (statistics.median(one.seconds for one in some) for some in (runs, base))
        cpu, peak = statistics.median(one.cpu_s for one in runs), max(one.memory for one in runs)
        other = sorted({place for one in runs for place in one.files if one.files[place] != base[0].files.get(place)})
        same = f"all {len(base[0].files)}" if not other else f"not {', '.join(other)}"
        print(f"| {jobs} | {seconds:.1f} | {seconds / first:.2f} | {cpu:.1f} | {peak / 1e6:.0f} | {same} |")


if __name__ == "__main__":
    main()
