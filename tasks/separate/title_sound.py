"""A title's own sound, against which a client's bed is checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.sound.loudness import Curve, Spans, measure_curve
from tasks.sound.speech_activity import outside

#: Below this, momentary, nothing is heard of a title.
AUDIBLE_LUFS = -50.0


@dataclass(frozen=True)
class TitleSound:
    """A title's sound, and what was separated from it.

    Attributes:
        programme: the whole, with its channels (WAV).
        bed: the separated bed (WAV).
        speech: where somebody speaks; None where nobody listened: then a bed is laid as it came.
        duration_ms: of the title.
        channels: of its sound; 0 where it has none.
    """

    programme: Path
    bed: Path
    speech: Spans | None
    duration_ms: int
    channels: int

    @property
    def curve(self) -> Curve:
        """Its loudness over time."""
        return measure_curve(self.programme)

    def sounds(self, start_ms: int, end_ms: int) -> bool:
        """Whether the sound is audible in a span of time."""
        return self.channels > 0 and self.curve.during([(start_ms, end_ms)]) > AUDIBLE_LUFS

    def outside_speech(self, start_ms: int, end_ms: int, apart_ms: int = 0) -> list[tuple[int, int]]:
        """The parts of a span without speech, at a distance from any speech.

        Args:
            start_ms: where the span begins.
            end_ms: where it ends.
            apart_ms: distance from any speech.
        """
        return outside(self.speech or (), start_ms, end_ms, apart_ms)
