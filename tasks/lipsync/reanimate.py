"""What a foreign lip-sync system does for us: one short picture and its speech in, a moving mouth out.

A system sees a shot at a time, within its limits. What surrounds it (cutting, cropping, frame rates, alignment in time,
masks, gates, measurements) is ours and the same for all of them, so that their usual failures do not reach the master.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from tasks.records.progress import Progress

#: ``video``: a shot goes in and comes back; ``portrait``: one still picture of the speaker goes in.
Takes = Literal["video", "portrait"]


@dataclass(frozen=True)
class Limits:
    """What a system accepts; None where it sets no limit.

    Attributes:
        shortest_s: of picture and speech, seconds.
        longest_s: of picture and speech, seconds.
        shortest_side: pixels.
        longest_side: pixels.
        picture_bytes: of the file.
        speech_bytes: of the file.
        frame_rate: the one it forces upon what it returns.
        drifts: the speaker's looks change over long clips, so that these go in pieces of ten seconds.
    """

    shortest_s: float | None = None
    longest_s: float | None = None
    shortest_side: int | None = None
    longest_side: int | None = None
    picture_bytes: int | None = None
    speech_bytes: int | None = None
    frame_rate: Fraction | None = None
    drifts: bool = False


class Reanimator(Protocol):
    """Re-animates one face of one short clip."""

    takes: Takes
    limits: Limits

    def fingerprint(self) -> str:
        """System, provider, version and the options that change the picture; no secret."""

    def missing(self) -> list[str]:
        """What is not installed or not configured, with how to get it."""

    def cost_usd(self, seconds: float) -> float:
        """What so many seconds of result are expected to cost; 0 for what runs here."""

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: Progress) -> None:
        """Write the re-animated clip to ``out``, as the system made it.

        Args:
            picture: an MP4 of one shot (H.264, no sound) or, for a portrait system, a PNG; within `limits`.
            speech: the dub of that shot, 48 kHz mono WAV, exactly as long as the picture is to be.
            out: where the result goes: any container that ffmpeg reads; size, rate and length may differ.
            progress: told the share that is done.

        Raises:
            TransientError: it may work later.
            PermanentError: it will not; says what the system said.
        """
