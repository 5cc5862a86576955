"""Memory of the lip-sync engine on a short and a long title: it must not grow with the length.

    python -m benchmarks.lipsync_memory [CLIP] [--minutes 1 10] [--height 288] [--rate 25] [--measure]

Loops a small transcode of a clip (``-stream_loop``, packets copied), analyses and resynchronises each length, every
call in a process of its own. Prints the peak of all resident memory and of its anonymous part (what the system cannot
take back: mapped files are not in it), the growth for a frame, and the ratio of the longest to the shortest. A title
of two seconds shows what the libraries and models take by themselves. The default clip is a short one of the test
media (``POLYDUB_MEDIA``, or ``shared/media`` beside the checkout).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.clips import MEDIA

CLIP = MEDIA / "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"
#: Growth from the shortest to the longest that is accepted, and memory beside the models' own.
RATIO, LIMIT_MB = 1.10, 3072


@dataclass(frozen=True)
class Peak:
    """Most memory of one call, MiB: all that was resident, and what of it was anonymous; how long; frames."""

    resident_mb: float
    anonymous_mb: float
    seconds: float
    frames: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--minutes", type=float, nargs=2, default=(1.0, 10.0))
    parser.add_argument("--height", type=int, default=288, help="lines of the looped transcode")
    parser.add_argument("--rate", default="25", help="its frames a second")
    parser.add_argument("--measure", action="store_true", help="also with the result tracked again and measured")
    options = parser.parse_args()
    calls = {"analyse": _analyse, "resync": _resync} | ({"resync, measured": _measured} if options.measure else {})
    print(f"{options.clip.name} at {options.height} lines, {options.rate} frames/s; MiB resident (anonymous)")
    with tempfile.TemporaryDirectory(prefix="lipsync-memory-") as temporary:
        folder = Path(temporary)
        small = _small(options.clip, folder, options.height, options.rate)
        peaks: dict[str, list[Peak]] = {name: [] for name in calls}
        for minutes in (1 / 30, *options.minutes):
            title = _looped(small, folder, minutes * 60)
            for name, call in calls.items():
                peak = _in_child(call, title, folder)
                peaks[name].append(peak)
                print(
                    f"{minutes:6.2f} min {name:18} {peak.resident_mb:7.0f} ({peak.anonymous_mb:.0f})"
                    f"  {peak.frames} frames in {peak.seconds:.0f} s",
                    flush=True,
                )
    for name, (least, short, long) in peaks.items():
        growth = (long.anonymous_mb - short.anonymous_mb) * 1024 / max(long.frames - short.frames, 1)
        ratio = long.resident_mb / short.resident_mb
        beside = long.resident_mb - least.resident_mb
        print(
            f"{name:18} long/short {ratio:.2f} ({long.anonymous_mb / short.anonymous_mb:.2f} anonymous), "
            f"{growth:.2f} kB a frame, {beside:.0f} MiB beside the models' own: "
            f"{'met' if ratio <= RATIO and beside < LIMIT_MB else 'NOT met'} (at most {RATIO:.2f}, {LIMIT_MB} MiB)"
        )


def _small(clip: Path, folder: Path, height: int, rate: str) -> Path:
    out = folder / "small.mp4"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(clip), "-vf", f"scale=-2:{height},fps={rate}"]
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, *encode, str(out)], check=True)
    return out


def _looped(small: Path, folder: Path, seconds: float) -> Path:
    out = folder / "title.mp4"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", str(small), "-t", str(seconds)]
    subprocess.run([*command, "-c", "copy", str(out)], check=True)
    return out


def _in_child(call: Callable[[Path, Path], int], title: Path, folder: Path) -> Peak:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_watched, (call, title, folder))


def _watched(call: Callable[[Path, Path], int], title: Path, folder: Path) -> Peak:
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 2)  # the models' native code chatters there
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], _status("RssAnon"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    clock = perf_counter()
    frames = call(title, folder)
    done.set()
    watcher.join()
    return Peak(_status("VmHWM"), most[0], perf_counter() - clock, frames)


def _status(name: str) -> float:
    """A figure of this process, MiB (proc(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


def _analyse(title: Path, folder: Path) -> int:
    from lipsync_engine.resync import analyse

    return len(analyse(title, folder / "track.npz").times_s)


def _resync(title: Path, folder: Path) -> int:
    return _edit(title, folder, measure=False)


def _measured(title: Path, folder: Path) -> int:
    return _edit(title, folder, measure=True)


def _edit(title: Path, folder: Path, *, measure: bool) -> int:
    import numpy as np
    import soundfile

    from benchmarks.lipsync_speed import speech
    from lipsync_engine.resync import Options, resync

    with np.load(folder / "track.npz") as stored:
        seconds = float(stored["times_s"][-1])
    phones, samples, rate = speech(seconds)
    soundfile.write(folder / "dub.wav", samples[: round(seconds * rate)], rate)
    del samples
    options = Options(measure=measure, device="cpu")
    return resync(title, folder / "dub.wav", phones, folder / "track.npz", folder / "edit.mp4", options).frames


if __name__ == "__main__":
    main()
