"""The engine in a child process: a crash or an out-of-memory kill there ends one branch, not the run."""

from __future__ import annotations

import json
import sys
from typing import Any

from tasks.machine.gpu import gpus, leased_device
from tasks.machine.process import stream
from tasks.records.errors import ProcessFailedError
from tasks.records.progress import Progress


def engine_job(job: dict[str, Any], progress: Progress, *, device: str, deadline_s: float) -> dict[str, Any]:
    """Have the engine do a job of `tasks.lipsync.native_job` in a child process; its answer.

    Args:
        job: what to do.
        progress: told the share that is done.
        device: ``"cpu"`` takes no GPU.
        deadline_s: after which it is stopped.

    Raises:
        ProcessFailedError, ProcessTimeoutError: as `process.stream`.
    """
    command = [sys.executable, "-m", "tasks.lipsync.native_job"]
    devices = [] if device == "cpu" else gpus()
    answer: dict[str, Any] = {}
    with leased_device(devices) as device_id:
        env = {"CUDA_VISIBLE_DEVICES": device_id} if device_id else {}
        words = json.dumps(job).encode()
        for line in stream(command, deadline_s=deadline_s, env=env, stdin=words):
            told = _told(line)
            if "progress" in told:
                progress(told["progress"])
            answer = told.get("answer", answer)
    if not answer:
        raise ProcessFailedError("The lip-sync process ended without an answer.")
    return answer


def _told(line: str) -> dict[str, Any]:
    """What the child says is one JSON object a line; whatever libraries print there is passed over."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
