"""A room around a voice that was recorded, or made, without one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.mix.keep import levels_dbfs

_FRAME_MS = 10
#: A fall of the level counts as decay where it is this deep, and is fitted between these levels below its start.
_DEEP_DB, _FROM_DB, _TO_DB = 25.0, 3.0, 22.0
_FEWEST_DECAYS = 4
#: Articulation lengthens most decays: the room shows in the fastest fifth.
_FASTEST = 20
_SHORTEST_S, _LONGEST_S, _SMALL_S = 0.12, 1.2, 0.25
_FIRST_REFLECTION_MS = 7
_BLOCK = 1 << 17


def add_room(voice: Path, original: Path, kind: Literal["original", "small"], level_db: float) -> str:
    """Add reflections to a WAV in place; the voice itself does not move.

    Args:
        voice: float WAV at 48 kHz.
        original: the original dialogue, whose decay is measured.
        kind: ``original`` decays like it, ``small`` in 0.25 s.
        level_db: power of the reflections against the voice.

    Returns:
        What was done, for the user.
    """
    measured = decay_s(original) if kind == "original" else None
    seconds = measured or _SMALL_S
    response = _response(seconds, level_db)
    with (
        media.staged(voice) as part,
        soundfile.SoundFile(voice) as source,
        soundfile.SoundFile(part, "w", source.samplerate, source.channels, subtype="FLOAT", format="RF64") as target,
    ):
        _convolve(source, target, response)
    if kind == "original" and measured is None:
        return f"The original's room could not be measured: the dub has a small one ({_SMALL_S:.2f} s)."
    return f"The dub has a room that decays in {seconds:.2f} s, {level_db:+.0f} dB."


def decay_s(dialogue: Path) -> float | None:
    """How long the room of a recording takes to decay by 60 dB, from the falls of its speech; None: too few.

    Blind estimates of this kind are good to about a third of their value.
    """
    level = levels_dbfs(dialogue)
    falls = []
    at = 0
    while at < len(level) - 1:
        end = at
        while end + 1 < len(level) and level[end + 1] < level[end] + 0.5:
            end += 1
        if level[at] - level[end] >= _DEEP_DB and level[at] > -50:
            below = level[at] - level[at : end + 1]
            inside = np.flatnonzero((below >= _FROM_DB) & (below <= _TO_DB))
            if len(inside) >= 3:
                slope = np.polyfit(inside * _FRAME_MS / 1000, below[inside], 1)[0]
                if slope > 0:
                    falls.append(60 / slope)
        at = max(end, at + 1)
    if len(falls) < _FEWEST_DECAYS:
        return None
    return float(np.clip(np.percentile(falls, _FASTEST), _SHORTEST_S, _LONGEST_S))


def _response(seconds: float, level_db: float) -> NDArray[np.float32]:
    """Reflections without the direct sound: decaying noise, always the same, duller as it decays."""
    from scipy.signal import butter, sosfilt

    rate = media.SAMPLE_RATE
    time = np.arange(int(rate * min(seconds, _LONGEST_S))) / rate
    tail = np.random.default_rng(60).standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail[: _FIRST_REFLECTION_MS * media.PER_MS] = 0
    bright = sosfilt(butter(2, [120, 7000], "bandpass", fs=rate, output="sos"), tail)
    scaled = bright * (10 ** (level_db / 20) / np.sqrt(np.sum(bright**2)))
    return scaled.astype(np.float32)


def _convolve(source: soundfile.SoundFile, target: soundfile.SoundFile, response: NDArray[np.float32]) -> None:
    from scipy.signal import fftconvolve

    tail = np.zeros((len(response) - 1, source.channels), np.float32)
    while len(block := source.read(_BLOCK, dtype="float32", always_2d=True)):
        wet = fftconvolve(block, response[:, None], axes=0).astype(np.float32)
        wet[: len(tail)] += tail
        target.write(block + wet[: len(block)])
        tail = wet[len(block) :]
