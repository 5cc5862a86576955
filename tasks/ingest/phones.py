"""The phones of a recorded dub: each line's text aligned to the part of the recording that speaks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from tasks.records.script import Script
from tasks.records.take import Placement


def phones_of(
    dialogue: Path, script: Script, placements: Sequence[Placement], folder: Path
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Phones on the title's clock, and notes on lines that could not be aligned.

    Args:
        dialogue: the recording on the title's clock.
        script: what it says.
        placements: where each line lies in it.
        folder: for the lines' clips.
    """
    from lipsync_engine.speech.phones import phones_for

    texts = {line.id: line.text for line in script.lines}
    phones: list[dict[str, Any]] = []
    failed = []
    with soundfile.SoundFile(str(dialogue)) as source:
        for placed in sorted(placements, key=lambda placed: placed.start_ms):
            clip = folder / f"line-{placed.line}.wav"
            source.seek(min(placed.start_ms * source.samplerate // 1000, source.frames))
            length = (placed.end_ms - placed.start_ms) * source.samplerate // 1000
            soundfile.write(str(clip), source.read(length, always_2d=True).mean(axis=1), source.samplerate)
            try:
                spoken = phones_for(clip, texts[placed.line], script.language)
            except ValueError:
                failed.append(str(placed.line))
                continue
            phones += [
                {
                    "ipa": phone.ipa,
                    "start_ms": placed.start_ms + phone.start_ms,
                    "end_ms": min(placed.start_ms + phone.end_ms, placed.end_ms),
                    "stress": phone.stress,
                }
                for phone in spoken
            ]
    notes = (f"Lines {', '.join(failed)} could not be aligned: the mouth stays at rest there.",) if failed else ()
    return phones, notes
