"""Test media for speech: found beside the repository (or at ``POLYDUB_MEDIA``), never copied into it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.missing_media import MissingMedia
from tests.stand_ins import made, sound_of, stand_in

ROOT = Path(os.environ.get("POLYDUB_MEDIA") or Path(__file__).parents[2] / "shared" / "media")


def media(name: str) -> Path:
    """A recording of the test media; where it is not there the test is skipped, and fails where `CI` is set."""
    path = ROOT / name
    if not path.exists():
        raise MissingMedia(name)
    return path


def recording(name: str) -> Path:
    """A recording of the test media, or what the tests make in its stead: for what holds of any face or voice.

    Where there is neither the test is skipped, and fails where `CI` is set.
    """
    return media(name) if (ROOT / name).exists() or not made(name) else stand_in(name)


def clip_16k(name: str, folder: Path, recorded: bool = False) -> Path:
    """A clip's sound as the pipeline hands it to speech steps: mono WAV at 16 kHz.

    Args:
        name: the clip's, in the test media.
        folder: where the WAV is written.
        recorded: whether it must be the recording: what its stand-in says is not what the test expects.
    """
    source = media(name) if recorded or (ROOT / name).exists() or not made(name) else sound_of(name)
    out = folder / (Path(name).stem + ".16k.wav")
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-map", "0:a:0", "-ac", "1", "-ar", "16000", out]
    subprocess.run(list(map(str, command)), check=True)
    return out
