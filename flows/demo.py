"""The demo: a title made on the spot, and a picture of what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text


def make_title(folder: Path) -> Path:
    """The demo title, made once a folder from what the installed packages carry.

    Args:
        folder: where it goes.

    Returns:
        The video; its subtitles lie beside it.
    """
    from flows.demo_title import make_demo_title

    console = Console(stderr=True)
    title = folder / "source" / "polydub-demo.mp4"
    if title.exists():
        console.print(f"demo title: {title} (made before)")
        return title
    console.print("demo title: narration, music and picture are made from what the packages carry ...")
    return make_demo_title(title.parent, lambda _fraction: None)


def show_demo(folder: Path, summaries: list[dict[str, Any]], source: str) -> None:
    """Make the frame strip source against dubs, and name everything that was made."""
    from tasks.report.strip import frame_strip

    console = Console(stderr=True)
    for summary in summaries:
        delivered = [language for language, branch in summary["languages"].items() if branch["master"]]
        if not delivered:
            continue
        target = Path(summary["folder"])
        duration_s = json.loads((target / "title.json").read_bytes())["facts"]["duration_ms"] / 1000
        times = [duration_s * share for share in (0.14, 0.3, 0.46, 0.62, 0.78)]
        rows = [("source", Path(source)), *((tag, target / summary["languages"][tag]["master"]) for tag in delivered)]
        frame_strip(rows, times, target / "strip.png")
        console.print(Text(f"  frames side by side: {target / 'strip.png'}"), soft_wrap=True)
