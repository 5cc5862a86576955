"""What the lip-sync engine does on a GPU, row by row, in bounded time. Started by ``benchmarks/gpu.sh``.

    python -m benchmarks.lipsync_gpu CLIP [--device cuda|cpu] [--frames 96] [--minutes 9] [--json F]

Rows: the tracker's frames a second, and how far its landmarks lie from the CPU's; the analysis; the painter's frames a
second on the device and on the CPU, and whether both draw the same picture within one level; the whole edit from file
to file beside a bare transcode by the same decoder and encoder; memory; and what becomes of a title where the GPU has
no memory left. Every row runs in a process of its own. A row that cannot be measured says why, and the others go on.
With ``--device cpu`` the rows are the same, on the CPU alone, with the lack of memory simulated: this shows that they
work, not how fast a GPU is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import traceback
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from lipsync_engine.draw.painter import Checks
    from lipsync_engine.draw.player import Edit, Player
    from lipsync_engine.media.video import Frame

#: What is asked of one data-centre GPU: frames a second of tracker and whole edit at 1080 lines, memory in MiB.
TRACKER_FPS, EDIT_FPS, RSS_MB, VRAM_MB = 2000, 150, 4096, 2048
#: A sample may lie so many levels from the CPU's, and so much of the drawn part may lie beyond.
LEVEL, BEYOND = 1, 1e-3
#: The largest distance of a landmark from the CPU's on the same crop, pixels of the crop (192 wide).
LANDMARKS_PX = 0.05
_BATCH = 32


@dataclass(frozen=True)
class Setting:
    """What a row is given: the clip, the folder with its analysis, the device, and how many frames."""

    clip: Path
    folder: Path
    device: str
    frames: int


@dataclass
class Row:
    """One line: the name, what was found, whether it is as asked for (``None``: nothing is asked of it)."""

    name: str
    found: str
    good: bool | None = None
    figures: dict[str, float] = field(default_factory=dict)


def tracker(its: Setting) -> list[Row]:
    """Frames a second of the face tracker, decoding apart, and the landmarks beside those of ONNX Runtime."""
    from benchmarks.lipsync_tracker import Clip, apart, engine, same_crops
    from lipsync_engine.faces.facemesh.mesh import FaceMesh

    clip = Clip(its.clip, its.frames)
    lite, batches = FaceMesh(), FaceMesh(its.device, torch_on_cpu=its.device == "cpu")
    engine(clip, batches, its.device)  # warm
    speeds, meshes = [], []
    for mesh, name in ((lite, "cpu"), (batches, its.device)):
        clock = perf_counter()
        meshes.append(engine(clip, mesh, name))
        speeds.append(len(clip.pictures) / (perf_counter() - clock))
    speed = f"{speeds[1]:.0f} frames/s by torch on {its.device}, {speeds[0]:.0f} by ONNX Runtime on one core"
    figures = {"tracker_fps": speeds[1], "tracker_cpu_fps": speeds[0]}
    rows = [Row("tracker", speed, its.device == "cpu" or speeds[1] >= TRACKER_FPS, figures)]
    if not meshes[0]:
        return [*rows, Row("landmarks beside the CPU's", "not measured: no face was found", False)]
    most = float(same_crops(clip, meshes[0], lite, batches).max())
    found = (
        f"at most {most:.4f} px of the crop apart; followed frame by frame: {apart(meshes[0], meshes[1], clip.scale)}"
    )
    return [*rows, Row("landmarks beside the CPU's", found, most <= LANDMARKS_PX, {"landmarks_px": most})]


def analysis(its: Setting) -> list[Row]:
    """The title analysed once, as every language reuses it."""
    from lipsync_engine.resync import analyse

    clock = perf_counter()
    count = len(analyse(its.clip, its.folder / "track.npz", device=its.device).times_s)
    spent = perf_counter() - clock
    return [Row("analysis", f"{count / spent:.0f} frames/s ({count} frames)", None, {"analysis_fps": count / spent})]


def render(its: Setting) -> list[Row]:
    """The painter on the device and on the CPU, and the same picture from both."""
    (fps, drawn, _), (cpu_fps, on_cpu, _) = _painted(its, its.device), _painted(its, "cpu")
    figures = {"render_fps": fps, "render_cpu_fps": cpu_fps}
    rows = [
        Row("render", f"{fps:.0f} frames/s on {its.device}, {cpu_fps:.0f} on the CPU", None, figures),
        _same("same picture as the CPU", drawn, on_cpu),
    ]
    if its.device == "cuda":
        import torch

        vram = torch.cuda.max_memory_allocated() / 2**20
        found = f"{vram:.0f} MiB at batches of {_BATCH}"
        rows.append(Row("GPU memory of the painter", found, vram <= VRAM_MB, {"render_vram_mb": vram}))
    return rows


def edit(its: Setting) -> list[Row]:
    """From file to file, beside a transcode by the same decoder and encoder; and the memory that it takes."""
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.media import video
    from lipsync_engine.resync import Options, resync

    phones, sound = _speech(its.folder, float(FaceTrack.load(its.folder / "track.npz").times_s[-1]))
    facts = video.probe(its.clip)
    clock = perf_counter()
    with video.Writer(its.folder / "bare.mp4", facts) as writer:
        for frame in video.read(its.clip, facts):
            writer.write_frame(frame)
    bare = perf_counter() - clock
    options, spent = Options(device=its.device, measure=False), []
    for _ in range(2):  # the first warms up
        clock = perf_counter()
        report = resync(its.clip, sound, phones, its.folder / "track.npz", its.folder / "edit.mp4", options)
        spent.append(perf_counter() - clock)
    fps, ratio = report.frames / spent[-1], spent[-1] / bare
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items() if seconds >= 0.05)
    small = facts.height * facts.width < 1920 * 1080
    found = (
        f"{fps:.0f} frames/s, {ratio:.2f} of a bare transcode, {report.edited} of {report.frames} edited ({stages} s)"
    )
    good = bool(report.edited) and (small or its.device == "cpu" or fps >= EDIT_FPS)
    rows = [
        Row(f"end to end at {facts.width}x{facts.height}", found, good, {"edit_fps": fps, "edit_ratio": ratio}),
        Row("memory", f"{report.peak_rss_mb:.0f} MiB", report.peak_rss_mb <= RSS_MB, {"rss_mb": report.peak_rss_mb}),
    ]
    if report.peak_vram_mb is None:
        return [*rows, Row("GPU memory", f"not measured: {report.missing['peak_vram_mb']}")]
    found, good = f"{report.peak_vram_mb:.0f} MiB", report.peak_vram_mb <= VRAM_MB
    return [*rows, Row("GPU memory", found, good, {"vram_mb": report.peak_vram_mb})]


def no_memory(its: Setting) -> list[Row]:
    """The painter with ever less GPU memory: halved batches, at last the CPU; the picture stays the same."""
    _, expected, _ = _painted(its, "cpu")
    rows = []
    for name, lack in _lacks(its):
        with lack() as drawn_on:
            _, got, checks = _painted(its, "cuda", rounds=1)
        same = _same(name, got, expected)
        parts = ", ".join(dict.fromkeys(drawn_on))
        noted = "cpu" not in parts or any("no memory left" in note for note in checks.notes)
        told = "; said in the notes" if checks.notes else ""
        rows.append(Row(name, f"drawn in batches of {parts}{told}; {same.found}", same.good and noted, same.figures))
    return rows


def _lacks(its: Setting) -> Iterator[tuple[str, Callable[[], Any]]]:
    if its.device == "cpu":
        yield "no memory for whole batches (simulated)", lambda: _limited(lambda frames: frames > _BATCH // 4)
        yield "no GPU memory at all (simulated)", lambda: _limited(lambda frames: True)
        return
    import torch

    total = torch.cuda.get_device_properties(0).total_memory / 2**20
    for limit in (512, 128, 1):
        yield f"{limit} MiB of GPU memory", partial(_confined, limit / total)


@contextmanager
def _confined(share: float) -> Iterator[list[str]]:
    """The process may hold so much of the GPU's memory."""
    import torch

    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)
    with _limited(lambda frames: False, simulated=False) as drawn_on:
        yield drawn_on
    torch.cuda.set_per_process_memory_fraction(1.0)


@contextmanager
def _limited(lacking: Callable[[int], bool], *, simulated: bool = True) -> Iterator[list[str]]:
    """Watch which batches are drawn where; simulated, the CPU stands for the GPU, and for some batches lacks memory."""
    import torch

    from lipsync_engine.draw.player import Player

    draw, drawn_on = Player.draw, list[str]()

    def watched(self: Player, frames: Sequence[Frame], device: torch.device) -> list[Edit]:
        if device.type == "cuda" and lacking(len(frames)):
            raise torch.cuda.OutOfMemoryError("simulated")
        done = draw(self, frames, torch.device("cpu") if simulated else device)
        drawn_on.append(f"{len(frames)} on {device.type}")
        return done

    Player.draw = watched  # type: ignore[method-assign]
    empty = torch.cuda.empty_cache
    if simulated:
        torch.cuda.empty_cache = lambda: None
    try:
        yield drawn_on
    finally:
        Player.draw, torch.cuda.empty_cache = draw, empty  # type: ignore[method-assign]


def _painted(its: Setting, device: str, rounds: int = 2) -> tuple[float, list[NDArray[Any]], Checks]:
    """Frames a second of the last round, the planes that it drew (one after the other), and what was noted."""
    from lipsync_engine.draw.painter import Painter
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.faces.mouth import series, speaker_stats
    from lipsync_engine.media import video
    from lipsync_engine.plan.edit import compose_score
    from lipsync_engine.plan.person import person
    from lipsync_engine.plan.trajectory import plan_mouth

    track, facts = FaceTrack.load(its.folder / "track.npz"), video.probe(its.clip)
    who = person(track, track.identities[0])
    phones, _ = _speech(its.folder, float(track.times_s[-1]))
    plan = plan_mouth(phones, track.times_s, speaker_stats(series(track, track.identities[0])))
    score = compose_score(who, plan, np.ones(len(track.times_s), bool))
    for _ in range(rounds):
        frames = list(islice(video.read(its.clip, facts), its.frames))
        for frame in frames:
            _ = frame.planes  # decoded before the clock starts
        painter = Painter(its.clip, facts, [(who, score)], device)
        _wait(device)
        clock = perf_counter()
        for first in range(0, len(frames), _BATCH):
            painter.paint(frames[first : first + _BATCH])
        _wait(device)
        spent = perf_counter() - clock
    return len(frames) / spent, [plane.copy() for frame in frames for plane in frame.planes], painter.checks


def _wait(device: str) -> None:
    import torch

    if device == "cuda" and torch.cuda.is_available():
        torch.cuda.synchronize()


def _same(name: str, one: list[NDArray[Any]], other: list[NDArray[Any]]) -> Row:
    away = [np.abs(a.astype(np.int32) - b) for a, b in zip(one, other, strict=True)]
    most = max(int(a.max()) for a in away)
    size = sum(a.size for a in away)
    beyond = sum(int((a > LEVEL).sum()) for a in away) / size
    text = f"at most {most} level{'s' * (most != 1)} apart, {100 * beyond:.4f} % of samples more than {LEVEL}"
    return Row(name, text, beyond <= BEYOND, {"levels_most": most, "levels_beyond": beyond})


def _speech(folder: Path, seconds: float) -> tuple[tuple[Any, ...], Path]:
    """Phones and a WAV of Spanish speech."""
    from benchmarks.lipsync_speed import speech

    phones, samples, rate = speech(seconds)
    with wave.open(str(folder / "dub.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return phones, folder / "dub.wav"


#: What is measured, in this order, each at most so many seconds.
ROWS: tuple[tuple[Callable[[Setting], list[Row]], float], ...] = (
    (tracker, 90),
    (analysis, 90),
    (render, 120),
    (edit, 120),
    (no_memory, 120),
)


def measured(work: Callable[[Setting], list[Row]], its: Setting, seconds: float) -> list[Row]:
    """A row's figures, or why there are none."""
    name = work.__name__.replace("_", " ")
    if seconds < 1:
        return [Row(name, "not measured: the time is over", False)]
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(work, its, there))
    process.start()
    there.close()
    try:
        found: list[Row] = here.recv() if here.poll(seconds) else []
        why = "" if found else f"it took more than {seconds:.0f} s"
    except EOFError:
        process.join(5)
        found, why = [], f"its process ended with {process.exitcode}"
    if process.is_alive() and why:
        process.kill()
    process.join()
    return found or [Row(name, f"not measured: {why}", False)]


def _in_child(work: Callable[[Setting], list[Row]], its: Setting, pipe: Connection) -> None:
    try:
        pipe.send(work(its))
    except Exception as error:  # whatever it is, the row shows it and the others go on
        traceback.print_exc()
        pipe.send([Row(work.__name__.replace("_", " "), f"not measured: {type(error).__name__}: {error}", False)])


def main(arguments: list[str] | None = None) -> int:
    """Print the rows; 1 where one is not as asked for or could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--frames", type=int, default=96, help="that are tracked and painted")
    parser.add_argument("--minutes", type=float, default=9, help="for everything")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    end = perf_counter() + 60 * options.minutes
    print(_machine(options.device), flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lipsync-gpu-") as folder:
        its = Setting(options.clip, Path(folder), options.device, options.frames)
        for work, most in ROWS:
            for row in measured(work, its, min(most, end - perf_counter())):
                rows.append(row)
                print(f"{row.name:42} {_verdict(row):5} {row.found}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({name: v for row in rows for name, v in row.figures.items()}, indent=1))
    return 0 if all(row.good is not False for row in rows) else 1


def _verdict(row: Row) -> str:
    return {True: "ok", False: "FAIL", None: ""}[row.good]


def _machine(device: str) -> str:
    import torch

    if device == "cpu":
        return f"CPU alone, torch {torch.__version__}: in small, to show that the rows work"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} sees no GPU here: run with --cpu, or install a torch with CUDA"
    facts = torch.cuda.get_device_properties(0)
    return f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB, torch {torch.__version__}"


if __name__ == "__main__":
    raise SystemExit(main())
