"""Separation of a 5.1 title: the dialogue is in the centre, so only the centre is separated."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress, silent
from tasks.separate import Separator

#: Channels of a surround file: L R C LFE Ls Rs.
CHANNELS = 6
_BLOCK = 1 << 17
#: The fronts are separated too if they hold the centre's dialogue at this level relative to the centre, or above.
_IN_FRONTS_DB = -25.0


def is_surround(facts: MediaFacts) -> bool:
    """Whether the default track has 5.1 channels or more."""
    return channels_heard(facts) >= CHANNELS


def channels_heard(facts: MediaFacts) -> int:
    """Channels of the default track; 0 without sound."""
    track = media.default_track(facts)
    return max((audio.channels for audio in facts.audio if audio.index == track), default=0)


def separate_surround(
    backend: Separator, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent
) -> tuple[str, ...]:
    """Separate a 5.1 mix into a stereo dialogue and a 5.1 bed with left, right, surrounds and LFE unchanged.

    The left and right fronts are separated as well if they carry dialogue, with the centre or without it.

    Args:
        backend: separates stereo.
        mix: 5.1 WAV at 48 kHz.
        dialogue: the dialogue as a stereo programme of the same loudness: the centre is on both sides at full level,
            because a mono dub that goes to the centre is measured against it.
        bed: 5.1 WAV, 24 bit.
        progress: called with the share done, 0 to 1.

    Returns:
        Notes for the user.
    """
    with contextlib.ExitStack() as scratches:

        def spare() -> Path:
            return scratches.enter_context(scratch(bed))

        centre, fronts = spare(), spare()
        _split(mix, centre, (2, 2))
        _split(mix, fronts, (0, 1))
        speech = _heard(centre, bed)
        parts: dict[str, tuple[Path, Path]] = {}
        notes: list[str] = []
        if speech or not _heard(fronts, bed):
            parts["centre"] = spare(), spare()
            notes += backend.separate(centre, *parts["centre"], lambda done: progress(done / 2))
        if not parts or _holds(fronts, parts["centre"][0], speech):
            parts["fronts"] = spare(), spare()
            notes += backend.separate(fronts, *parts["fronts"], lambda done: progress((1 + done) / 2))
            notes.append("Dialogue was found in the left and right front channels: they were separated as well.")
        _assemble(mix, parts, dialogue, bed)
    progress(1.0)
    return tuple(dict.fromkeys(notes))


def _holds(fronts: Path, dialogue: Path, speech: Sequence[tuple[int, int]]) -> bool:
    """Whether the fronts carry the centre's speech."""
    from tasks.sound.residual import bed_residual

    found = bed_residual(dialogue, fronts, tuple(speech))
    return found is not None and not found.bound and found.relative_db > _IN_FRONTS_DB


def _heard(wav: Path, beside: Path) -> list[tuple[int, int]]:
    from tasks.sound.speech_activity import speech_spans

    with scratch(beside) as listened:
        media.speech_copy(wav, listened)
        return speech_spans(listened)


def _split(mix: Path, out: Path, channels: tuple[int, int]) -> None:
    with (
        soundfile.SoundFile(mix) as source,
        soundfile.SoundFile(
            out, "w", source.samplerate, 2, subtype="PCM_24", format=_format(source.frames, 2)
        ) as target,
    ):
        for block in source.blocks(_BLOCK, dtype="int32", always_2d=True):
            target.write(np.ascontiguousarray(block[:, channels]))


def _assemble(mix: Path, parts: dict[str, tuple[Path, Path]], dialogue: Path, bed: Path) -> None:
    """The 5.1 bed: the mix with its separated channels replaced; and the dialogue."""
    with contextlib.ExitStack() as files:
        source = files.enter_context(soundfile.SoundFile(mix))
        stems = {
            part: [files.enter_context(soundfile.SoundFile(path)) for path in paths] for part, paths in parts.items()
        }
        rate, frames = source.samplerate, source.frames
        spoken_part, rest_part = files.enter_context(staged(dialogue)), files.enter_context(staged(bed))
        spoken, rest = (
            files.enter_context(
                soundfile.SoundFile(path, "w", rate, channels, subtype="PCM_24", format=_format(frames, channels))
            )
            for path, channels in ((spoken_part, 2), (rest_part, CHANNELS))
        )
        while len(block := source.read(_BLOCK, dtype="int32", always_2d=True)):
            voice: NDArray[np.float64] = np.zeros((len(block), 2))
            if "centre" in stems:
                said, left = (file.read(len(block), dtype="int32", always_2d=True) for file in stems["centre"])
                voice += said
                block[:, 2] = left[:, 0]
            if "fronts" in stems:
                said, left = (file.read(len(block), dtype="int32", always_2d=True) for file in stems["fronts"])
                voice += np.sqrt(2) * said
                block[:, :2] = left
            spoken.write(np.clip(voice, -(1 << 31), (1 << 31) - 256).astype(np.int32))
            rest.write(block)


def _format(frames: int, channels: int) -> str:
    """RF64 if a WAV would exceed 4 GiB; WAVEX names the channels of 5.1."""
    if frames * channels * 3 >= 0xFFFF0000:
        return "RF64"
    return "WAVEX" if channels > 2 else "WAV"
