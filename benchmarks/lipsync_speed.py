"""Speed of the lip-sync edit beside a bare transcode of the same title with the same encoder settings.

    python -m benchmarks.lipsync_speed VIDEO [--half] [--repeats 3] [--analysis TRACK.npz]

Alternates: ffmpeg transcode (decode, x264, nothing else), then the edit with the analysis reused and no measuring.
Prints wall and CPU seconds and their ratios (medians), the busy seconds of each stage, and the first language with
its analysis. ``--half`` makes a title that shows the speaker half the time (key frames every 2 s, H.264) and edits
that: what nobody speaks in is copied.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import Phone

CRF, PRESET = 17, "veryfast"
_ENGINES = ("-x264-params", "mbtree=0")  # as `lipsync_engine.video.set_up_encoder` has it
TEXT = (
    "Mamá baja la papa blanca y pone el vaso sobre la mesa. Pablo abre la puerta, mira la calle y habla con su amiga."
)


@dataclass(frozen=True)
class Cost:
    """Seconds, as the clock and as the processors saw them."""

    wall: float
    cpu: float
    seconds: dict[str, float] = field(default_factory=dict)
    facts: str = ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--seconds", type=float, default=10, help="of each half, with --half")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--analysis", type=Path, help="kept and reused, if it exists, instead of a new one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lipsync-speed-") as folder:
        title = half_speaking(options.video, Path(folder), options.seconds) if options.half else options.video
        _compare(title, Path(folder), options.analysis or Path(folder) / "track.npz", options.repeats)


def _compare(title: Path, folder: Path, analysis: Path, repeats: int) -> None:
    first = None
    if not analysis.exists():
        first = _in_child(_analyse, title, analysis)
        print(f"analysis          {first.wall:7.1f} s wall {first.cpu:7.1f} s CPU", flush=True)
    bare, edits = [], []
    for number in range(repeats):
        bare.append(_transcode(title, folder / "bare.mp4"))
        edits.append(_in_child(_edit, title, analysis, folder))
        print(
            f"run {number + 1}: transcode {bare[-1].wall:6.1f} s wall {bare[-1].cpu:6.1f} s CPU; "
            f"edit {edits[-1].wall:6.1f} s wall {edits[-1].cpu:6.1f} s CPU; {edits[-1].facts}; {_trace(edits[-1])}",
            flush=True,
        )
    wall = statistics.median(cost.wall for cost in bare), statistics.median(cost.wall for cost in edits)
    cpu = statistics.median(cost.cpu for cost in bare), statistics.median(cost.cpu for cost in edits)
    print(f"transcode (median) {wall[0]:6.1f} s wall {cpu[0]:7.1f} s CPU")
    print(f"edit (median)      {wall[1]:6.1f} s wall {cpu[1]:7.1f} s CPU")
    print(f"ratio              {wall[1] / wall[0]:6.2f} wall   {cpu[1] / cpu[0]:7.2f} CPU")
    if first is not None:
        print(
            f"first language     {(wall[1] + first.wall) / wall[0]:6.2f} wall   "
            f"{(cpu[1] + first.cpu) / cpu[0]:7.2f} CPU (analysis and edit over transcode)"
        )


def _trace(cost: Cost) -> str:
    return "busy " + ", ".join(f"{stage} {value:.1f}" for stage, value in cost.seconds.items() if value >= 0.05)


def _transcode(title: Path, out: Path) -> Cost:
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", title, "-an", "-c:v", "libx264"]
    subprocess.run([*map(str, command), "-preset", PRESET, "-crf", str(CRF), *_ENGINES, str(out)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(perf_counter() - clock, _spent(before, after))


def _spent(before: resource.struct_rusage, after: resource.struct_rusage) -> float:
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _in_child(work: Callable[..., Cost], *arguments: object) -> Cost:
    """A process of its own, so that one run's caches and models do not help the next."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _analyse(title: Path, analysis: Path) -> Cost:
    from lipsync_engine.resync import analyse

    before, clock = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    analyse(title, analysis)
    return Cost(perf_counter() - clock, _spent(before, resource.getrusage(resource.RUSAGE_SELF)))


def _edit(title: Path, analysis: Path, folder: Path) -> Cost:
    import soundfile

    from lipsync_engine.draw import render  # noqa: F401 (imported before the clock starts)
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.resync import Options, resync

    phones, samples, rate = speech(float(FaceTrack.load(analysis).times_s[-1]))
    soundfile.write(folder / "dub.wav", samples, rate)
    options = Options(crf=CRF, preset=PRESET, measure=False)
    before, clock = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    report = resync(title, folder / "dub.wav", phones, analysis, folder / "edit.mp4", options)
    wall, cpu = perf_counter() - clock, _spent(before, resource.getrusage(resource.RUSAGE_SELF))
    copied = getattr(report, "copied", 0)
    return Cost(wall, cpu, report.seconds, f"{report.edited}/{report.frames} edited, {copied} copied")


def speech(seconds: float) -> tuple[tuple[Phone, ...], NDArray[np.float32], int]:
    """Spanish speech that fills a length: phones, samples and their rate."""
    from lipsync_engine.speech import espeak

    spoken = espeak.synthesize(TEXT, espeak.voice_for("es"))
    length = len(spoken.samples) / spoken.sample_rate_hz
    times = max(1, round(seconds / length + 0.5))
    phones = []
    for turn in range(times):
        shift = round(turn * length * 1000)
        phones += [replace(p, start_ms=p.start_ms + shift, end_ms=p.end_ms + shift) for p in spoken.phones]
    return tuple(phones), np.tile(spoken.samples, times), spoken.sample_rate_hz


def half_speaking(video: Path, folder: Path, seconds: float = 10) -> Path:
    """The title's first seconds, then as many of its lower third enlarged: detail, no face; key frames every 2 s."""
    out = folder / "half.mp4"
    probe = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "stream=width,height",
        "-of",
        "csv=p=0",
    ]
    width, height = subprocess.run([*probe, str(video)], capture_output=True, text=True).stdout.strip().split(",")[:2]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(video), "-filter_complex"]
    graph = (
        f"[0:v]trim=0:{seconds},setpts=PTS-STARTPTS,split[a][b];[a]setsar=1[speaks];"
        f"[b]crop=iw:floor(ih/6)*2:0:ih-floor(ih/6)*2,scale={width}:{height},setsar=1[shows];"
        "[speaks][shows]concat=n=2:v=1[v]"
    )
    encode = [
        "-map",
        "[v]",
        "-c:v",
        "libx264",
        "-preset",
        "fast",
        "-crf",
        "16",
        "-force_key_frames",
        "expr:gte(t,n_forced*2)",
    ]
    subprocess.run([*command, graph, *encode, str(out)], check=True)
    return out


if __name__ == "__main__":
    main()
