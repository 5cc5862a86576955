"""The lip-sync engine on titles that are hard to take: it never aborts, and the length stays exact.

    python -m benchmarks.lipsync_robust [--quick] [--only NAME...] [--out DIR] [--jobs 2] [--limit SECONDS]

Makes short titles with ffmpeg from the test media (``POLYDUB_MEDIA``, or ``shared/media`` beside the checkout), then
analyses each and resynchronises it to an eSpeak dub, in a process of its own with a time limit. Frames and times are
counted by ffprobe, not by the engine. Of rows that are measured: closed teeth on open and rounded vowels, the longest
hold of one frame of the source in speech (frames) and the share of blended frames. A row is ok where the process ended
well in time, frames and times are those of the title, the report accounts for every frame, nothing changed outside the
mask, and something (or nothing) was edited as the title asks for. Ends with exit 1 where a row is not.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.clips import MEDIA

if TYPE_CHECKING:
    from lipsync_engine.records import Phone

TALK = MEDIA / "open-dubbing/tests/data/englishvideo.mp4"
TURNS = MEDIA / "liveportrait/assets/examples/source/s32.mp4"
GRID = [MEDIA / f"lipnet-grid/evaluation/samples/GRID/{n}.mpg" for n in ("bbaf2n", "brbk7n", "lbax4n", "swiz3n")]
WOMAN = MEDIA / "lipnet-grid/evaluation/samples/GRID/lwbsza.mpg"

#: A frame's time may differ by this: output in the source's own time base, containers that round to milliseconds.
TIME_TOLERANCE_S = 0.002
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p")
#: Made by resampling a clip of 30 frames a second.
RATES = ("12", "24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")


@dataclass(frozen=True)
class Case:
    """One title and what must become of it.

    Attributes:
        name: of the row.
        make: writes the title into a folder and returns its path (or the path of a file as it is).
        edits: whether frames must be edited (True), must not be (False), or may be (None).
        measure: also track the result again and measure it.
        still: an image for ``animate``.
        dub: ``"speech"``, ``"silence"`` (digital) or ``"short"`` (half as long as the title).
        quick: part of ``--quick``.
    """

    name: str
    make: Callable[[Path], Path]
    edits: bool | None = True
    measure: bool = False
    still: bool = False
    dub: str = "speech"
    quick: bool = False


@dataclass
class Row:
    """What became of one title."""

    frames: tuple[int, int] = (0, 0)
    times: bool = False
    outside: int | None = None
    teeth: float | None = None
    hold: int | None = None
    blended: float | None = None
    edited: int = 0
    bypassed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Run the cases, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one of each kind")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="rows whose name holds one of these")
    parser.add_argument("--out", type=Path, help="keep the titles and the results here")
    parser.add_argument("--jobs", type=int, default=2, help="titles at the same time")
    parser.add_argument("--limit", type=float, default=180, help="seconds for a title")
    options = parser.parse_args()
    if not MEDIA.is_dir():
        print(f"no test media at {MEDIA} (set POLYDUB_MEDIA): only titles without a face", file=sys.stderr)
    chosen = [c for c in cases() if (c.quick or not options.quick) and _named(c.name, options.only)]
    with tempfile.TemporaryDirectory(prefix="lipsync-robust-") as temporary:
        folder = options.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return run(chosen, folder, options.jobs, options.limit)


def _named(name: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(part in name for part in wanted)


def run(chosen: Sequence[Case], folder: Path, jobs: int, limit_s: float) -> int:
    """Run the cases and print a row for each; 1 where any failed."""
    columns = f"{'title':28} {'in':>5} {'out':>5} times outside edited teeth hold blend {'s':>6}  ok   "
    print(f"{columns} left as they are; what is wrong")
    failed = []
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lipsync_engine.resync", "lipsync_engine.portrait", "benchmarks.lipsync_speed"])
    clock = perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        for case, row in zip(chosen, pool.map(lambda c: tried(c, folder, context, limit_s), chosen), strict=True):
            ok = not row.wrong
            failed += [] if ok else [case.name]
            left = ", ".join(f"{why} {count}" for why, count in row.bypassed.items())
            outside = "-" if row.outside is None else str(row.outside)
            print(
                f"{case.name:28} {row.frames[0]:5} {row.frames[1]:5} {'same ' if row.times else 'OTHER'} {outside:>7} "
                f"{row.edited:6} {_cell(row.teeth)} {row.hold or '-':>4} {_cell(row.blended)} {row.seconds:6.1f}  "
                f"{'ok  ' if ok else 'FAIL'}  {left}"
                f"{'; ' if left and row.wrong else ''}{'; '.join(row.wrong)}",
                flush=True,
            )
    print(f"{len(chosen) - len(failed)} of {len(chosen)} ok in {perf_counter() - clock:.0f} s")
    if failed:
        print("failed: " + ", ".join(failed))
    return 1 if failed else 0


def _cell(share: float | None) -> str:
    return f"{'-' if share is None else f'{share:.2f}':>5}"


def tried(case: Case, folder: Path, context: ForkServerContext, limit_s: float) -> Row:
    """Make one title, edit it in a process of its own, look at what came out."""
    place = folder / case.name.replace(" ", "-").replace("/", "_")
    place.mkdir(exist_ok=True)
    row = Row()
    title = case.make(place)
    result, out = place / "result.json", place / "edit.mp4"
    out.unlink(missing_ok=True)
    result.unlink(missing_ok=True)
    clock = perf_counter()
    process = context.Process(target=_still if case.still else _edit, args=(title, case.dub, case.measure, place))
    process.start()
    process.join(limit_s)
    if process.is_alive():
        process.kill()
        process.join()
        row.wrong.append(f"still running after {limit_s:.0f} s")
        return row
    row.seconds = perf_counter() - clock
    if process.exitcode or not result.exists():
        row.wrong.append(f"ended with {process.exitcode}")
        return row
    report = json.loads(result.read_text("utf-8"))
    if "error" in report:
        row.wrong.append(report["error"])
        return row
    _judge(case, row, report, title, out)
    return row


def _judge(case: Case, row: Row, report: dict[str, Any], title: Path, out: Path) -> None:
    row.outside, row.edited, row.bypassed = report["outside_mask_max_diff"], report["edited"], report["bypassed"]
    row.teeth, row.hold = report.get("open_teeth_share"), report.get("longest_hold_frames")
    row.blended = report.get("blended_share")
    after = _times(out, rendered=True)
    before = [n / 25 for n in range(report["wanted"])] if case.still else _times(title)
    row.frames = len(before), len(after)
    row.times = len(before) == len(after) and all(
        abs(a - b) <= TIME_TOLERANCE_S for a, b in zip(before, after, strict=True)
    )
    if not row.times:
        row.wrong.append("other frames or times")
    if report["frames"] != len(before) or row.edited + sum(row.bypassed.values()) != len(before):
        row.wrong.append(f"the report speaks of {report['frames']} frames")
    if row.outside:
        row.wrong.append("changed outside the mask")
    if case.edits is not None and case.edits != bool(row.edited):
        row.wrong.append("nothing was edited" if case.edits else "must not be edited")
    if case.measure and row.edited and report["phone_agreement"] is None and not report["missing"]:
        row.wrong.append("not measured, and no reason given")


def _times(path: Path, *, rendered: bool = False) -> list[float]:
    """Presentation times of a file's picture in order: from where the title starts, or as they are rendered."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries"]
    asked = "format=start_time:frame=best_effort_timestamp_time"
    done = subprocess.run([*command, asked, "-of", "json", str(path)], capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)
    # before zero lies only what a codec needs to warm up
    start = 0.0 if rendered else max(0.0, float(found["format"].get("start_time", 0)))
    return [float(f["best_effort_timestamp_time"]) - start for f in found["frames"]]


def _edit(title: Path, dub: str, measure: bool, place: Path) -> None:
    """Analyse and resynchronise; in the child."""
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.resync import Options, analyse, resync

    def work() -> dict[str, Any]:
        analyse(title, place / "track.npz")
        seconds = float(FaceTrack.load(place / "track.npz").times_s[-1]) + 0.1
        audio, phones = _dub(place, dub, seconds)
        options = Options(measure=measure, device="cpu")
        report = resync(title, audio, phones, place / "track.npz", place / "edit.mp4", options)
        return dict(json.loads(report.to_json()))

    _report(work, place)


def _still(image: Path, dub: str, measure: bool, place: Path) -> None:
    """Make a still speak; in the child."""
    import math

    import soundfile

    from lipsync_engine.portrait import animate
    from lipsync_engine.resync import Options

    def work() -> dict[str, Any]:
        audio, phones = _dub(place, dub, 1.5)
        report = animate(image, audio, phones, place / "edit.mp4", Options(measure=measure, device="cpu"))
        facts = soundfile.info(str(audio))
        return dict(json.loads(report.to_json())) | {"wanted": math.ceil(facts.frames / facts.samplerate * 25)}

    _report(work, place)


def _report(work: Callable[[], dict[str, Any]], place: Path) -> None:
    log = os.open(place / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 2)  # the models' native code chatters there
    try:
        found = work()
    except Exception as error:  # whatever it is, the row shows it
        found = {"error": f"{type(error).__name__}: {error}"}
        (place / "traceback.txt").write_text(traceback.format_exc(), "utf-8")
    (place / "result.json").write_text(json.dumps(found), "utf-8")


def _dub(place: Path, kind: str, seconds: float) -> tuple[Path, tuple[Phone, ...]]:
    """The dub's file and its phones: Spanish by eSpeak, cut at the title's end."""
    import numpy as np
    import soundfile

    from benchmarks.lipsync_speed import speech

    length = seconds / 2 if kind == "short" else seconds
    phones, samples, rate = speech(length)
    samples = samples[: round(length * rate)]
    if kind == "silence":
        phones, samples = (), np.zeros_like(samples)
    soundfile.write(place / "dub.wav", samples, rate)
    return place / "dub.wav", tuple(p for p in phones if p.end_ms <= length * 1000)


# --- the titles -------------------------------------------------------------------------------------------------


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg; what it says goes into the error."""
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])


def made(
    *inputs: object,
    suffix: str = "mp4",
    encode: Sequence[str] = H264,
    graph: str = "",
    seconds: float = 2,
    sound: Sequence[str] = ("-c:a", "aac"),
) -> Callable[[Path], Path]:
    """A title out of ffmpeg inputs, a filter graph (``-vf``, or complex where it has labels) and an encode."""

    def make(folder: Path) -> Path:
        path = folder / f"title.{suffix}"
        complex_ = ("-filter_complex", graph, "-map", "[v]") if "[v]" in graph else ()
        simple = ("-vf", graph) if graph and not complex_ else ()
        loudness = ("-map", "0:a?") if complex_ and sound != ("-an",) else ()
        ffmpeg(*inputs, *complex_, *simple, *loudness, *encode, *sound, "-t", seconds, path)
        return path

    return make


def talk(seconds: float = 2, **how: object) -> Callable[[Path], Path]:
    """The speaker of the main clip, at 480 lines unless the graph says otherwise."""
    graph = str(how.pop("graph", "scale=-2:480"))
    return made("-i", TALK, graph=graph, seconds=seconds, **how)  # type: ignore[arg-type]


def cuts(folder: Path) -> Path:
    """Another speaker every second, four cuts."""
    inputs = [argument for clip in (GRID[0], GRID[1], GRID[2]) for argument in ("-i", clip)]
    parts = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]
    graph = "".join(
        f"[{clip}:v]trim={start}:{start + 1},setpts=PTS-STARTPTS,scale=720:576,setsar=1[p{n}];"
        for n, (clip, start) in enumerate(parts)
    )
    graph += "".join(f"[p{n}]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=1[v]"
    return made(*inputs, graph=graph, seconds=5, sound=("-an",))(folder)


def four_faces(folder: Path) -> Path:
    """Four speakers in one picture."""
    inputs = [argument for clip in GRID for argument in ("-i", clip)]
    scaled = "".join(f"[{n}:v]scale=480:384,setsar=1[q{n}];" for n in range(4))
    layout = "xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0[v]"
    return made(*inputs, graph=f"{scaled}[q0][q1][q2][q3]{layout}", seconds=2.9)(folder)


def hand(folder: Path) -> Path:
    """A skin-coloured ellipse goes over the mouth between 1.0 and 2.0 s (drawn, no real hand)."""
    shape = (
        "color=c=0xB98A6E:s=150x110:r=30,format=rgba,"
        "geq=r='r(X,Y)+12*sin(X/9)':g='g(X,Y)+9*sin(X/9)':b='b(X,Y)+7*sin(X/9)'"
        ":a='255*lt(pow((X-75)/75,2)+pow((Y-55)/55,2),1)'"
    )
    x, y = HAND_AT
    moving = f"overlay=x='if(between(t,1,2),{x}-75,-300)':y='{y}-55+40*abs(t-1.5)':shortest=1"
    graph = f"[0:v]scale=-2:480[b];{shape}[h];[b][h]{moving}[v]"
    return made("-i", TALK, graph=graph, seconds=3)(folder)


#: Middle of the mouth in the main clip at 480 lines.
HAND_AT = (457, 333)


def variable(folder: Path) -> Path:
    """Every fifth and seventh frame of 60 a second, and its neighbours now and then: uneven times."""
    graph = "scale=-2:480,fps=60,select='not(mod(n,3))+not(mod(n,7))+not(mod(n,5))'"
    return talk(graph=graph, suffix="mkv", encode=(*H264, "-vsync", "vfr"))(folder)


def turned(folder: Path) -> Path:
    """Filmed with the camera on its side: stored sideways, with a display matrix that brings it upright."""
    path = talk(graph="scale=-2:480,transpose=cclock")(folder)
    return with_display_matrix(path)


def with_display_matrix(path: Path) -> Path:
    """The same file with a quarter turn in its first track header (ISO 14496-12 8.3.2)."""
    import struct

    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 4 + 4
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    out = path.with_name("turned.mp4")
    out.write_bytes(data)
    return out


def torn(folder: Path) -> Path:
    """A download that broke off."""
    whole = talk(suffix="mkv")(folder)
    out = folder / "torn.mkv"
    out.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    return out


def head_of(clip: Path, seconds: float = 2) -> Callable[[Path], Path]:
    """The first seconds of a clip as it is: its own packets."""

    def make(folder: Path) -> Path:
        path = folder / f"title{clip.suffix}"
        ffmpeg("-i", clip, "-t", seconds, "-map", "0:v:0", "-map", "0:a?", "-c", "copy", path)
        return path

    return make


def as_is(path: Path) -> Callable[[Path], Path]:
    """The file itself."""
    return lambda _: path


def cases() -> list[Case]:
    """Every title; without the test media there is none but colour bars."""
    ten = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p10le")
    hevc = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le")
    fields = ("-c:v", "mpeg2video", "-q:v", "3", "-flags", "+ildct+ilme")
    bars = ("-f", "lavfi", "-i", "smptebars=s=640x360:r=25")
    noise = ("-f", "lavfi", "-i", "sine=f=440")
    silent = ("-i", TALK, "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo")
    found = [
        Case("colour bars, music", made(*bars, *noise, seconds=2), edits=False, quick=True),
        Case("black", made("-f", "lavfi", "-i", "color=c=black:s=640x360:r=25", seconds=2), edits=False),
        Case("cuts every second", cuts, quick=True, measure=True),
        Case("four faces", four_faces, quick=True, measure=True),
        Case("head turns, no speech", head_of(TURNS), edits=None),
        Case("shape over the mouth", hand, quick=True),
    ]
    found += [Case(f"{rate} fps", talk(2, graph=f"scale=-2:480,fps={rate}"), quick=rate == "60") for rate in RATES]
    found += [
        Case("variable rate", variable, quick=True),
        Case("4K", talk(1, graph="scale=3840:-2:flags=lanczos")),
        Case("4K 10 bit HEVC", talk(1, graph="scale=3840:-2:flags=lanczos", encode=hevc)),
        Case("240 lines", talk(2, graph="scale=-2:240")),
        Case("10 bit H.264", talk(encode=ten), quick=True),
        Case("10 bit HEVC", talk(encode=hevc, suffix="mkv")),
        Case("4:2:2 10 bit", talk(encode=("-c:v", "ffv1", "-pix_fmt", "yuv422p10le"), suffix="mkv")),
        Case(
            "VP9 WebM",
            talk(
                2,
                encode=("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
                suffix="webm",
                sound=("-c:a", "libopus"),
            ),
        ),
        Case("transport stream, late", talk(2, suffix="ts", encode=(*H264, "-output_ts_offset", "3.7"))),
        Case("mono", talk(sound=("-c:a", "aac", "-ac", "1"))),
        Case(
            "digital silence",
            made(*silent, graph="scale=-2:480", encode=(*H264, "-map", "0:v", "-map", "1:a")),
            quick=True,
        ),
        Case("no sound", talk(sound=("-an",)), quick=True),
        Case("dub of silence", talk(), edits=None, dub="silence"),
        Case("dub ends early", talk(), dub="short"),
        Case("one frame", talk(encode=(*H264, "-frames:v", "1"), sound=("-an",)), edits=None, quick=True),
        Case("two frames", talk(encode=(*H264, "-frames:v", "2"), sound=("-an",)), edits=None),
        Case("odd size", talk(2, graph="scale=641:427", encode=("-c:v", "ffv1", "-pix_fmt", "yuv420p"), suffix="mkv")),
        Case(
            "interlaced",
            talk(graph="scale=720:480,setsar=1,fps=50,interlace", encode=fields, suffix="mpg", sound=("-c:a", "mp2")),
        ),
        Case("rotated", turned, quick=True),
        Case("upside down", talk(2, graph="scale=-2:480,hflip,vflip"), edits=None),
        Case("wide pixels", talk(2, graph="scale=480:480,setsar=3/2")),
        Case("grey", talk(2, graph="scale=-2:480,hue=s=0")),
        Case("torn file", torn),
        Case("fade from black", talk(graph="scale=-2:480,fade=in:0:45")),
    ]
    found = [case for case in found if MEDIA.is_dir() or case.edits is False]
    for clip in sorted(p for p in MEDIA.rglob("*") if p.suffix in (".mp4", ".mpg")):
        found.append(Case(f"clip {clip.stem}", head_of(clip), edits=None, measure=clip in GRID[:1]))
    for image in sorted(p for p in MEDIA.rglob("*") if p.suffix in (".jpg", ".png")):
        found.append(Case(f"still {image.stem}", as_is(image), still=True, quick=image.stem == "art_5"))
    return found


if __name__ == "__main__":
    sys.exit(main())
