"""The native engine, in a child process: a crash or an out-of-memory kill there ends one branch, not the run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tasks import registry
from tasks.errors import ProcessFailedError
from tasks.lipsync import Resynced
from tasks.lipsync.device import gpus, leased_device
from tasks.model import Script
from tasks.process import stream
from tasks.progress import Progress


class NativeLipSyncer:
    """Title-native lip sync by `lipsync_engine`."""

    facts: ClassVar = registry.BackendFacts(
        name="native", code_licence="Apache-2.0", weights_licence="Apache-2.0 (MediaPipe face mesh)", device="any"
    )

    class Options(registry.Options):
        """How to edit, and how long a job may take.

        Attributes:
            strength: excursion of the mouth from rest, 1 as planned.
            expression: how lively the mouth is.
            crf: x264 quality of the edited picture, lower is better.
            preset: x264 speed.
            deadline_s: after which a job is stopped.
        """

        strength: float = Field(1.0, ge=0.0, le=1.5)
        expression: Literal["preserve", "natural", "expressive"] = "natural"
        crf: int = Field(17, ge=0, le=40)
        preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
        device: Literal["auto", "cpu", "cuda"] = "auto"
        deadline_s: float = Field(6 * 3600.0, gt=0)

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """The engine's version, its tracker's, and the options that change the picture."""
        from lipsync_engine import VERSION

        chosen = self.options.model_dump(exclude={"deadline_s"})
        return (
            f"native-{VERSION}-mediapipe-{registry.package_version('mediapipe')}-{json.dumps(chosen, sort_keys=True)}"
        )

    def missing(self) -> list[str]:
        """MediaPipe, where it is not installed."""
        if registry.package_version("mediapipe") == "absent":
            return ["The package mediapipe is not installed. Run `make setup`."]
        return []

    def analyse(self, video: Path, script: Script, out: Path, progress: Progress) -> None:
        """Track every face of the title."""
        spans = [(line.start_ms, line.end_ms, line.speaker) for line in script.lines]
        lines = [(line.start_ms, line.end_ms, line.text) for line in script.lines]
        job = {"job": "analyse", "video": str(video), "spans": spans, "out": str(out)}
        device = "cuda" if self.options.device == "cuda" else "cpu"
        self._job(job | {"lines": lines, "language": script.language, "device": device}, progress)

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Render one language."""
        job = {
            "job": "resync",
            "video": str(video),
            "analysis": str(analysis),
            "dialogue": str(dialogue),
            "phones": str(phones),
            "out": str(out),
            "options": self.options.model_dump(exclude={"deadline_s"}),
        }
        report = self._job(job, progress)
        if not report["edited"]:
            why = ", ".join(f"{reason} ({count} frames)" for reason, count in report["bypassed"].items())
            return Resynced(None, report, (f"Lip sync edited nothing: {why or 'nobody speaks in the picture'}.",))
        return Resynced(out, report, passed_through(report))

    def _job(self, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
        return engine_job(job, progress, device=self.options.device, deadline_s=self.options.deadline_s)


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
    with leased_device(devices) as held:
        env = {"CUDA_VISIBLE_DEVICES": held} if held else {}
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


def passed_through(report: dict[str, Any]) -> tuple[str, ...]:
    """A note of the frames that were left as they were, and why."""
    bypassed = report["bypassed"]
    said = tuple(f"Lip sync: {note}." for note in report["notes"])
    if not bypassed:
        return said
    reasons = ", ".join(f"{reason} ({count})" for reason, count in bypassed.items())
    return (f"Lip sync left {sum(bypassed.values())} of {report['frames']} frames as they were: {reasons}.", *said)
