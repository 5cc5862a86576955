"""The engine in a child process, so that a crash or an out-of-memory kill ends one branch, not the run."""

from __future__ import annotations

import json
import sys
from typing import Any

from tasks.machine.gpu import gpus, leased_device
from tasks.machine.process import stream
from tasks.records.errors import ProcessFailedError
from tasks.records.progress import Progress


def engine_job(job: dict[str, Any], progress: Progress, *, device: str, deadline_s: float) -> dict[str, Any]:
    """Run a job of `tasks.lipsync.native_job` in a child process, and return its result.

    Args:
        job: description of the job.
        progress: called with the share done, 0 to 1.
        device: ``"cpu"`` for no GPU.
        deadline_s: seconds after which it is stopped.

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
            message = _message(line)
            if "progress" in message:
                progress(message["progress"])
            answer = message.get("answer", answer)
    if not answer:
        raise ProcessFailedError("The lip-sync process ended without a result.")
    return answer


def _message(line: str) -> dict[str, Any]:
    """A line of the child's output as a JSON object; other output, printed by libraries, is ignored."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
