"""The demo: a title made on the spot, and a picture of what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.text import Text

from flows.printed import Console

#: Where the face of the demo title is: x, y, width, height as shares of the frame.
_FACE = (0.32, 0.05, 0.34, 0.6)


def make_title(folder: Path) -> Path:
    """The demo title, made once a folder from what the installed packages carry.

    Args:
        folder: where it goes.

    Returns:
        The video; its subtitles lie beside it.
    """
    from flows.demo.title import make_demo_title

    console = Console(stderr=True)
    title = folder / "source" / "polydub-demo.mp4"
    if title.exists():
        console.print(f"demo title: {title} (made before)")
        return title
    console.print("demo title: narration, music and picture are made from installed packages ...")
    tenths = 0

    def tell(share: float) -> None:
        nonlocal tenths
        if share * 10 >= tenths + 1:
            tenths = int(share * 10)
            console.print(f"demo title: {10 * tenths} %")

    return make_demo_title(title.parent, tell, lambda note: console.print(f"note: {note}", soft_wrap=True))


def show_demo(folder: Path, summaries: list[dict[str, Any]], source: str) -> None:
    """Make the frame strip source against dubs, at moments in which somebody speaks, and name where it is.

    Args:
        folder: the deliverables' folder.
        summaries: of the demo's titles; the first is shown.
        source: path of the title.
    """
    from tasks.report.strip import frame_strip

    for summary in summaries:
        delivered = [language for language, branch in summary["languages"].items() if branch["master"]]
        if not delivered:
            continue
        target = Path(summary["folder"])
        rows = [("source", Path(source)), *((tag, target / summary["languages"][tag]["master"]) for tag in delivered)]
        crop = _FACE if Path(source).name == "polydub-demo.mp4" else None
        frame_strip(rows, _spoken_moments(target), target / "strip.png", crop)
        Console(stderr=True).print(Text(f"  frames side by side: {target / 'strip.png'}"), soft_wrap=True)


def _spoken_moments(target: Path) -> list[float]:
    """Six moments in seconds, two in a line, spread over the title's lines."""
    lines = json.loads((target / "title.json").read_bytes())["script"]["lines"]
    chosen = lines[:: max(1, len(lines) // 3)][:3]
    shares = (0.25, 0.6)
    return [
        (line["start_ms"] + share * (line["end_ms"] - line["start_ms"])) / 1000 for line in chosen for share in shares
    ]
