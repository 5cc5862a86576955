"""Finishing of the whole picture: scene mode and height, after any backend, only if requested."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from configs.profile import Profile
from configs.scene_modes import scene_modes
from tasks.keep.staging import staged
from tasks.machine.process import capture
from tasks.media import ENCODER_THREADS, arguments, run_ffmpeg, sink, source
from tasks.media.colours import colour_of, first_frame
from tasks.media.door import asking
from tasks.media.encoding import colour_tags, h264_options, hdr_options
from tasks.records.errors import ProcessFailedError
from tasks.records.facts import Colour


@dataclass(frozen=True)
class Finishing:
    """How a picture is finished after lip sync.

    Attributes:
        scene: a name of `scene_modes`; None for none.
        height: lines of the shorter side; None to keep it.
        upscale: whether a smaller picture is upscaled to that height.
    """

    scene: str | None = None
    height: int | None = None
    upscale: bool = False

    @classmethod
    def of(cls, profile: Profile) -> Finishing:
        """From a profile."""
        height = None if profile.height == "source" else int(profile.height.removesuffix("p"))
        return cls(profile.scene, height, profile.upscale and height is not None)

    def facts(self) -> list[object] | str | None:
        """Its part of a step's key."""
        chain = scene_modes()[self.scene].chain if self.scene else None
        return [chain, self.height, self.upscale] if self.height else chain

    def fingerprint(self) -> str:
        """The same, as text."""
        return json.dumps(self.facts())

    def __bool__(self) -> bool:
        """Whether anything is requested."""
        return bool(self.scene or self.height)


def finished(picture: Path, how: Finishing, out: Path) -> tuple[bool, tuple[str, ...]]:
    """Write the finished picture unless nothing changes.

    Args:
        picture: a video.
        how: scene mode and height.
        out: as of `finish`.

    Returns:
        Whether it was written, and notes for the user.

    Raises:
        ProcessFailedError: as `finish`.
    """
    lines, notes = _lines(picture, how)
    scene, hdr = fitting_scene(picture, how), _colour(picture).hdr
    if how.scene and not scene:
        notes = (*notes, f"The scene mode {how.scene} was not applied: it is for SDR, and the picture is HDR.")
    if lines is None and not scene:
        return False, notes
    if _deep(picture) and not hdr:
        notes = (*notes, "The finished picture is 8-bit 4:2:0 H.264; the source had more bits.")
    finish(picture, scene, out, lines)
    return True, notes


def fitting_scene(picture: Path, how: Finishing) -> str | None:
    """The scene mode for a picture; None for HDR, because all modes are for SDR."""
    return None if how.scene and _colour(picture).hdr else how.scene


def _lines(picture: Path, how: Finishing) -> tuple[int | None, tuple[str, ...]]:
    """The target of the shorter side, None to keep it; and a note."""
    width, height = int(_stream(picture, "width")), int(_stream(picture, "height"))
    short = min(width, height)
    if how.height is None or how.height == short:
        return None, ()
    if how.height > short and not how.upscale:
        why = f"{how.height}p was requested, but a picture is upscaled only with --upscale"
        return None, (f"The masters keep the picture's {width}x{height}: {why}.",)
    to = "x".join(map(str, _size(width, height, how.height)))
    way = "enlarged" if how.height > short else "reduced"
    return how.height, (f"The masters' picture was {way} from {width}x{height} to {to}.",)


def _size(width: int, height: int, short: int) -> tuple[int, int]:
    """Width and height with that shorter side, both even."""
    other = 2 * round(max(width, height) * short / min(width, height) / 2)
    return (other, short) if width >= height else (short, other)


def finish(picture: Path, mode: str | None, out: Path, short: int | None = None) -> None:
    """Write the picture through a mode's filters, without sound, with the same frames at the same times.

    Args:
        picture: a video.
        mode: a name of `scene_modes`, for SDR only; None for none.
        out: MP4 (HDR in 10-bit HEVC, everything else in 8-bit H.264), written atomically.
        short: lines of its shorter side; None to keep it.

    Raises:
        ProcessFailedError: a filter failed, or frames were lost.
    """
    filters = [scene_modes()[mode].chain] if mode else []
    if short is not None:
        width, height = _size(int(_stream(picture, "width")), int(_stream(picture, "height")), short)
        filters.insert(0, f"scale={width}:{height}:flags=lanczos+accurate_rnd")
    colour = _colour(picture)
    filters.insert(0, "format=yuv420p10le" if colour.hdr else "format=yuv420p")  # the modes' values are for eight bits
    options = {
        **(hdr_options(colour) if colour.hdr else {**h264_options(), **colour_tags(colour)}),
        "vf": ",".join(filters),
        "threads": ENCODER_THREADS,
        "fps_mode": "passthrough",
        "enc_time_base": -1,
        "movflags": "+faststart",
        "an": None,
    }
    with staged(out) as part:
        run_ffmpeg(arguments(sink(source(picture)["V:0"], part, **options)))
        before, after = _frames(picture), _frames(part)
        if before != after:
            raise ProcessFailedError(f"Finishing the picture produced {after} frames from {before}.")


def _colour(picture: Path) -> Colour:
    words = ("-select_streams", "V:0", "-show_streams", "-of", "json")
    stream = json.loads(capture(asking(picture, *words)))["streams"][0]
    return colour_of(stream, first_frame(picture, "V:0"))


def _deep(picture: Path) -> bool:
    """Whether samples have more than eight bits."""
    return bool(re.search(r"(?:p|gray)(?:9|1[0-6])(?:le|be)$", _stream(picture, "pix_fmt")))


def _frames(video: Path) -> int:
    return int(_stream(video, "nb_read_packets", "-count_packets"))


def _stream(video: Path, what: str, *more: str) -> str:
    words = ["-select_streams", "V:0", *more, "-show_entries", f"stream={what}", "-of", "csv=p=0"]
    return capture(asking(video, *words)).decode().split("\n")[0].strip().rstrip(",")
