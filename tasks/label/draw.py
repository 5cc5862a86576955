"""Draws the label by libass, which shapes right-to-left and CJK scripts with the fonts that are installed."""

from __future__ import annotations

from pathlib import Path

from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.machine import process
from tasks.media.encoding import encoded, opened
from tasks.records.errors import PolydubError
from tasks.records.facts import PictureFacts
from tasks.records.progress import Progress, silent

#: How long it is shown; how high its letters are, as a share of the shorter side (GB 45438-2025: 2 s, 5 %).
SHOWN_MS = 2000
_LETTERS, _MARGIN = 0.05, 0.03
#: A font's size by its capitals' height.
_SIZE = 1.4
_STYLE = (
    "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\n"
    "ScaledBorderAndShadow: yes\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, BorderStyle, Outline, Shadow, "
    "Alignment, MarginL, MarginR, MarginV, Encoding\n"
    "Style: Label,Sans,{size},&H00FFFFFF,&H60000000,&H60000000,3,{outline},0,8,{margin},{margin},{margin},-1\n\n"
    "[Events]\nFormat: Layer, Start, End, Style, Text\n"
    "Dialogue: 0,{start},{end},Label,{text}\n"
)


def draw_label(
    video: Path, picture: PictureFacts, text: str, out: Path, duration_ms: int, progress: Progress = silent
) -> str:
    """Write the picture with a label at its upper edge; all of it is encoded again.

    Args:
        video: whose first picture is taken; its sound is left out.
        picture: its facts.
        text: the words.
        out: MP4 or Matroska by its name, written whole or not at all.
        duration_ms: of the picture, for progress.
        progress: called with the share that is done.

    Returns:
        How it was encoded, in words.
    """
    with scratch(out, ".ass") as drawn, staged(out) as part:
        drawn.write_text(_script(picture, text), "utf-8")
        frames = media.on_clock(video, **opened(picture))["v:0"].filter("ass", filename=str(drawn))
        stream, options, how = encoded(frames, picture)
        media.run_ffmpeg(
            media.arguments(media.sink(stream, part, **options, map_metadata=-1), report=True),
            duration_ms=duration_ms,
            progress=progress,
        )
    return how


def without_font(language: str) -> bool:
    """Whether no installed font is made for a language, as fontconfig knows it; False where it cannot be asked.

    Args:
        language: BCP-47 primary subtag.
    """
    try:
        return not process.capture(["fc-list", f":lang={language}", "family"], deadline_s=20).strip()
    except (PolydubError, OSError):
        return False


def _script(picture: PictureFacts, text: str) -> str:
    width, height = picture.width, picture.height
    if picture.rotation in (90, 270):
        width, height = height, width
    letters = _LETTERS * min(width, height)
    return _STYLE.format(
        width=width,
        height=height,
        size=round(_SIZE * letters),
        outline=max(1, round(0.2 * letters)),
        margin=max(1, round(_MARGIN * min(width, height))),
        start=_time(picture.start_ms),
        end=_time(picture.start_ms + SHOWN_MS),
        text=text,
    )


def _time(ms: int) -> str:
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000 // 10:02}"
