"""Small pictures whose frames stand at known times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lipsync_engine.media import video


def make(path: Path, pts: list[int], *, size=(64, 48), pixel_format="yuv420p", codec="libx264", base=1000) -> Path:
    """A small picture with frames at the given milliseconds."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = Fraction(1, base)
        for at in pts:
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (size[1], size[0], 3), np.uint8), format="rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = at, Fraction(1, base)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def times_of(path: Path) -> list[float]:
    """Presentation times of a picture's frames, seconds."""
    return [frame.time_s for frame in video.read(path, video.probe(path))]
