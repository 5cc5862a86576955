"""A hosted system that dubs a whole title: words, voices and mouths are its own; ours are the clock and the level."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from tasks import media
from tasks.keep.staging import staged
from tasks.lipsync import Resynced
from tasks.lipsync.hosted import HostedTranslation, receipt_path
from tasks.lipsync.tracker import NoTracker
from tasks.machine.ending import delaying_signals, raise_if_ending
from tasks.media.encoding import encoded, lost
from tasks.records import registry
from tasks.records.errors import PermanentError, UnsupportedError
from tasks.records.model import MediaFacts, PictureFacts
from tasks.records.progress import Progress


class WholeTranslation:
    """A translating service as a lip-sync backend: it has no part in branches that are spoken by others."""

    class Options(registry.Options):
        """The service's own options, under ``system``."""

        system: dict[str, Any] = Field({})

    tracker: ClassVar = NoTracker()  # the service finds faces itself

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        """Asks nobody; `BadInputError` for an unknown option."""
        chosen = registry.checked("lipsync", name, self.Options, options)
        self._service = HostedTranslation(name, chosen.system)
        self.facts = registry.BackendFacts(
            name=name,
            code_licence="service: the provider's terms",
            network=True,
            paid=True,
            clones=True,
            uploads_faces=True,
        )

    def fingerprint(self) -> str:
        """The service's; no secret."""
        return self._service.fingerprint()

    def missing(self) -> list[str]:
        """The provider's key, where it is not set."""
        return self._service.missing()

    def cost_usd(self, seconds: float) -> float:
        """The price of so many seconds of a title, by the table."""
        return self._service.cost_usd(seconds)

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Refused: it takes no speech.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(
            f"{self.facts.name} speaks itself; it cannot lip-sync a recorded dub.",
            "Choose another --lipsync for this language, or leave the recording out.",
            language=language,
        )

    def translate(self, video: Path, language: str, out: Path, progress: Progress) -> dict[str, Any]:
        """Have the title dubbed; `report` of it. Errors as `HostedTranslation.translate`."""

        def share(done: float) -> None:
            raise_if_ending()
            progress(done)

        with delaying_signals():
            named = self._service.translate(video, language, out, share)
        receipt = json.loads(receipt_path(out).read_text("utf-8"))
        return {"system": self.facts.name, "language": named, "jobs": [receipt], "billed_usd": receipt["usd"]}


def conform(
    film: Path, came: MediaFacts, source: MediaFacts, picture: Path, sound: Path, progress: Progress
) -> tuple[str, ...]:
    """Put a film onto the source's clock: its frame rate, start and length; picture and sound in files of their own.

    Args:
        film: as the service made it.
        came: its facts.
        source: the title's facts.
        picture: MP4 without sound, HDR in HEVC and all else in H.264, written whole or not at all; the last frame stays
            where the film is too short.
        sound: 48 kHz stereo WAV, likewise; silence where the film is too short.
        progress: told the share that is done.

    Returns:
        What to tell the user: how the film differs from the title.

    Raises:
        PermanentError: the film has no picture or no sound.
    """
    if came.picture is None or not came.audio or source.picture is None:
        raise PermanentError("What the service made has no picture or no sound.", "Look at it in your account.")
    rate, length_ms, begins_ms = source.picture.frame_rate, source.duration_ms, source.picture.start_ms
    frames = max(1, round(Fraction(length_ms - begins_ms, 1000) * rate))
    shown = (
        media.on_clock(film)[str(came.picture.index)]
        .filter("fps", fps=str(rate), start_time=begins_ms / 1000)
        .filter("tpad", stop=-1, stop_mode="clone")
        .filter("trim", end_frame=frames)
    )
    whole = came.picture.model_copy(update={"fields": "progressive"})
    shown, options, made = encoded(shown, whole)
    with staged(picture) as part:
        graph = media.sink(shown, part, **options, movflags="+faststart", an=None)
        media.run_ffmpeg(graph, duration_ms=length_ms, progress=progress)
    media.extract_audio(film, came.model_copy(update={"duration_ms": length_ms}), None, sound)
    notes = ["Whole-title dub: the words are the service's own; there is no script, and so there are no subtitles."]
    off_ms = came.duration_ms - length_ms
    if abs(off_ms) * rate > 1000:
        done = "cut" if off_ms > 0 else "held on its last frame"
        notes.append(f"The service's film is {abs(off_ms)} ms {'longer' if off_ms > 0 else 'shorter'}; it was {done}.")
    if (came.picture.width, came.picture.height) != (source.picture.width, source.picture.height):
        sizes = f"{came.picture.width}x{came.picture.height}, not {source.picture.width}x{source.picture.height}"
        notes.append(f"The service's picture is {sizes}.")
    if fewer := _fewer(came.picture, source.picture):
        notes.append(f"The service's picture is {fewer}.")
    if lost(whole):
        notes.append(f"The service's picture was put onto the title's clock as {made}.")
    return tuple(notes)


def _fewer(came: PictureFacts, source: PictureFacts) -> str:
    """How a service's picture shows less light or colour than the title's; empty where it does not."""
    if source.colour.hdr and not came.colour.hdr:
        return f"not HDR ({came.bit_depth} bit); the title's is ({source.bit_depth} bit)"
    if source.bit_depth > came.bit_depth:
        return f"of {came.bit_depth} bit, the title's of {source.bit_depth}"
    return ""
