"""Inputs that were damaged or forged, each put through the function that takes it in; a child process of a test.

``python -m tests.faults.mutated FOLDER FIRST COUNT`` tells, as JSON, what broke and the most memory (kB) that was used.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

SEED = 20261130
LONGEST_S = 60.0
_SUBTITLES = {
    "a.srt": "1\n00:00:00,100 --> 00:00:00,900\n<i>Hello</i> there\n\n2\n00:00:01,000 --> 00:00:01,800\nBye\n",
    "a.vtt": "WEBVTT\n\n00:00.100 --> 00:00.900 line:1\n<v Ann>Hello &amp; you\n\n00:01.000 --> 00:01.800\nBye\n",
    "a.ass": "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
    "MarginV, Effect, Text\nDialogue: 0,0:00:00.10,0:00:00.90,Default,Ann,0,0,0,,{\\i1}Hello\n",
    "a.json": json.dumps({"language": "en", "lines": [{"id": 1, "start_ms": 100, "end_ms": 900, "text": "Hello"}]}),
}
_HUGE = [b"0", b"-1", b"4294967295", b"9" * 40, b"1e309", b"NaN", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff" * 2]


def make_seeds(folder: Path) -> None:
    """Whole inputs of every kind."""
    import openpyxl
    import pandas

    folder.mkdir(parents=True, exist_ok=True)
    sources = "-f lavfi -i testsrc2=s=96x64:r=10:d=2 -f lavfi -i sine=d=2"
    x264, aac = "-c:v libx264 -g 10 -pix_fmt yuv420p", "-c:a aac"
    for name, how in {
        "a.mp4": f"{x264} {aac}",
        "a.mkv": f"{x264} {aac}",
        "a.ts": f"{x264} {aac}",
        "a.mov": "-c:v mpeg4 -c:a pcm_s16le",
        "a.avi": "-c:v mpeg4 -c:a mp3",
        "a.wav": "-vn",
        "a.flac": "-vn",
        "a.png": "-an -frames:v 1",
    }.items():
        command = ["ffmpeg", "-v", "error", "-y", *sources.split(), *how.split(), str(folder / name)]
        subprocess.run(command, check=True)
    for name, text in _SUBTITLES.items():
        (folder / name).write_text(text)
    rows = [{"title": "a.mp4", "languages": "es;fr", "priority": "1", "due": "2026-11-30"}] * 3
    table = pandas.DataFrame(rows)
    table.to_csv(folder / "list.csv", index=False)
    table.to_parquet(folder / "list.parquet", index=False)
    book = openpyxl.Workbook()
    for row in (rows[0].keys(), rows[0].values()):
        book.active.append(list(row))  # type: ignore[union-attr]
    book.save(folder / "list.xlsx")
    (folder / "list.yaml").write_text("titles:\n" + "".join(f"- {json.dumps(row)}\n" for row in rows))
    (folder / "profile.yaml").write_text("extends: fake\nfit:\n  stretch_max: 1.2\nmix:\n  loudness: r128\n")
    with zipfile.ZipFile(folder / "lines.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "a.wav", "1.wav")
        archive.write(folder / "a.flac", "2.flac")


def _flip_bits(out: bytearray, _at: int, dice: random.Random, _other: bytes) -> None:
    for _ in range(dice.choice([1, 4, 40])):
        if out:
            out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)


def _cut_short(out: bytearray, at: int, _dice: random.Random, _other: bytes) -> None:
    del out[at:]


def _take_a_piece_out(out: bytearray, at: int, dice: random.Random, _other: bytes) -> None:
    del out[at : at + dice.choice([1, 8, 500])]


def _splice_another_kind_in(out: bytearray, at: int, dice: random.Random, other: bytes) -> None:
    out[at:at] = other[dice.randrange(len(other)) :][:2000]


def _promise_much(out: bytearray, at: int, dice: random.Random, _other: bytes) -> None:
    """A length field, or a number, of a huge value."""
    huge = dice.choice(_HUGE)
    out[at : at + (len(huge) if dice.random() < 0.7 else 0)] = huge


def _overwrite_the_beginning(out: bytearray, _at: int, dice: random.Random, _other: bytes) -> None:
    """The beginning is where lengths are."""
    at = dice.randrange(min(64, len(out) + 1))
    out[at : at + 4] = dice.randbytes(4)


def _nest(out: bytearray, at: int, dice: random.Random, _other: bytes) -> None:
    out[at:at] = dice.choice([b"[", b"{", b"<", b'"', b"(", b"{\\"]) * dice.choice([3, 3000])


def _repeat_a_piece(out: bytearray, at: int, dice: random.Random, _other: bytes) -> None:
    out[at:at] = bytes(out[at : at + 200]) * dice.choice([1, 30])


_INJURIES = (
    _flip_bits,
    _cut_short,
    _take_a_piece_out,
    _splice_another_kind_in,
    _promise_much,
    _overwrite_the_beginning,
    _nest,
    _repeat_a_piece,
)


def mutated(data: bytes, dice: random.Random, other: bytes) -> bytes:
    """The data after one to three injuries."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(out) + 1)
        _INJURIES[dice.randrange(len(_INJURIES))](out, at, dice, other)
    return bytes(out)


def take_in(path: Path) -> None:
    """Put a file through the function that takes its kind in."""
    from configs.profile import FitSettings
    from flows.ask.plan import checked_profile
    from flows.night.manifest import Defaults, read_manifest
    from tasks.ingest.line_files import lay_lines
    from tasks.media.probe import probe
    from tasks.records.script import Line, Script
    from tasks.transcribe.subtitles import read_script

    if path.name.startswith("list"):
        read_manifest(path, Defaults(profile="fake"))
    elif path.name.startswith("profile"):
        checked_profile(str(path), {})
    elif path.suffix == ".zip":
        script = Script(language="es", lines=(Line(id=1, start_ms=0, end_ms=900, text="x"),))
        lay_lines(path, script, 2000, FitSettings(), path.parent / "d.wav")  # type: ignore[call-arg]
    elif path.name in _SUBTITLES:
        read_script(path, "en")
    else:
        probe(path)


def _tried(number: int, seeds: list[Path], folder: Path, use: Callable[[Path], None]) -> str:
    """What is wrong with how an input was taken; nothing where it is fine."""
    from tasks.records.errors import PolydubError

    dice = random.Random(SEED * 100_000 + number)
    seed, other = seeds[number % len(seeds)], dice.choice(seeds)
    path = folder / seed.name
    path.write_bytes(mutated(seed.read_bytes(), dice, other.read_bytes()))
    began, wrong = time.monotonic(), ""
    try:
        use(path)
    except PolydubError:
        pass
    except BaseException:
        wrong = traceback.format_exc(limit=-4)
    if time.monotonic() - began > LONGEST_S:
        wrong += f"took {time.monotonic() - began:.0f} s"
    left = [one.name for one in folder.rglob("*") if ".part" in one.name or ".scratch" in one.name]
    return wrong + (f"left {left}" if left else "")


def main(folder: Path, first: int, count: int) -> None:
    seeds = sorted(path for path in (folder / "seeds").iterdir())
    work = folder / f"work-{first}"
    work.mkdir()
    (work / "clips").mkdir()
    wrong = {}
    for number in range(first, first + count):
        if told := _tried(number, seeds, work, take_in):
            wrong[f"{number} {seeds[number % len(seeds)].name}"] = told
    print(json.dumps({"wrong": wrong, "tried": count, "kb": max(_own_peak_kb(), _childrens_peak_kb())}))


def _own_peak_kb() -> int:
    """Not `getrusage`: its peak holds that of the process which started this one, before the program was loaded."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(row for row in status.splitlines() if row.startswith("VmHWM")).split()[1])


def _childrens_peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
