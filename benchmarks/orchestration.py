"""What orchestration costs beside the steps, and how a thousand short branches go on Postgres with eight workers.

    python -m benchmarks.orchestration title [--minutes 10] [--profile offline]
    python -m benchmarks.orchestration steps [--count 200]
    python -m benchmarks.orchestration branches [--count 1000] [--workers 8] [--seconds 2]

``title``: a title of ten minutes (a small test picture without a face, a line every six seconds), dubbed by the real
flows into one language and, on a new store, into six, one after the other. Prints the share of wall time that is not
spent in steps, and what a further language costs in terms of its own steps. The steps of a real picture take far longer
than these, so the share is an upper bound. ``steps``: the overhead of one step that does nothing, store included.
``branches``: flow runs of one simulated step, which sleeps, in so many processes against one Prefect server on
Postgres (the Debian package), and the same reckoned for ten thousand. Each prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.ask.plan import Request, plan
from flows.service.server import prefect_server
from flows.terminal.runner import dub_titles
from tasks.machine.process import wait_until
from tasks.records.progress import StepEvent, listening

_LANGUAGES = ("es", "fr", "it", "pt", "ca", "pt-BR")
_LINE_S = 6


def title(minutes: float, profile: str) -> dict[str, Any]:
    """One language, then six: wall time, steps' time, and what a language costs."""
    with tempfile.TemporaryDirectory(prefix="polydub-orchestration-") as name, prefect_server():
        folder = Path(name)
        _dubbed(folder / "warm", _long_title(folder, 20), _LANGUAGES[:1], profile)
        video = _long_title(folder, minutes * 60)
        one = _dubbed(folder / "one", video, _LANGUAGES[:1], profile)
        six = _dubbed(folder / "six", video, _LANGUAGES, profile)
    further = _LANGUAGES[1:]
    own = sum(seconds for (language, _), seconds in six["steps"].items() if language in further) / len(further)
    marginal = (six["wall"] - one["wall"]) / len(further)
    inside = sum(six["steps"].values())
    return {
        "minutes": minutes,
        "profile": profile,
        "wall_1_s": round(one["wall"], 1),
        "wall_6_s": round(six["wall"], 1),
        "in_steps_6_s": round(inside, 1),
        "not_in_steps_share": round(1 - inside / six["wall"], 4),
        "not_in_steps_ms_per_step": round(1000 * (six["wall"] - inside) / len(six["steps"])),
        "own_steps_of_a_further_branch_s": round(own, 2),
        "marginal_language_s": round(marginal, 2),
        "marginal_to_own": round(marginal / own, 3),
    }


def _long_title(folder: Path, seconds: float) -> Path:
    video = folder / "long.mp4"
    picture = f"testsrc2=size=160x90:rate=10:duration={seconds}"
    sound = f"aevalsrc='0.2*sin(2*PI*200*t)*lt(mod(t,{_LINE_S}),3)':s=48000:d={seconds}"
    made = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    subprocess.run([*made, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(video)], check=True)
    cues = [
        f"{number + 1}\n{_clock(start)} --> {_clock(start + 3)}\nThis is what line {number + 1} of the title says.\n"
        for number, start in enumerate(range(0, int(seconds) - 3, _LINE_S))
    ]
    video.with_suffix(".srt").write_text("\n".join(cues))
    return video


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},000"


def _dubbed(root: Path, video: Path, languages: tuple[str, ...], profile: str) -> dict[str, Any]:
    os.environ["POLYDUB_STORE"] = str(root / "store")
    words = str(video.with_suffix(".srt"))
    asked = Request([str(video)], list(languages), str(root / "out"), profile, subtitles=words, source_language="en")
    run = plan(asked)[0]
    steps: dict[tuple[str, str], float] = {}

    def listen(event: StepEvent) -> None:
        if event.state == "computed":
            steps[event.language, event.step] = event.seconds

    began = time.monotonic()
    with listening(listen):
        summary = dub_titles([run])[0]
    assert summary["delivered"] == len(languages), summary
    return {"wall": time.monotonic() - began, "steps": steps}


_STEPS = """
import os, sys, tempfile, time
from pathlib import Path
from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from configs.profile import load_profile
from tasks.records.record import Asset
from tasks.records.title import Run, Title
from tasks.step.run import Computation, StepOutput
from tasks.step.prefect import settled, step_task

count, seconds, branches, out = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
video = Asset(uri="/nowhere.mp4", sha256="0" * 64, bytes=1)
folder = tempfile.mkdtemp(prefix="polydub-orchestration-")
title = Title(name="t", video=video, source="t.mp4", folder=folder, languages=("es",))
run = Run(title=title, profile=load_profile("fake"), store=folder + "/store").branch("es")

@step_task("mix")
def simulated(run, number):
    def compute(number, work):
        time.sleep(seconds)
        return StepOutput(number)
    return Computation(number, compute, int)

@flow(persist_result=False)
def branch(first):
    for number in range(first, first + count):
        settled(simulated.submit(run, number))

with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    branch(-count)  # imports and connections
    out.with_suffix(".ready").touch()
    while not out.with_name("go").exists():
        time.sleep(0.02)
    began = time.time()
    for number in range(branches):
        branch(number * count)
    out.write_text(f"{began} {time.time()} {time.process_time()}")
"""


def steps(count: int) -> dict[str, Any]:
    """What a step costs that does nothing."""
    with prefect_server():
        began, ended, _ = _workers(1, count, 0.0, 1)[0]
    return {"steps": count, "overhead_ms_per_step": round(1000 * (ended - began) / count, 1)}


def branches(count: int, workers: int, seconds: float) -> dict[str, Any]:
    """Throughput of short branches against the ideal, which is no overhead at all."""
    with _on_postgres():
        spans = _workers(workers, 1, seconds, count // workers)
    wall = max(end for _, end, _ in spans) - min(begin for begin, _, _ in spans)
    ideal = count / workers * seconds
    each = (wall - ideal) / (count / workers)
    return {
        "branches": count,
        "workers": workers,
        "step_s": seconds,
        "wall_s": round(wall, 1),
        "ideal_s": round(ideal, 1),
        "throughput_to_ideal": round(ideal / wall, 3),
        "overhead_ms_per_branch": round(1000 * each),
        "load_average": [round(one, 1) for one in os.getloadavg()],
        "10000_branches_reckoned_s": round(10_000 / workers * (seconds + each)),
    }


def _workers(workers: int, count: int, seconds: float, each: int) -> list[tuple[float, float, float]]:
    """Processes that start together; when each began and ended, and the seconds of CPU that it used."""
    with tempfile.TemporaryDirectory() as name:
        outs = [Path(name) / f"{number}.txt" for number in range(workers)]
        sizes = [str(count), str(seconds), str(each)]
        running = [subprocess.Popen([sys.executable, "-c", _STEPS, *sizes, str(out)]) for out in outs]
        ready = wait_until(lambda: all(out.with_suffix(".ready").exists() for out in outs), deadline_s=600)
        assert ready, "a worker did not start"
        (Path(name) / "go").touch()
        for worker in running:
            assert worker.wait(timeout=3600) == 0
        return [(float(a), float(b), float(c)) for a, b, c in (out.read_text().split() for out in outs)]


@contextlib.contextmanager
def _on_postgres() -> Iterator[None]:
    from tests.e2e.services import postgres

    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as port:
        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = (
            f"postgresql+asyncpg://prefect:any@127.0.0.1:{port}/prefect"
        )
        with prefect_server():
            yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("title", "steps", "branches"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--count", type=int)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    if options.what == "title":
        found = title(options.minutes, options.profile)
    elif options.what == "steps":
        found = steps(options.count or 200)
    else:
        found = branches(options.count or 1000, options.workers, options.seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
