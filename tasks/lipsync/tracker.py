"""Face tracking of a title, once for all languages and lip-sync backends."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tasks.lipsync.engine import engine_job
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Script


class FaceTracker:
    """The engine's tracker: every face, the speakers' mouths, and which face is whose."""

    facts: ClassVar = registry.BackendFacts(
        name="face-tracker",
        packages=("ai-edge-litert", "opencv-python-headless", "av"),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0 (MediaPipe face mesh)",
        device="any",
    )

    def __init__(self, device: str, deadline_s: float, *, stabilise: bool = True) -> None:
        """Finds nothing yet.

        Args:
            device: ``"cuda"`` tracks on a GPU; else the CPU does.
            deadline_s: after which it is stopped.
            stabilise: whether jitter is taken out by the skin's texture.
        """
        self._stabilise = stabilise
        self._device, self._deadline_s = "cuda" if device == "cuda" else "cpu", deadline_s

    def fingerprint(self) -> str:
        """The engine's version, its weights, and the device; no option of those who draw but this one."""
        from lipsync_engine import VERSION
        from lipsync_engine.faces.facemesh.weights import digest

        raw = "" if self._stabilise else "-raw"
        return f"faces-{VERSION}-{digest()}-{self._device}{raw}"

    def track(self, video: Path, out: Path, progress: Progress) -> None:
        """Track every face of the title.

        Args:
            video: the source.
            out: where the faces are written.
            progress: called with the share done, 0 to 1.
        """
        job = {
            "job": "track",
            "video": str(video),
            "out": str(out),
            "device": self._device,
            "stabilise": self._stabilise,
        }
        engine_job(job, progress, device=self._device, deadline_s=self._deadline_s)

    def analyse(self, faces: Path, video: Path, script: Script, out: Path, progress: Progress) -> None:
        """Write the analysis: the faces, and what is said, when and by whom.

        Args:
            faces: written by `track`.
            video: the source.
            script: the source script with speakers.
            out: where the analysis is written.
            progress: called with the share done, 0 to 1.
        """
        job = {
            "job": "analyse",
            "faces": str(faces),
            "video": str(video),
            "spans": [(line.start_ms, line.end_ms, line.speaker) for line in script.lines],
            "lines": [(line.start_ms, line.end_ms, line.text) for line in script.lines],
            "language": script.language,
            "out": str(out),
        }
        engine_job(job, progress, device="cpu", deadline_s=self._deadline_s)


class NoTracker:
    """For backends that need no faces, or find them themselves."""

    facts: ClassVar = registry.BackendFacts(name="no-tracker", code_licence="Apache-2.0")

    def fingerprint(self) -> str:
        """A constant."""
        return "no-faces-1"

    def track(self, video: Path, out: Path, progress: Progress) -> None:
        """Write that no faces were looked for.

        Args:
            video: ignored.
            out: where it is written.
            progress: ignored.
        """
        out.write_bytes(b"no faces\n")

    def analyse(self, faces: Path, video: Path, script: Script, out: Path, progress: Progress) -> None:
        """Write an empty analysis.

        Args:
            faces: ignored.
            video: ignored.
            script: ignored.
            out: where it is written.
            progress: ignored.
        """
        out.write_bytes(b"no analysis\n")
