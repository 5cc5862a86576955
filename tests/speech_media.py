"""Test media for speech: found beside the repository (or at ``POLYDUB_MEDIA``), never copied into it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.missing_media import MissingMedia
from tests.stand_ins import stand_in

ROOT = Path(os.environ.get("POLYDUB_MEDIA") or Path(__file__).parents[2] / "shared" / "media")


def media(name: str) -> Path:
    """A file of the test media; where it is not there the test is skipped, and fails where `CI` is set."""
    path = ROOT / name
    if not path.exists():
        raise MissingMedia(name)
    return path


def talking_head(name: str) -> Path:
    """A frontal speaker of the test media, or the head that the tests make in its stead: for any face that speaks."""
    path = ROOT / name
    return path if path.exists() else stand_in(name)


def clip_16k(name: str, folder: Path) -> Path:
    """A clip's sound as the pipeline hands it to speech steps: mono WAV at 16 kHz."""
    out = folder / (Path(name).stem + ".16k.wav")
    command = ["ffmpeg", "-v", "error", "-y", "-i", media(name), "-map", "0:a:0", "-ac", "1", "-ar", "16000", out]
    subprocess.run(list(map(str, command)), check=True)
    return out
