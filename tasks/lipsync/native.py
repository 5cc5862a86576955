"""The native engine as a lip-sync backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from configs.lipsync_style import LipsyncStyle
from tasks.lipsync import Resynced
from tasks.lipsync.engine import engine_job
from tasks.lipsync.stretches import Shelved
from tasks.lipsync.tracker import FaceTracker
from tasks.machine.weights import advice, here
from tasks.records import registry
from tasks.records.progress import Progress


class NativeLipSyncer:
    """Title-native lip sync by `lipsync_engine`."""

    facts: ClassVar = registry.BackendFacts(
        name="native",
        packages=("ai-edge-litert", "opencv-python-headless", "av"),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0 (MediaPipe face mesh)",
        device="any",
    )

    class Options(LipsyncStyle, registry.Options):
        """Style, encoding, and time limit.

        Attributes:
            crf: x264 quality of the edited picture, lower is better.
            preset: x264 speed.
            deadline_s: seconds after which a job is stopped.
        """

        crf: int = Field(17, ge=0, le=40)
        preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
        device: Literal["auto", "cpu", "cuda"] = "auto"
        deadline_s: float = Field(6 * 3600.0, gt=0)

    def __init__(self, options: Options) -> None:
        self.options = options
        self._kept: dict[str, Any] = {}

    def keeping(self, shelf: Shelved, settled: Mapping[str, Any]) -> NativeLipSyncer:
        """The same, with its finished stretches kept; what an edit leaves as it was is found."""
        own = NativeLipSyncer(self.options)
        own._kept = {"shelf": replace(shelf, drawer=self._engine()).as_json(), "settled": dict(settled)}
        return own

    def fingerprint(self) -> str:
        """The engine's version, its face networks' weights, and the options that change the picture."""
        chosen = self.options.model_dump(exclude={"deadline_s"}, exclude_none=True)
        return f"{self._engine()}-{json.dumps(chosen, sort_keys=True)}"

    def _engine(self) -> str:
        from lipsync_engine import VERSION
        from lipsync_engine.faces.facemesh.weights import digest

        return f"native-{VERSION}-{digest()}"

    def missing(self) -> list[str]:
        """The face networks, where they are not on this machine."""
        if not here("face-mesh"):
            return [f"The face networks are not on this machine. {advice('face-mesh')}"]
        return []

    @property
    def tracker(self) -> FaceTracker:
        """The engine's."""
        return FaceTracker(self.options.device, self.options.deadline_s, stabilise=self.options.stabilise is not False)

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
            "options": self.drawing(),
            **self._kept,
        }
        report = self._job(job, progress)
        settled = report.pop("settled")
        if not report["edited"]:
            why = ", ".join(f"{reason} ({count} frames)" for reason, count in report["bypassed"].items())
            return Resynced(None, report, (f"Lip sync edited nothing: {why or 'nobody speaks on screen'}.",), settled)
        stretches, found = report["stretches"], report["stretches_found"]
        return Resynced(out, report, (*redrawn(report), *passed_through(report)), settled, stretches, found)

    def drawing(self) -> dict[str, Any]:
        """The style by `lipsync_engine`'s own names; unset values are left to it."""
        return self.options.model_dump(exclude={"deadline_s", "stabilise"}, exclude_none=True)

    def _job(self, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
        return engine_job(job, progress, device=self.options.device, deadline_s=self.options.deadline_s)


def redrawn(report: dict[str, Any]) -> tuple[str, ...]:
    """A note on how much of the picture was drawn, where some of it was found."""
    total, found = report["stretches"], report["stretches_found"]
    if not found:
        return ()
    return (f"Lip sync: {total - found} of {total} stretches, {report['drawn']} frames drawn, the others found.",)


def passed_through(report: dict[str, Any]) -> tuple[str, ...]:
    """A note on the frames that were left unchanged, and why."""
    bypassed = report["bypassed"]
    said = tuple(f"Lip sync: {note}." for note in report["notes"])
    if not bypassed:
        return said
    reasons = ", ".join(f"{reason} ({count})" for reason, count in bypassed.items())
    return (f"Lip sync left {sum(bypassed.values())} of {report['frames']} frames unchanged: {reasons}.", *said)
