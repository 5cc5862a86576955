"""Memory and speed of separation and mix on a short and a long programme: memory must not grow with the length.

    python -m benchmarks.sound_memory [MEDIA] [--minutes 1 60] [--of STEP ...]

Loops real mixes to each length on disk and runs each step in a process of its own. Prints the peak of its resident
memory, that of the largest program it started (ffmpeg), the ratio of the long programme to the short one, and how many
times faster than real time it is, by the clock and by the processor time it takes. ``demucs`` is an untrained network
of htdemucs's size, ``demucs-small`` the package's small one for tests, for long programmes; ``whisper`` is the tests'
tiny one; ``heard`` and ``spoken`` are the recogniser and the voice that the offline profile chooses, on their real
weights (a programme of speech without a pause, and lines spoken until they last as long). PyTorch alone takes 450 MiB.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile

from benchmarks.separation import RATE, mixes

RATIO, LIMIT_MB = 1.10, {"classical": 1024, "mix": 1024, "demucs": 2048, "demucs-small": 1280, "whisper": 1024}
LIMIT_MB |= {"heard": 1536, "spoken": 1024}


@dataclass(frozen=True)
class Peak:
    """Most resident memory in MiB, of a step and of the largest program that it started; how long it took."""

    step_mb: float
    program_mb: float
    seconds: float
    processor_s: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared/media")
    parser.add_argument("--minutes", type=float, nargs=2, default=(1.0, 60.0))
    parser.add_argument("--of", choices=list(STEPS), nargs="+", default=list(STEPS))
    options = parser.parse_args()
    print(f"{'step':14}{'minutes':>8}{'MiB':>7}{'ffmpeg MiB':>12}{'x real time':>13}{'x, one core':>13}", flush=True)
    for name in options.of:
        peaks = []
        for minutes in options.minutes:
            with tempfile.TemporaryDirectory(prefix="sound-memory-") as folder:
                _looped(options.media, Path(folder), minutes)
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    peaks.append(pool.apply(_watched, (STEPS[name], Path(folder))))
            found = peaks[-1]
            used = f"{name:14}{minutes:8.1f}{found.step_mb:7.0f}{found.program_mb:12.0f}"
            paces = (minutes * 60 / seconds for seconds in (found.seconds, found.processor_s))
            print(used + "".join(f"{pace:13.1f}" for pace in paces), flush=True)
        short, long = peaks
        ratio, limit = long.step_mb / short.step_mb, LIMIT_MB[name]
        met = ratio <= RATIO and max(long.step_mb, long.program_mb) < limit
        print(f"{name:14}long/short {ratio:.2f}: {'met' if met else 'NOT met'} (at most {RATIO:.2f} and {limit} MiB)")


def _looped(root: Path, folder: Path, minutes: float) -> None:
    """A mix, its dialogue and its bed, 48 kHz stereo, 24 bit."""
    parts = list(mixes(root))
    speech, bed = (np.concatenate([part[kind] for part in parts]) for kind in (1, 2))
    for name, sound in (("mix", speech + bed), ("speech", speech), ("bed", bed)):
        left = round(minutes * 60 * RATE)
        with soundfile.SoundFile(folder / f"{name}.wav", "w", RATE, 2, subtype="PCM_24") as file:
            while left > 0:
                file.write(sound[:left])
                left -= len(sound)


def _watched(step: Callable[[Path], None], folder: Path) -> Peak:
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most[0] = max([most[0], *map(_peak_mb, _programs())])

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    clock, busy = perf_counter(), _processor_s()
    step(folder)
    seconds, busy = perf_counter() - clock, _processor_s() - busy
    done.set()
    watcher.join()
    return Peak(_peak_mb("self"), most[0], seconds, busy)


def _processor_s() -> float:
    """Processor time of this process and of the programs that it ran to their end."""
    return sum(os.times()[:4])


def _programs() -> list[str]:
    """Children of this process that run ffmpeg (a fork that has not become a program yet counts as this process)."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/comm")
            if command.exists() and command.read_text().strip() == "ffmpeg":
                found.append(child)
    return found


def _peak_mb(process: str) -> float:
    """``VmHWM`` of a process (proc(5)) in MiB; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def _classical(folder: Path) -> None:
    _separated(folder, "classical", {})


def _demucs(folder: Path) -> None:
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum

    # 41 million weights; the published file holds 42, in half precision
    made = {"sources": ["drums", "bass", "other", "vocals"], "bottom_channels": 512, "segment": 7.8}
    (folder / "repo").mkdir()
    content = {"klass": HTDemucs, "args": (), "kwargs": made, "state": HTDemucs(**made).state_dict()}
    save_with_checksum(content, folder / "repo" / "large.th")
    _separated(folder, "demucs", {"model": "large", "repo": str(folder / "repo"), "device": "cpu"})


def _demucs_small(folder: Path) -> None:
    _separated(folder, "demucs", {"model": "demucs_unittest", "device": "cpu"})


def _separated(folder: Path, name: str, options: dict[str, object]) -> None:
    from tasks.records.progress import silent
    from tasks.separate import separator

    separator(name, options).separate(folder / "mix.wav", folder / "d.wav", folder / "b.wav", silent)


def _whisper(folder: Path) -> None:
    from tasks.media import speech_copy
    from tasks.records.progress import silent
    from tasks.transcribe import transcriber
    from tests.tiny_whisper import save_tiny_whisper

    speech_copy(folder / "speech.wav", folder / "speech16k.wav")
    model = transcriber("whisper", {"model": str(save_tiny_whisper(folder)), "device": "cpu"})
    model.transcribe(folder / "speech16k.wav", "en", silent)


def _heard(folder: Path) -> None:
    from configs.profile import load_profile
    from tasks.media import speech_copy
    from tasks.records.progress import silent
    from tasks.transcribe import listening

    speech_copy(folder / "speech.wav", folder / "speech16k.wav")
    listening(load_profile("offline").transcribe, "en").backend.transcribe(folder / "speech16k.wav", "en", silent)


def _spoken(folder: Path) -> None:
    from configs.profile import load_profile
    from tasks.records.script import Speaker
    from tasks.synthesize import speaking

    left_ms = soundfile.info(str(folder / "mix.wav")).frames / RATE * 1000
    voice = speaking(load_profile("offline").synthesize, "en").backend
    name = voice.voices("en", [Speaker(id="S1")], {})["S1"]
    for number in itertools.count():
        if left_ms <= 0:
            break
        said = f"Line {number} says that the harbour is closed today, because of the storm."
        left_ms -= voice.synthesize(said, name, "en", folder / "line.wav").duration_ms


def _mix(folder: Path) -> None:
    """With everything on: lines that follow the actor, what is kept of the original, a room, ducking, dialogue gate."""
    from configs.loudness import loudness_presets
    from configs.sound import MixSettings
    from tasks.mix.levels import SpokenLine
    from tasks.mix.mix import mix
    from tasks.sound.aac import encode_aac

    preset = loudness_presets()["netflix"]
    spans = [(at, at + 3000) for at in range(1000, soundfile.info(str(folder / "mix.wav")).frames // 48 - 5000, 5000)]
    lines = [SpokenLine(number, "S1", span, span) for number, span in enumerate(spans)]
    settings = MixSettings(bed="ducked", room="original")
    speech, bed = folder / "speech.wav", folder / "bed.wav"
    made = mix(speech, bed, speech, preset, folder / "m.wav", settings=settings, lines=lines, kept=[(4000, 5000)])
    encode_aac(folder / "m.wav", folder / "m.m4a", preset, speech=made.speech)


STEPS: dict[str, Callable[[Path], None]] = {
    "heard": _heard,
    "spoken": _spoken,
    "classical": _classical,
    "mix": _mix,
    "demucs": _demucs,
    "demucs-small": _demucs_small,
    "whisper": _whisper,
}

if __name__ == "__main__":
    main()
