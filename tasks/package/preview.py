"""The beginning of a title, for a quick look before the whole is dubbed."""

from __future__ import annotations

from pathlib import Path

from tasks import media


def cut_beginning(video: Path, preview_ms: int, out: Path) -> None:
    """Stream-copy the first ``preview_ms`` of a video; nothing is decoded or encoded again."""
    with media.staged(out) as part:
        whole = media.source(video)
        graph = media.sink([whole["v:0"], whole["a?"]], part, c="copy", t=preview_ms / 1000)
        media.run_ffmpeg(graph)
