"""A strip of frames: one video a row, one moment a column, for comparing a title with its dubs at a glance."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import media
from tasks.keep.staging import staged
from tasks.machine import process
from tasks.records.errors import BadInputError

if TYPE_CHECKING:
    from PIL import Image, ImageFont

Crop = tuple[float, float, float, float]

_GAP = 4
_MARGIN = 26  # px for the times above
_FONT = 15
_PAPER, _INK = (255, 255, 255), (40, 48, 60)


def frame_strip(
    videos: Sequence[tuple[str, Path]],
    times_s: Sequence[float],
    out_png: Path,
    crop: Crop | None = None,
    *,
    height: int = 200,
    max_bytes: int = 400_000,
) -> None:
    """Write a labelled picture of frames; it shrinks until the file is small enough.

    Args:
        videos: (label, file) of each row.
        times_s: moment of each column in seconds.
        out_png: where the picture goes.
        crop: (x, y, width, height) as shares of the frame, 0 to 1; None: the whole frame.
        height: of a frame in pixels.
        max_bytes: upper limit of the file.

    Raises:
        BadInputError: nothing to show, a crop outside the frame, or a moment past a video's end.
        ProcessFailedError: a file is no video.
    """
    if not videos or not times_s:
        raise BadInputError("A frame strip needs at least one video and one time.")
    if crop and not (0 <= crop[0] < crop[0] + crop[2] <= 1.001 and 0 <= crop[1] < crop[1] + crop[3] <= 1.001):
        raise BadInputError(f"The crop {crop} lies outside the frame.")
    rows = [[_frame(path, time, crop, height) for time in times_s] for _, path in videos]
    encoded = _encoded(_sheet([label for label, _ in videos], times_s, rows))
    shrink = 1.0
    while len(encoded) > max_bytes and shrink > 0.2:
        shrink *= 0.85
        smaller = [[_scaled(frame, shrink) for frame in row] for row in rows]
        encoded = _encoded(_sheet([label for label, _ in videos], times_s, smaller))
    with staged(out_png) as part:
        part.write_bytes(encoded)


def _frame(path: Path, time_s: float, crop: Crop | None, height: int) -> Image.Image:
    """One frame, upright, RGB."""
    from PIL import Image

    x, y, w, h = crop or (0, 0, 1, 1)
    graph = f"crop=iw*{min(w, 1 - x):.5f}:ih*{min(h, 1 - y):.5f}:iw*{x:.5f}:ih*{y:.5f},scale=-2:{height}:flags=area"
    frame = media.source(path, ss=f"{time_s:.3f}")["V:0"].output(
        "pipe:", vframes=1, vf=graph, pix_fmt="rgb24", vcodec="ppm", f="image2pipe"
    )
    data = process.capture(media.arguments(frame))
    if not data:
        raise BadInputError(f"{path.name!r} has no frame at {time_s:.2f} s.")
    return Image.open(io.BytesIO(data)).convert("RGB")


def _scaled(frame: Image.Image, factor: float) -> Image.Image:
    return frame.resize((max(2, round(frame.width * factor)), max(2, round(frame.height * factor))))


def _sheet(labels: Sequence[str], times_s: Sequence[float], rows: list[list[Image.Image]]) -> Image.Image:
    from PIL import Image, ImageDraw

    font = _font()
    left = 14 + max(round(font.getlength(label)) for label in labels)
    widths = [max(row[column].width for row in rows) for column in range(len(times_s))]
    heights = [row[0].height + _GAP for row in rows]
    sheet = Image.new("RGB", (left + sum(widths) + _GAP * len(widths), _MARGIN + sum(heights)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    x = left
    for column, time in enumerate(times_s):
        pen.text((x + widths[column] / 2, _MARGIN / 2), f"{time:.2f} s", _INK, font, anchor="mm")
        y = _MARGIN
        for row, row_height in zip(rows, heights, strict=True):
            sheet.paste(row[column], (x + (widths[column] - row[column].width) // 2, y))
            y += row_height
        x += widths[column] + _GAP
    y = _MARGIN
    for label, row_height in zip(labels, heights, strict=True):
        pen.text((left - 8, y + row_height / 2), label, _INK, font, anchor="rm")
        y += row_height
    return sheet


def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib: it has the letters that Pillow's own font lacks."""
    from PIL import ImageFont

    font = files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSans.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(font), _FONT)


def _encoded(sheet: Image.Image) -> bytes:
    """PNG with a palette: a third of the size, no visible difference at this scale."""
    from PIL import Image

    buffer = io.BytesIO()
    palette = sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    palette.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
