"""The whole picture in a scene mode and at a height: after any backend, and only where one is asked for."""

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
from tasks.records.model import Colour


@dataclass(frozen=True)
class Finishing:
    """What becomes of a picture after lip sync.

    Attributes:
        scene: a name of `scene_modes`; None for none.
        height: of the shorter side, in lines; None as it is.
        upscale: whether a smaller picture is enlarged to that height.
    """

    scene: str | None = None
    height: int | None = None
    upscale: bool = False

    @classmethod
    def of(cls, profile: Profile) -> Finishing:
        """As a profile says."""
        height = None if profile.height == "source" else int(profile.height.removesuffix("p"))
        return cls(profile.scene, height, profile.upscale and height is not None)

    def facts(self) -> list[object] | str | None:
        """What a key holds of it."""
        chain = scene_modes()[self.scene].chain if self.scene else None
        return [chain, self.height, self.upscale] if self.height else chain

    def fingerprint(self) -> str:
        """The same, as text."""
        return json.dumps(self.facts())

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.scene or self.height)


def finished(picture: Path, how: Finishing, out: Path) -> tuple[bool, tuple[str, ...]]:
    """Write what `finish` writes, unless nothing changes; whether it was written, and notes for the user.

    Raises:
        ProcessFailedError: as `finish`.
    """
    lines, notes = _lines(picture, how)
    scene, hdr = fitting_scene(picture, how), _colour(picture).hdr
    if how.scene and not scene:
        notes = (*notes, f"The scene mode {how.scene} was left out: it is made for SDR, and the picture is HDR.")
    if lines is None and not scene:
        return False, notes
    if _deep(picture) and not hdr:
        notes = (*notes, "The finished picture is 8 bit 4:2:0 H.264; it had more bits.")
    finish(picture, scene, out, lines)
    return True, notes


def fitting_scene(picture: Path, how: Finishing) -> str | None:
    """The scene mode that a picture gets: all are made for SDR."""
    return None if how.scene and _colour(picture).hdr else how.scene


def _lines(picture: Path, how: Finishing) -> tuple[int | None, tuple[str, ...]]:
    """The shorter side that is to be made, None as it is; and a note of what is done."""
    width, height = int(_stream(picture, "width")), int(_stream(picture, "height"))
    short = min(width, height)
    if how.height is None or how.height == short:
        return None, ()
    if how.height > short and not how.upscale:
        why = f"{how.height}p was asked for, but a picture is not enlarged unless --upscale says so"
        return None, (f"The masters keep the picture's {width}x{height}: {why}.",)
    to = "x".join(map(str, _size(width, height, how.height)))
    way = "enlarged" if how.height > short else "reduced"
    return how.height, (f"The masters' picture was {way} from {width}x{height} to {to}.",)


def _size(width: int, height: int, short: int) -> tuple[int, int]:
    """Width and height with that shorter side, both even."""
    other = 2 * round(max(width, height) * short / min(width, height) / 2)
    return (other, short) if width >= height else (short, other)


def finish(picture: Path, mode: str | None, out: Path, short: int | None = None) -> None:
    """Write the picture, without sound, through a mode's filters; same frames at the same times.

    Args:
        picture: a video.
        mode: a name of `scene_modes`, of an SDR picture; None for none.
        out: MP4 (HDR in HEVC of ten bits, all else in H.264 of eight), written whole or not at all.
        short: lines of its shorter side; None as it is.

    Raises:
        ProcessFailedError: a filter failed, or frames were lost.
    """
    filters = [scene_modes()[mode].chain] if mode else []
    if short is not None:
        width, height = _size(int(_stream(picture, "width")), int(_stream(picture, "height")), short)
        filters.insert(0, f"scale={width}:{height}:flags=lanczos+accurate_rnd")
    colour = _colour(picture)
    filters.insert(0, "format=yuv420p10le" if colour.hdr else "format=yuv420p")  # the modes' figures are of eight bits
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
            raise ProcessFailedError(f"Finishing the picture made {after} frames of {before}.")


def _colour(picture: Path) -> Colour:
    words = ("-select_streams", "V:0", "-show_streams", "-of", "json")
    stream = json.loads(capture(asking(picture, *words)))["streams"][0]
    return colour_of(stream, first_frame(picture, "V:0"))


def _deep(picture: Path) -> bool:
    """Whether a sample has more than eight bits."""
    return bool(re.search(r"(?:p|gray)(?:9|1[0-6])(?:le|be)$", _stream(picture, "pix_fmt")))


def _frames(video: Path) -> int:
    return int(_stream(video, "nb_read_packets", "-count_packets"))


def _stream(video: Path, what: str, *more: str) -> str:
    words = ["-select_streams", "V:0", *more, "-show_entries", f"stream={what}", "-of", "csv=p=0"]
    return capture(asking(video, *words)).decode().split("\n")[0].strip().rstrip(",")
