"""A night of 24 titles in 4 languages, three titles failing, five to review: is the morning told the same everywhere?

    python -m benchmarks.morning [--titles 24] [--profile fake] [--jobs auto]

The titles are two seconds long, small, and made on the spot. `polydub batch` dubs them with a Prefect server beside it;
then what each language came to, and why, is read in the titles' ``summary.json``, in the batch's ``summary.csv`` and
``summary.md``, in `polydub status`, in what the terminal was told, and in the table of the dashboard. Prints whether
they agree, the time against the sum of all steps over the cores, and the memory at its peak, with all that was started.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.machine.jobs import JOB_BYTES, RUN_BYTES, at_once, cores
from tasks.machine.memory import own_bytes

LANGUAGES = ("es", "fr", "it", "pt")
PASSWORD = "bench:mark"
#: Which titles fail in every language, in one, and are to be reviewed: their subtitles cannot be read in their time.
FAILING, HALF, REVIEWED = (3, 11), (19,), (2, 7, 13, 17, 23)
_LONG = (
    "Nobody can read as much as this while it is on the screen, however hard anybody tries to, be it here or there. "
)

#: State and reason of each language, by title and language.
Told = dict[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True)
class Night:
    """What a night took: seconds by the clock, most memory in bytes, the exit code, and what the terminal was told."""

    seconds: float
    memory: int
    code: int
    said: str


def make(folder: Path, count: int, profile: str) -> None:
    """Titles with subtitles, profiles of those that fail, and the manifest."""
    folder.mkdir()
    fails = {"failing": list(LANGUAGES), "half": [LANGUAGES[-1]]}
    for name, languages in fails.items():
        options = json.dumps({"backend": "fake", "options": {"fail": languages}})
        (folder / f"{name}.yaml").write_text(f"extends: {profile}\nlipsync: {options}\n")
    rows = []
    for number in range(1, count + 1):
        name = f"title{number:02d}"
        source = f"testsrc2=s=160x120:r=25:d=2,drawbox=x={number}:y={number}:w=20:h=20:t=fill"
        sound = f"sine=f={200 + 10 * number}:d=2"
        made = ["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound, "-shortest", "-pix_fmt", "yuv420p"]
        subprocess.run(["ffmpeg", "-v", "error", *made, str(folder / f"{name}.mp4")], check=True)
        words = _LONG if number in REVIEWED else f"This is title number {number}."
        (folder / f"{name}.srt").write_text(f"1\n00:00:00,200 --> 00:00:01,800\n{words}\n")
        chosen = "failing" if number in FAILING else "half" if number in HALF else profile
        rows.append([f"{name}.mp4", " ".join(LANGUAGES), "en", f"{name}.srt", chosen])
    with (folder / "night.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["title", "languages", "source_language", "subtitles", "profile"], *rows])


@contextmanager
def server(root: Path) -> Iterator[dict[str, str]]:
    """A Prefect server, and the environment of its clients."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "POLYDUB_STORE": str(root / "store"),
        "PREFECT_HOME": str(root / "prefect"),
        "POLYDUB_PROFILES": str(root / "titles"),
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "COLUMNS": "400",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    command = [sys.executable, "-m", "flows.cli", "server", "--port", str(port)]
    with (root / "server.log").open("wb") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as child:
        known = {**env, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
        try:
            while child.poll() is None:
                try:
                    asked(known, "health")
                    break
                except OSError:
                    time.sleep(0.5)
            yield known
        finally:
            child.terminate()


def asked(env: Mapping[str, str], where: str, body: Any = None) -> Any:
    """An answer of the server's API."""
    headers = {
        "Authorization": f"Basic {base64.b64encode(PASSWORD.encode()).decode()}",
        "Content-Type": "application/json",
    }
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{env['PREFECT_API_URL']}/{where}", content, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def polydub(env: Mapping[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command, run where the titles are."""
    command = [sys.executable, "-m", "flows.cli", *words]
    return subprocess.run(command, env=dict(env), cwd=folder, capture_output=True, text=True, check=False)


def dubbed(env: Mapping[str, str], folder: Path, jobs: str) -> Night:
    """The night."""
    over, most, before = threading.Event(), [0], own_bytes()

    def watch() -> None:
        while not over.wait(0.25):
            most[0] = max(most[0], own_bytes() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    done = polydub(env, folder, "batch", "night.csv", "--out", "out", "--jobs", jobs)
    took = time.monotonic() - began
    over.set()
    watching.join()
    return Night(took, most[0], done.returncode, done.stderr)


def told_everywhere(env: Mapping[str, str], folder: Path, said: str) -> dict[str, Told]:
    """What each language came to, by the place where it is told; ready ones are not named in the terminal."""
    out = folder / "out"
    summaries = [json.loads(path.read_text()) for path in sorted(out.glob("*/summary.json"))]
    told: dict[str, Told] = {"summary.json": {}}
    for one in summaries:
        for tag, branch in one["languages"].items():
            error = branch["error"] or one["error"]
            told["summary.json"][one["title"], tag] = (branch["state"], branch["why"] or _text(error))
    with (out / "summary.csv").open(newline="") as file:
        told["summary.csv"] = {(r["title"], r["language"]): (r["state"], r["why"]) for r in csv.DictReader(file)}
    rows = [re.split(r"(?<!\\) \| ", line.strip("| \n")) for line in (out / "summary.md").read_text().splitlines()]
    cells = [[re.sub(r"\\(.)", r"\1", cell).strip() for cell in row] for row in rows if len(row) >= 6]
    told["summary.md"] = {(r[0], r[1]): (r[2].replace(" ", "_"), r[3]) for r in cells if r[1] in LANGUAGES}
    status = json.loads(polydub(env, folder, "status", "--json").stdout)
    told["status"] = {(one["title"], one["language"]): (one["state"], one["why"]) for one in status["branches"]}
    lines = re.findall(r"^(\S+) (\w\w): (failed|needs review|set aside|carried over): (.*)$", said, re.MULTILINE)
    told["terminal"] = {(title, tag): (state.replace(" ", "_"), why.strip()) for title, tag, state, why in lines}
    wanted = {"artifacts": {"key": {"any_": ["dub-batch"]}}, "sort": "CREATED_DESC", "limit": 1}
    (table,) = asked(env, "artifacts/filter", wanted)
    data = json.loads(table["data"]) if isinstance(table["data"], str) else table["data"]
    told["dashboard"] = {(one["title"], one["language"]): (one["state"], one["why"]) for one in data}
    return told


def _text(error: Mapping[str, str] | None) -> str:
    if not error:
        return ""
    step = f"{error['step']}: " if error.get("step") else ""
    return f"{step}{error['what']} {error['fix']}".strip()


def differing(told: Mapping[str, Told]) -> list[str]:
    """Where places do not say the same."""
    base = told["summary.json"]
    found = []
    for place, said in told.items():
        expected = {who: how for who, how in base.items() if how[0] != "completed"} if place == "terminal" else base
        for who in sorted({*said, *expected}):
            if said.get(who) != expected.get(who):
                found.append(f"{place}: {' '.join(who)}: {said.get(who)}, not {expected.get(who)}")
    return found


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--titles", type=int, default=24)
    parser.add_argument("--profile", default="fake")
    parser.add_argument("--jobs", default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polydub-morning-") as name:
        root = Path(name)
        make(root / "titles", options.titles, options.profile)
        with server(root) as env:
            night = dubbed(env, root / "titles", options.jobs)
            try:
                told = told_everywhere(env, root / "titles", night.said)
            except (OSError, ValueError, KeyError):
                print(night.said[-3000:], file=sys.stderr)
                raise
        states = [state for state, _ in told["summary.json"].values()]
        summaries = [json.loads(path.read_text()) for path in (root / "titles/out").glob("*/summary.json")]
        parts = [part for one in summaries for part in (one["shared"], *one["languages"].values())]
        steps_s = sum(seconds for part in parts for seconds in part["seconds"].values())
    print(f"exit code {night.code}: " + ", ".join(f"{states.count(one)} {one}" for one in sorted(set(states))))
    faults = differing(told)
    print(f"{len(told)} places say the same of {len(states)} languages: {'yes' if not faults else 'no'}")
    print("".join(f"  {fault}\n" for fault in faults[:20]), end="")
    ideal = steps_s / cores()
    print(
        f"{night.seconds:.1f} s by the clock, steps {steps_s:.1f} s over {cores()} cores {ideal:.1f} s: "
        f"{night.seconds / ideal:.2f}; load {os.getloadavg()[0]:.1f}"
    )
    jobs = at_once("auto") if options.jobs == "auto" else int(options.jobs)
    bound = RUN_BYTES + jobs * JOB_BYTES
    print(f"memory at its peak {night.memory / 1e6:.0f} MB, bound {bound / 1e6:.0f} MB for {jobs} at once")
    raise SystemExit(1 if faults or night.memory > bound else 0)


if __name__ == "__main__":
    main()
