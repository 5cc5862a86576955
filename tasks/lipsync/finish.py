"""The whole picture in a scene mode: after any backend, and only where one is named."""

from __future__ import annotations

from pathlib import Path

from configs.scene_modes import scene_modes
from tasks.door import asking
from tasks.errors import ProcessFailedError
from tasks.media import ENCODER_THREADS, arguments, run_ffmpeg, sink, source, staged
from tasks.process import capture


def finish(picture: Path, mode: str, out: Path) -> None:
    """Write the picture, without sound, through a mode's filters; same frames at the same times.

    Args:
        picture: a video.
        mode: a name of `scene_modes`.
        out: MP4 (H.264), written whole or not at all.

    Raises:
        ProcessFailedError: a filter failed, or frames were lost.
    """
    deep = "10" in _stream(picture, "pix_fmt")
    options = {
        "vf": scene_modes()[mode].chain,
        "vcodec": "libx264",
        "crf": 16,
        "preset": "medium",
        "pix_fmt": "yuv420p10le" if deep else "yuv420p",
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
            raise ProcessFailedError(f"The scene mode {mode} made {after} frames of {before}.")


def _frames(video: Path) -> int:
    return int(_stream(video, "nb_read_packets", "-count_packets"))


def _stream(video: Path, what: str, *more: str) -> str:
    words = ["-select_streams", "V:0", *more, "-show_entries", f"stream={what}", "-of", "csv=p=0"]
    return capture(asking(video, *words)).decode().split("\n")[0].strip().rstrip(",")
