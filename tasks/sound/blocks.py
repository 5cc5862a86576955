"""Writing two stems that add up to the mix exactly, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import staged
from tasks.records.errors import BadInputError

#: A 24-bit sample in a 32-bit word, as libsndfile reads and writes it.
_UNIT = 1 << 8
_LOWEST, _HIGHEST = -(1 << 31), (1 << 31) - _UNIT


def open_mix(path: Path) -> soundfile.SoundFile:
    """A mix to separate.

    Raises:
        BadInputError: not 48 kHz stereo.
    """
    file = soundfile.SoundFile(path)
    if file.samplerate != media.SAMPLE_RATE or file.channels != 2:
        found = f"{file.channels} channel(s) at {file.samplerate} Hz"
        file.close()
        raise BadInputError(f"{path.name!r} has {found}; stems are separated from stereo at 48000 Hz.")
    return file


def write_stems(mix: Path, dialogue: Path, bed: Path, estimate: Iterable[NDArray[np.float32]]) -> None:
    """Write an estimated dialogue, and the rest of the mix as the bed, as 24-bit WAV; their sum is the mix.

    Args:
        mix: 48 kHz stereo WAV.
        dialogue: written whole or not at all.
        bed: written whole or not at all.
        estimate: the dialogue in consecutive blocks, float32 [N, 2]; the mix's end ends the last one.
    """
    rate = media.SAMPLE_RATE
    with (
        open_mix(mix) as source,
        staged(dialogue) as dialogue_part,
        staged(bed) as bed_part,
        soundfile.SoundFile(dialogue_part, "w", rate, 2, subtype="PCM_24", format=_format(source)) as spoken,
        soundfile.SoundFile(bed_part, "w", rate, 2, subtype="PCM_24", format=_format(source)) as rest,
    ):
        for block in estimate:
            heard = source.read(len(block), dtype="int32", always_2d=True).astype(np.int64) // _UNIT * _UNIT
            speech = np.rint(block[: len(heard)].astype(np.float64) * (1 << 23)).astype(np.int64) * _UNIT
            under = np.clip(heard - np.clip(speech, _LOWEST, _HIGHEST), _LOWEST, _HIGHEST)
            spoken.write(np.clip(heard - under, _LOWEST, _HIGHEST).astype(np.int32))
            rest.write(under.astype(np.int32))
        for heard in source.blocks(1 << 16, dtype="int32", always_2d=True):  # beyond the estimate all is bed
            spoken.write(np.zeros_like(heard))
            rest.write(heard)


def blocks_with_context(mix: Path, core: int, context: int) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Read a recording in pieces that overlap: each new piece with what comes before and after it.

    Args:
        mix: stereo WAV.
        core: new samples a piece.
        context: samples before and after, fewer at the ends of the file.

    Yields:
        ``(start, kept, samples)``: where the piece starts in the file, samples before its core, float32 [N, 2].
    """
    with soundfile.SoundFile(mix) as file:
        for begin in range(0, file.frames, core):
            start = max(0, begin - context)
            file.seek(start)
            yield start, begin - start, file.read(begin - start + core + context, dtype="float32", always_2d=True)


def crossfaded(
    pieces: Iterable[tuple[int, NDArray[np.float32]]], core: int, fade: int
) -> Iterator[NDArray[np.float32]]:
    """Join estimates of overlapping pieces, each fading into the next so that no seam is heard.

    Args:
        pieces: ``(kept, estimate)``: samples before the core, float32 [N, C], reaching ``fade`` samples past the core
            unless the recording ends.
        core: new samples a piece, at least ``fade``.
        fade: samples of the cross-fade.

    Yields:
        Consecutive blocks, float32 [N, C].
    """
    tail: NDArray[np.float32] | None = None
    for kept, piece in pieces:
        block = piece[kept : kept + core].copy()
        if tail is not None:
            shared = min(len(tail), len(block))
            weight = np.linspace(0, 1, shared, dtype=np.float32)[:, None]
            block[:shared] = weight * block[:shared] + (1 - weight) * tail[:shared]
        tail = piece[kept + core : kept + core + fade]
        yield block


def _format(source: soundfile.SoundFile) -> str:
    """RF64 where a WAV would pass 4 GiB."""
    return "WAV" if source.frames * 6 < 0xFFFF0000 else "RF64"
