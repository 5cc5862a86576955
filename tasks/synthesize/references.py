"""Clips of each speaker's own voice, for backends that clone: the longest clean lines of the dialogue stem."""

from __future__ import annotations

from pathlib import Path

import soundfile

from tasks.model import Script

_ENOUGH_S = 12.0


def reference_clips(dialogue: Path, script: Script, folder: Path) -> dict[str, Path]:
    """Write one WAV a speaker, up to 12 s of that speaker's longest lines in order of time.

    Args:
        dialogue: the separated dialogue of the source.
        script: the source script with speakers.
        folder: where the clips go.

    Returns:
        Speaker id to clip; speakers without a line of at least one second are left out.
    """
    clips: dict[str, Path] = {}
    with soundfile.SoundFile(str(dialogue)) as source:
        for speaker in dict.fromkeys(line.speaker for line in script.lines):
            lines = [line for line in script.lines if line.speaker == speaker and line.end_ms - line.start_ms >= 1000]
            chosen, seconds = [], 0.0
            for line in sorted(lines, key=lambda line: line.start_ms - line.end_ms):
                if seconds >= _ENOUGH_S:
                    break
                chosen.append(line)
                seconds += (line.end_ms - line.start_ms) / 1000
            if not chosen:
                continue
            path = folder / f"reference-{len(clips) + 1}.wav"
            with soundfile.SoundFile(str(path), "w", source.samplerate, 1, "PCM_24") as clip:
                for line in sorted(chosen, key=lambda line: line.start_ms):
                    source.seek(min(line.start_ms * source.samplerate // 1000, source.frames))
                    samples = source.read((line.end_ms - line.start_ms) * source.samplerate // 1000, always_2d=True)
                    clip.write(samples.mean(axis=1))
            clips[speaker] = path
    return clips
