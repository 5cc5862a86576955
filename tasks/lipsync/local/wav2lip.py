"""Wav2Lip: our own implementation of the published network, with the user's checkpoint.

Nothing is downloaded. By its authors' terms the checkpoints are for research and personal use only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tasks.keep.digests import known_sha256
from tasks.lipsync.engine import engine_job
from tasks.lipsync.reanimate import Limits, Takes
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError
from tasks.records.progress import Progress

#: Raised whenever the output of the same checkpoint changes.
_VERSION = 1
_VARIABLE = "POLYDUB_WAV2LIP_CHECKPOINT"
_SHORTEST_S = 0.2


class Wav2Lip:
    """Wav2Lip with 96 pixels, as published, or with 192, 256, 288 or 384, as trained by others."""

    takes: ClassVar[Takes] = "video"
    limits: ClassVar[Limits] = Limits(shortest_s=_SHORTEST_S)
    facts: ClassVar = registry.BackendFacts(
        name="wav2lip",
        code_licence="Apache-2.0",
        weights_licence="research and personal use only",
        commercial=False,
        device="any",
        clause="its authors allow research, academic and personal use only (trained on LRS2)",
    )

    class Options(registry.Options):
        """The checkpoint, and how it is run.

        Attributes:
            checkpoint: file; None for that of POLYDUB_WAV2LIP_CHECKPOINT.
            batch: faces in one batch.
            device: ``"cpu"`` for no GPU.
            deadline_s: time limit for one clip, seconds.
        """

        checkpoint: Path | None = None
        batch: int = Field(16, ge=1, le=256)
        device: Literal["auto", "cpu"] = "auto"
        deadline_s: float = Field(3600.0, gt=0)

    def __init__(self, options: Options) -> None:
        self.options = options
        named = options.checkpoint or os.environ.get(_VARIABLE)
        self._checkpoint = Path(named).expanduser() if named else None

    def fingerprint(self) -> str:
        """Our version and the checkpoint's content."""
        there = self._checkpoint is not None and self._checkpoint.is_file()
        content = known_sha256(self._checkpoint) if self._checkpoint and there else ""
        return f"wav2lip:{_VERSION}:{content}"

    def missing(self) -> list[str]:
        """The checkpoint, if it does not exist."""
        if self._checkpoint is None:
            return [f"wav2lip: set {_VARIABLE} or the option system.checkpoint to a checkpoint; none is downloaded."]
        if not self._checkpoint.is_file():
            return [f"wav2lip: there is no checkpoint {self._checkpoint}."]
        return []

    def cost_usd(self, seconds: float) -> float:
        """0: it runs on this machine."""
        return 0.0

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: Progress) -> None:
        """Redraw the clip's face.

        Args:
            picture: MP4 of one shot.
            speech: the dub of that shot, WAV.
            out: where the result is written.
            progress: called with the share done, 0 to 1.

        Raises:
            MissingBackendError: there is no checkpoint.
            PermanentError: the clip shows no face.
            ProcessFailedError, ProcessTimeoutError: the drawing process failed.
        """
        if lacks := self.missing():
            raise MissingBackendError(lacks[0])
        files = {"picture": str(picture), "speech": str(speech), "checkpoint": str(self._checkpoint), "out": str(out)}
        job = {"job": "wav2lip", "batch": self.options.batch, **files}
        answer = engine_job(job, progress, device=self.options.device, deadline_s=self.options.deadline_s)
        if not answer["frames"]:
            raise PermanentError("The clip shows no face.")
