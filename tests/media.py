"""Where the test media lie: ``POLYDUB_MEDIA``, or ``shared/media`` beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MEDIA = Path(os.environ.get("POLYDUB_MEDIA") or Path(__file__).parents[2] / "shared" / "media")


def media(name: str) -> Path:
    """A media file; the test is skipped where it is absent."""
    path = MEDIA / name
    if not path.exists():
        pytest.skip(f"test media absent: {name} (set POLYDUB_MEDIA)")
    return path
