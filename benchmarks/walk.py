"""The walk of one video, one script and one recorded dub from the command to the master: which rooms it goes through.

    python -m benchmarks.walk [CHECKOUT ...]

Runs `polydub run` on a clip of a second, by the profile `fake`, and follows its calls: with the video alone, with a
script beside it, and with a recorded dub. A room is a package of `flows`, `tasks` or `lipsync_engine` (`tasks/mix`),
or a module that lies loose beside them. Whoever reads along reads each function once, when it is first called: a stay
is a run of functions of one room, a return a stay in a room that was left before. The rows "one language" are the same
way from the function that dubs one language on, along the run: each call that hands on the run, its title or its
profile, once; its rooms are files. Each further checkout (a `git worktree` of an older commit) is a column of its own.
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

import soundfile

from lipsync_engine.speech import espeak

HERE = Path(__file__).parents[1]
_LANGUAGE = ", one language"
_HOUSES = ("flows", "tasks", "lipsync_engine", "configs")
_WALKS: dict[str, tuple[str, ...]] = {
    "video": (),
    "script": ("--subtitles", "script.en.srt"),
    "dub": ("--subtitles", "script.en.srt", "--dub", "es=dub.wav"),
}
#: What dubs one language: the flow, or its work where no flow is needed.
_BEGINS = ("dub_language", "dub_branch")
#: The run of a language and its parts, by the names of their types, which older checkouts have too.
_HANDED = {"Run", "Branch", "Known", "Title", "Profile"}
_SCRIPT = "1\n00:00:00,100 --> 00:00:00,900\nGood morning.\n"


class Trail:
    """Functions of a checkout in the order of their first calls, in all threads."""

    def __init__(self, checkout: Path) -> None:
        self._root = f"{checkout}{os.sep}"
        self._known: dict[Any, str] = {}
        self._handed: dict[Any, str] = {}
        self._lock = threading.Lock()

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        """As `sys.setprofile` calls it."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(self._root):
            return
        file = code.co_filename.removeprefix(self._root)
        with self._lock:
            self._known.setdefault(code, room_of(file))
            call = (frame.f_back.f_code if frame.f_back else None, code)
            begun = self._handed or code.co_name in _BEGINS
            if begun and call not in self._handed and room_of(file) and _is_handed_the_run(frame):
                self._handed[call] = file

    @property
    def rooms(self) -> dict[str, list[str]]:
        """The room of each function, and the file of each call that hands on the run of one language."""
        return {"": [room for room in self._known.values() if room], _LANGUAGE: list(self._handed.values())}


def _is_handed_the_run(frame: FrameType) -> bool:
    code = frame.f_code
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return any(type(frame.f_locals.get(name)).__name__ in _HANDED for name in arguments)


def room_of(file: str) -> str:
    """The room of a file of a checkout; empty where it is in none."""
    house, _, below = file.partition("/")
    if house not in _HOUSES:
        return ""
    return house if house == "configs" else f"{house}/{below.partition('/')[0].removesuffix('.py')}"


def stays(rooms: list[str]) -> list[str]:
    """The rooms in the order in which they are entered."""
    return [room for room, before in zip(rooms, ["", *rooms], strict=False) if room != before]


def walked(checkout: Path, flags: tuple[str, ...]) -> dict[str, list[str]]:
    """Dub the clip by the code of a checkout, and follow it: the rooms as of `Trail.rooms`."""
    with tempfile.TemporaryDirectory(prefix="polydub-walk-") as name:
        _make(Path(name))
        env = {**os.environ, "POLYDUB_STORE": f"{name}/store", "PYTHONPATH": str(checkout), "POLYDUB_LOG": ""}
        command = [sys.executable, "-c", _FOLLOW, str(HERE), str(checkout)]
        words = ["run", "clip.mp4", "--to", "es", "--profile", "fake", "--out", "out", *flags]
        done = subprocess.run([*command, *words], cwd=name, env=env, capture_output=True, text=True, check=False)
        if not (Path(name) / "out/clip/clip.es.mp4").exists():
            raise SystemExit(done.stderr)
        rooms: dict[str, list[str]] = json.loads((Path(name) / "trail.json").read_text())
        return rooms


def _make(folder: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, str(folder / "clip.mp4")], check=True)
    said = espeak.synthesize("Buenos días.", espeak.voice_for("es"))
    soundfile.write(folder / "dub.wav", said.samples, said.sample_rate_hz)
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
    parser.add_argument("--way", action="store_true", help="print the rooms of the walks in order, too")
    parser.add_argument("--only", nargs="*", choices=tuple(_WALKS), help="walk these alone")
    options = parser.parse_args()
    checkouts = [path.resolve() for path in options.checkouts] or [HERE]
    print("| walk | " + " | ".join(checkout.name for checkout in checkouts) + " |")
    print("|---|" + "---|" * len(checkouts))
    ways: dict[tuple[str, Path], dict[str, list[str]]] = {}
    wanted = options.only or list(_WALKS)
    for what in wanted:
        ways |= {(what, one): walked(one, _WALKS[what]) for one in checkouts}
        for part in ("", _LANGUAGE):
            told = " | ".join(_told(ways[what, one][part], part) for one in checkouts)
            print(f"| {what}{part} | {told} |", flush=True)
    for (what, one), way in ways.items() if options.way else ():
        for part, rooms in way.items():
            print(f"\n{one.name}, {what}{part}: " + " > ".join(stays(rooms)))


def _told(rooms: list[str], part: str) -> str:
    way, entered = stays(rooms), set(rooms)
    steps, places = ("calls", "files") if part else ("functions", "rooms")
    return f"{len(rooms)} {steps} in {len(entered)} {places}: {len(way)} stays, {len(way) - len(entered)} returns"


if __name__ == "__main__":
    main()
