"""Hosted systems that dub a whole title: translation, voices and lip sync are theirs, clock and level are ours."""

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
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.progress import Progress


class WholeTranslation:
    """A dubbing service as a lip-sync backend; not for branches with a recorded dub."""

    class Options(registry.Options):
        """The service's own options, under ``system``."""

        system: dict[str, Any] = Field({})

    tracker: ClassVar = NoTracker()  # the service finds faces itself

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        """Make no request; `BadInputError` for an unknown option."""
        chosen = registry.checked("lipsync", name, self.Options, options)
        self._service = HostedTranslation(name, chosen.system)
        self.facts = registry.BackendFacts(
            name=name,
            code_licence="service: the provider's terms",
            network=True,
            address=self._service.address,
            paid=True,
            clones=True,
            uploads_faces=True,
        )

    def fingerprint(self) -> str:
        """The service's; no secret."""
        return self._service.fingerprint()

    def missing(self) -> list[str]:
        """The provider's key, if it is not set."""
        return self._service.missing()

    def cost_usd(self, seconds: float) -> float:
        """The price of this many seconds of a title by the table."""
        return self._service.cost_usd(seconds)

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Not supported: the service takes no speech.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(
            f"{self.facts.name} makes its own speech; it cannot lip-sync a recorded dub.",
            "Choose another --lipsync for this language, or omit the recording.",
            language=language,
        )

    def translate(self, video: Path, language: str, out: Path, progress: Progress) -> dict[str, Any]:
        """Dub the title and return a report; arguments and errors as `HostedTranslation.translate`."""

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
    """Conform a service's film to the source's clock: frame rate, start and length; picture and sound separately.

    Args:
        film: the service's result.
        came: its facts.
        source: the title's facts.
        picture: MP4 without sound, HDR in HEVC and everything else in H.264, written atomically; the last frame is held
            if the film is too short.
        sound: 48 kHz stereo WAV, likewise; padded with silence if the film is too short.
        progress: called with the share done, 0 to 1.

    Returns:
        Notes on how the film differs from the title.

    Raises:
        PermanentError: the film has no picture or no sound.
    """
    if came.picture is None or not came.audio or source.picture is None:
        raise PermanentError("The service's film has no picture or no sound.", "Look at it in your account there.")
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
    notes = ["Whole-title dub: the translation is the service's own; without a script there are no subtitles."]
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
        notes.append(f"The service's picture was conformed to the title's clock as {made}.")
    return tuple(notes)


def _fewer(came: PictureFacts, source: PictureFacts) -> str:
    """How a service's picture has less dynamic range or bit depth than the title's; empty if it does not."""
    if source.colour.hdr and not came.colour.hdr:
        return f"not HDR ({came.bit_depth} bit); the title is ({source.bit_depth} bit)"
    if source.bit_depth > came.bit_depth:
        return f"of {came.bit_depth} bit, the title's of {source.bit_depth}"
    return ""
