"""The child process of `tasks.lipsync.native`: a JSON job on stdin, JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any


def main() -> None:
    """Do the job that stdin describes."""
    job = json.load(sys.stdin)
    answer = _analyse(job) if job["job"] == "analyse" else _resync(job)
    print(json.dumps({"answer": answer}), flush=True)


def _analyse(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.resync import analyse

    track = analyse(
        Path(job["video"]),
        Path(job["out"]),
        speech_spans=[tuple(span) for span in job["spans"]],
        script=[tuple(line) for line in job["lines"]],
        language=job["language"],
        device=job["device"],
        progress=_tell,
    )
    return {"frames": len(track.times_s), "faces": len(track.identities)}


def _resync(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.phones import read_phones
    from lipsync_engine.resync import Options, resync

    phones = read_phones(Path(job["phones"]))
    options = Options(**job["options"])
    video, analysis, out = Path(job["video"]), Path(job["analysis"]), Path(job["out"])
    return asdict(resync(video, Path(job["dialogue"]), phones, analysis, out, options, _tell))


def _tell(share: float, _message: str = "") -> None:
    print(json.dumps({"progress": share}), flush=True)


if __name__ == "__main__":
    main()
