"""The interface of third-party lip-sync systems: a short clip and its speech in, a moving mouth out.

A system gets one shot at a time, within its limits. The adapter around it (cutting, cropping, frame rates, alignment,
masks, gates, measurements) is ours and the same for all systems, so that their usual failures do not reach the master.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

from tasks.records.progress import Progress

#: ``video``: the input is a shot; ``portrait``: the input is a still of the speaker.
Takes = Literal["video", "portrait"]


@dataclass(frozen=True)
class Limits:
    """The limits of a system's input; None for no limit.

    Attributes:
        shortest_s: of picture and speech, seconds.
        longest_s: of picture and speech, seconds.
        shortest_side: pixels.
        longest_side: pixels.
        picture_bytes: size of the picture file.
        speech_bytes: size of the speech file.
        frame_rate: fixed frame rate of its results.
        drifts: whether the speaker's appearance changes over long clips, so that they are cut into ten seconds.
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
        """What is not installed or configured, and how to do so."""

    def cost_usd(self, seconds: float) -> float:
        """The expected cost of this many seconds of result; 0 for local systems."""

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: Progress) -> None:
        """Write the re-animated clip to ``out``, as the system made it.

        Args:
            picture: an MP4 of one shot (H.264, no sound) or, for a portrait system, a PNG; within `limits`.
            speech: the dub of that shot, 48 kHz mono WAV, exactly as long as the picture is to be.
            out: where the result is written, in any container that ffmpeg reads; size, rate and length may differ.
            progress: called with the share done, 0 to 1.

        Raises:
            TransientError: it may succeed later.
            PermanentError: it will not succeed; gives the system's message.
        """
