"""The walk of one video, one script and one recorded dub from the command to the master: which rooms it goes through.

    python -m benchmarks.walk [CHECKOUT ...]

Runs `polydub run` on a clip of a second, by the profile `fake`, and follows its calls: with the video alone, with a
script beside it, and with a recorded dub. A room is a package of `flows`, `tasks` or `lipsync_engine` (`tasks/mix`),
or a module that lies loose beside them. Whoever reads along reads each function once, when it is first called: a stay
is a run of functions of one room, a return a stay in a room that was left before. Each further checkout (a
`git worktree` of an older commit) is a column of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parents[1]
_HOUSES = ("flows", "tasks", "lipsync_engine", "configs")
_WALKS: dict[str, tuple[str, ...]] = {
    "video": (),
    "script": ("--subtitles", "script.en.srt"),
    "dub": ("--subtitles", "script.en.srt", "--dub", "es=dub.wav"),
}
_SCRIPT = "1\n00:00:00,100 --> 00:00:00,900\nGood morning.\n"


class Trail:
    """Functions of a checkout in the order of their first calls, in all threads."""

    def __init__(self, checkout: Path) -> None:
        self._root = f"{checkout}{os.sep}"
        self._known: dict[Any, str] = {}
        self._lock = threading.Lock()

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        """As `sys.setprofile` calls it."""
        code = frame.f_code
        if event == "call" and code not in self._known and code.co_filename.startswith(self._root):
            with self._lock:
                self._known[code] = room_of(code.co_filename.removeprefix(self._root))

    @property
    def rooms(self) -> list[str]:
        """The room of each function; those outside the houses are left out."""
        return [room for room in self._known.values() if room]


def room_of(file: str) -> str:
    """The room of a file of a checkout; empty where it is in none."""
    house, _, below = file.partition("/")
    if house not in _HOUSES:
        return ""
    return house if house == "configs" else f"{house}/{below.partition('/')[0].removesuffix('.py')}"


def stays(rooms: list[str]) -> list[str]:
    """The rooms in the order in which they are entered."""
    return [room for room, before in zip(rooms, ["", *rooms], strict=False) if room != before]


def walked(checkout: Path, flags: tuple[str, ...]) -> list[str]:
    """Dub the clip by the code of a checkout, and follow it."""
    with tempfile.TemporaryDirectory(prefix="polydub-walk-") as name:
        _make(Path(name))
        env = {**os.environ, "POLYDUB_STORE": f"{name}/store", "PYTHONPATH": str(checkout), "POLYDUB_LOG": ""}
        command = [sys.executable, "-c", _FOLLOW, str(HERE), str(checkout)]
        words = ["run", "clip.mp4", "--to", "es", "--profile", "fake", "--out", "out", *flags]
        done = subprocess.run([*command, *words], cwd=name, env=env, capture_output=True, text=True, check=False)
        if not (Path(name) / "out/clip/clip.es.mp4").exists():
            raise SystemExit(done.stderr)
        rooms: list[str] = json.loads((Path(name) / "trail.json").read_text())
        return rooms


def _make(folder: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, str(folder / "clip.mp4")], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:d=1", str(folder / "dub.wav")], check=True)
    (folder / "script.en.srt").write_text(_SCRIPT)


#: Imports all that a run needs before it follows the run.
_FOLLOW = """
import importlib.util, json, sys, threading
from pathlib import Path
here, checkout, *words = sys.argv[1:]
spec = importlib.util.spec_from_file_location("walk", Path(here) / "benchmarks" / "walk.py")
walk = importlib.util.module_from_spec(spec)
spec.loader.exec_module(walk)
import flows.cli
try:
    import flows.dub.title
except ModuleNotFoundError:  # before the flows had rooms
    import flows.title
assert flows.cli.__file__.startswith(checkout), flows.cli.__file__
trail = walk.Trail(Path(checkout))
sys.argv = ["polydub", *words]
threading.setprofile(trail.note)
sys.setprofile(trail.note)
try:
    flows.cli.main()
finally:
    sys.setprofile(None)
    Path("trail.json").write_text(json.dumps(trail.rooms))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT")
    parser.add_argument("--way", action="store_true", help="print the rooms of the video's walk in order, too")
    options = parser.parse_args()
    checkouts = [path.resolve() for path in options.checkouts] or [HERE]
    print("| walk | " + " | ".join(checkout.name for checkout in checkouts) + " |")
    print("|---|" + "---|" * len(checkouts))
    ways: dict[tuple[str, Path], list[str]] = {}
    for what, flags in _WALKS.items():
        for checkout in checkouts:
            ways[what, checkout] = walked(checkout, flags)
        print(f"| {what} | " + " | ".join(_told(ways[what, checkout]) for checkout in checkouts) + " |")
    if options.way:
        for checkout in checkouts:
            print(f"\n{checkout.name}: " + " > ".join(stays(ways["video", checkout])))


def _told(rooms: list[str]) -> str:
    way, entered = stays(rooms), set(rooms)
    return f"{len(rooms)} functions in {len(entered)} rooms: {len(way)} stays, {len(way) - len(entered)} returns"


if __name__ == "__main__":
    main()
