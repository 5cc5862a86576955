r"""Cues as Advanced SubStation Alpha, for libass to draw: text is text, rows stay, sizes follow the picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

from configs.subtitle_files import BurnStyle
from tasks.words.cues import Cue
from tasks.words.imsc import letter_height, runs_right_to_left

#: For social clips: height of a letter's box against the picture's height and width, and characters in a row.
_LARGE_OF_HEIGHT, _LARGE_OF_WIDTH = 0.075, 0.062
LARGE_CPL, LARGE_CPL_WIDE = 26, 10
#: What players and platforms draw over a picture at its lower edge: a tenth, and more of an upright one.
_SAFE, _SAFE_UPRIGHT = 0.10, 0.20
_JOINER, _RIGHT_TO_LEFT = "\u2060", "\u200f"
#: White as libass takes it (BBGGRR), and as bright in PQ and HLG, where full code is far brighter than white.
_WHITE, _WHITE_HDR = "FFFFFF", "949494"


def ass_of(
    cues: Sequence[Cue],
    language: str,
    size: tuple[int, int],
    font: tuple[str, float],
    style: BurnStyle,
    *,
    hdr: bool = False,
) -> str:
    """A script that draws cues at the foot of the picture, inside its safe area.

    Args:
        cues: in order of time.
        language: BCP-47 tag of their text.
        size: of the picture as it is shown.
        font: its family, and the factor of its letters' size.
        style: how it looks.
        hdr: the picture is PQ or HLG.
    """
    (width, height), (family, factor) = size, font
    large = style == "large"
    letters = min(_LARGE_OF_HEIGHT * height, _LARGE_OF_WIDTH * width) if large else letter_height(size)
    margin = _SAFE_UPRIGHT if height > width else _SAFE
    colour = _WHITE_HDR if hdr else _WHITE
    box = style == "box"
    border = (4, 0, round(letters * 0.25)) if box else (1, round(letters * (0.09 if large else 0.07), 1), 0)
    fields = [
        "Default",
        family,
        round(letters * factor),
        f"&H00{colour}",
        f"&H00{colour}",
        "&H00000000",
        "&H40000000",
        -1 if large else 0,
        *(0, 0, 0, 100, 100, 0, 0),
        *border,
        2,
        round(width * 0.05),
        round(width * 0.05),
        round(height * margin),
        -1,
    ]
    head = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {width}",
        f"PlayResY: {height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "",
        "[V4+ Styles]",
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
        "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
        "MarginR, MarginV, Encoding",
        f"Style: {','.join(map(str, fields))}",
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ]
    mark = _RIGHT_TO_LEFT if runs_right_to_left(language) else ""
    events = [
        f"Dialogue: 0,{_clock(cue.start_ms)},{_clock(cue.end_ms)},Default,,0,0,0,,"
        + r"\N".join(mark + _plain(row) for row in cue.rows)
        for cue in cues
    ]
    return "\n".join([*head, *events, ""])


def _plain(row: str) -> str:
    return re.sub(r"[{}]", lambda brace: f"\\{brace[0]}", row.replace("\\", f"\\{_JOINER}"))


def _clock(time_ms: int) -> str:
    """Centiseconds, down: what begins on a frame is on it."""
    seconds, rest = divmod(time_ms // 10, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:02d}"
