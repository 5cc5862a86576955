"""What an edit of one line costs: a title of many lines is dubbed, one word of a line is changed, and it is run again.

    python -m benchmarks.edit [--lines 18] [--height 360] [--profile offline] [--keep FOLDER]

The title is a clip of three lines and their pauses, again and again (test media, ``benchmarks.clips``). Prints for each
step of the language the seconds of both runs and how many of its parts (lines, stretches of the picture) were found,
the ratio of the seconds of all steps, that of the commands' processor time (the first command has the title's shared
steps, too), the frames that were drawn, and how many packets of the picture differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.clips import MEDIA

CLIP = "open-dubbing/tests/data/englishvideo.mp4"
#: Its length, and its lines: start ms, end ms, text.
LENGTH_MS = 9967
LINES = (
    (1260, 3950, "Good morning, my name is Jordi Mas."),
    (5250, 6630, "I am from Barcelona."),
    (7610, 8690, "And I love this city."),
)
SAID, INSTEAD = "Barcelona", "Sevilla"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=18, help="in the title, three for each ten seconds")
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--keep", type=Path, help="a folder to work in, which stays, store and all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polydub-edit-") as folder:
        where = options.keep or Path(folder)
        where.mkdir(exist_ok=True)
        _measure(where, max(1, options.lines // len(LINES)), options.height, options.profile)


def _measure(folder: Path, rounds: int, height: int, profile: str) -> None:
    _title(folder, rounds, height)
    spent = _processor_s()
    before = _dubbed(folder, profile)
    whole_cpu = _processor_s() - spent
    packets = _packets(folder / "out/title/title.es.mp4")
    line = _edit(folder)
    spent = _processor_s()
    after = _dubbed(folder, profile)
    edited_cpu = _processor_s() - spent
    for step, seconds in before["seconds"].items():
        hits = after["cache_hits"][step]
        found = f"{hits['hits']} of {hits['parts']} parts found" if hits["parts"] else ""
        found = "found" if hits["reused"] else found
        print(f"{step:<12} {seconds:8.1f} s  {after['seconds'][step]:8.1f} s  {found}")
    whole, edited = (sum(run["seconds"].values()) for run in (before, after))
    print(f"one word of line {line} of {rounds * len(LINES)}: {edited:.1f} of {whole:.1f} s, {edited / whole:.1%}")
    print(f"processor time of the commands: {edited_cpu:.1f} of {whole_cpu:.1f} s, {edited_cpu / whole_cpu:.1%}")
    report = json.loads((folder / "out/title/es/lipsync.json").read_text("utf-8"))
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report["seconds"].items())
    print(f"{report['drawn']} of {report['frames']} frames drawn; seconds of the lip sync: {stages}")
    now = _packets(folder / "out/title/title.es.mp4")
    print(f"{len(packets.items() ^ now.items()) // 2} of {len(packets)} packets of the picture differ")


def _processor_s() -> float:
    """Processor seconds of all commands that have ended, and of what they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _title(folder: Path, rounds: int, height: int) -> None:
    title, subtitles = folder / "title.mp4", folder / "title.srt"
    if not title.exists():
        looped = ["-stream_loop", str(rounds - 1), "-i", str(MEDIA / CLIP), "-vf", f"scale=-2:{height}"]
        encode = ["-c:v", "libx264", "-crf", "16", "-preset", "veryfast", "-c:a", "aac"]
        subprocess.run(["ffmpeg", "-v", "error", *looped, *encode, str(title)], check=True)
    cues = [
        (LENGTH_MS * turn + start, LENGTH_MS * turn + end, text) for turn in range(rounds) for start, end, text in LINES
    ]
    rows = [f"{n}\n{_time(start)} --> {_time(end)}\n{text}\n" for n, (start, end, text) in enumerate(cues, start=1)]
    subtitles.write_text("\n".join(rows), "utf-8")


def _time(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def _dubbed(folder: Path, profile: str) -> dict[str, Any]:
    """The language's part of the summary of a run."""
    words = ["run", "title.mp4", "--to", "es", "--from", "en", "--subtitles", "title.srt", "--profile", profile]
    _polydub(folder, *words, "--out", "out")
    summary = json.loads((folder / "out/title/summary.json").read_text("utf-8"))
    language: dict[str, Any] = summary["languages"]["es"]
    return language


def _edit(folder: Path) -> int:
    """Change a word of a line in the middle; its number."""
    script = folder / "script.json"
    _polydub(folder, "script", "export", "out/title", "--language", "es", "--file", str(script))
    table = json.loads(script.read_text("utf-8"))
    said = [line for line in table["lines"] if SAID in line["text"]]
    edited = said[len(said) // 2]
    edited["text"] = edited["text"].replace(SAID, INSTEAD)
    script.write_text(json.dumps(table, ensure_ascii=False), "utf-8")
    _polydub(folder, "script", "import", "out/title", "--language", "es", "--file", str(script))
    return int(edited["id"])


def _polydub(folder: Path, *words: str) -> None:
    env = {**os.environ, "POLYDUB_STORE": str(folder.absolute() / "store"), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], cwd=folder, env=env, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(done.stderr)


def _packets(film: Path) -> dict[int | None, str]:
    """Digest of every packet of the picture, by its time."""
    import av

    with av.open(str(film)) as opened:
        shown = (packet for packet in opened.demux(video=0) if packet.size)
        return {packet.pts: hashlib.sha256(bytes(packet)).hexdigest() for packet in shown}


if __name__ == "__main__":
    main()
