"""What a run costs beside its steps: the first one, one whose language fails, and an identical second one.

    python -m benchmarks.overhead [--rounds 3] [CHECKOUT ...]

Runs `polydub run` on a clip of a second, by the profile `fake`, whose steps cost next to nothing. For each the seconds
until its first line, until its end, and of CPU with all its processes: the median of the rounds, in which the checkouts
(`git worktree` of other commits; without one, this) take turns, so that a busy machine is busy for all. Ratios are to
the first checkout.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
_FAILING = "extends: fake\nlipsync: {backend: fake, options: {fail: [es]}}\n"
_MAIN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from flows import cli
assert cli.__file__.startswith(sys.path[0]), cli.__file__
sys.argv[0] = "polydub"
cli.main()
"""
Seconds = tuple[float, float, float]


def run(checkout: Path, folder: Path, profile: str, out: str) -> Seconds:
    """A run: seconds until the first line, until the end, and of CPU.

    Args:
        checkout: whose code runs.
        folder: with the clip.
        profile: name or file.
        out: folder of the deliverables, in ``folder``; each has a store of its own.
    """
    words = ["run", "clip.mp4", "--to", "es", "--from", "en", "--profile", profile, "--out", out]
    before, began = _cpu(), time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", _MAIN, str(checkout), *words],
        cwd=folder,
        env={**os.environ, "POLYDUB_STORE": f"{folder}/store-{out}", "PREFECT_HOME": f"{folder}/prefect"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    child.stdout.readline()
    first = time.monotonic() - began
    child.stdout.read()
    child.wait()
    return first, time.monotonic() - began, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    checkouts = [path.resolve() for path in options.checkouts] or [HERE]
    took: dict[tuple[str, Path], list[Seconds]] = {}
    for number in range(options.rounds):
        for checkout in checkouts if number % 2 == 0 else reversed(checkouts):
            with tempfile.TemporaryDirectory(prefix="polydub-overhead-") as name:
                folder = Path(name)
                source = ["-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"]
                subprocess.run(["ffmpeg", "-v", "error", *source, str(folder / "clip.mp4")], check=True)
                (folder / "failing.yaml").write_text(_FAILING)
                for what, profile, out in (
                    ("first", "fake", "a"),
                    ("second", "fake", "a"),
                    ("fails", "failing.yaml", "b"),
                ):
                    took.setdefault((what, checkout), []).append(run(checkout, folder, profile, out))
    print("| run | " + " | ".join(f"{checkout.name}: first line / end / CPU s" for checkout in checkouts) + " |")
    print("|---|" + "---|" * len(checkouts))
    for what in ("first", "second", "fails"):
        medians = [[statistics.median(row) for row in zip(*took[what, one], strict=True)] for one in checkouts]
        cells = [" / ".join(f"{value:.2f}" for value in medians[0])]
        for other in medians[1:]:
            ratios = (f"{value:.2f} ({value / base:.2f})" for value, base in zip(other, medians[0], strict=True))
            cells.append(" / ".join(ratios))
        print(f"| {what} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
