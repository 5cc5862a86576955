"""Writes placed takes into one dialogue track: paced by Rubber Band, sample-exact, streamed, never clipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.assets import path_of
from tasks.keep.staging import scratch, staged
from tasks.machine import process
from tasks.records.progress import Progress, silent
from tasks.records.record import Asset
from tasks.records.take import Placement, Take

Samples = NDArray[np.float32]

_BLOCK_MS = 5_000
_FADE = 5 * media.PER_MS  # 5 ms: no click where a take begins or ends
_FULL_SCALE = 0.999


def lay(
    takes: Sequence[Take],
    placements: Sequence[Placement],
    duration_ms: int,
    out: Path,
    progress: Progress = silent,
    sound_of: Callable[[Asset, float, int], Samples] | None = None,
) -> tuple[str, ...]:
    """Write the dialogue track of a dub: 48 kHz mono 24-bit WAV, exactly as long as the title.

    Mono, because a dialogue stem is delivered so and the mix places it. Takes that overlap are summed; where the sum
    would pass full scale the whole track is turned down by one gain (the mix sets the level anyway). Memory holds one
    block and the takes that sound in it.

    Args:
        takes: recordings by line.
        placements: from `plan`.
        duration_ms: length of the title.
        out: written whole or not at all.
        progress: called with the share that is done.
        sound_of: a take at its pace, float32 [N] mono at 48 kHz, as `paced` makes it; None: made now.

    Returns:
        Notes for the user (a fallback that was used, a take that the title's end cuts).
    """
    audio = {take.line: take.audio for take in takes}
    order = sorted(placements, key=lambda one: (one.start_ms, one.line))
    notes = _notes(order, duration_ms)
    with scratch(out) as summed, staged(out) as part:
        blocks = _blocks(order, audio, duration_ms, sound_of or _paced_now)
        peak = _sum(blocks, duration_ms, summed, progress)
        _convert(summed, part, min(1.0, _FULL_SCALE / peak) if peak > 0 else 1.0)
    return notes


def phones_on_clock(takes: Sequence[Take], placements: Sequence[Placement]) -> list[dict[str, Any]]:
    """The phones of every take on the title's clock, in order of time.

    Returns:
        ``{"ipa": str, "start_ms": int, "end_ms": int, "stress": int}`` each, scaled like the take was.
    """
    by_line = {take.line: take for take in takes}
    timed = []
    for placed in sorted(placements, key=lambda one: (one.start_ms, one.line)):
        for ipa, start, end, stress in by_line[placed.line].phones:
            at = placed.start_ms + round(start / placed.stretch)
            until = min(placed.end_ms, placed.start_ms + round(end / placed.stretch))
            timed.append({"ipa": ipa, "start_ms": min(at, until), "end_ms": until, "stress": stress})
    return sorted(timed, key=lambda phone: (phone["start_ms"], phone["end_ms"]))


def paced(audio: Path, stretch: float, length: int) -> Samples:
    """A take at another pace and the same pitch, mono 48 kHz, ``length`` samples exactly.

    Rubber Band keeps formants; WSOLA (``atempo``) stands in where this ffmpeg is built without it.

    Args:
        audio: the take.
        stretch: its new length over its own.
        length: samples of the result.
    """
    sound = media.source(audio).audio.filter("aformat", channel_layouts="mono").filter("aresample", media.SAMPLE_RATE)
    if abs(stretch - 1) > 1e-4:
        sound = (
            sound.filter("rubberband", tempo=stretch, formant="preserved", pitchq="quality")
            if _has_rubberband()
            else sound.filter("atempo", stretch)
        )
    graph = sound.output("pipe:", f="f32le", ac=1, ar=media.SAMPLE_RATE)
    heard = np.frombuffer(process.capture(media.arguments(graph)), dtype="<f4")
    fitted = np.zeros(length, np.float32)
    kept = min(length, len(heard))
    fitted[:kept] = heard[:kept]
    fade = min(_FADE, kept // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    fitted[:fade] *= ramp
    fitted[kept - fade : kept] *= ramp[::-1]
    return fitted


def _paced_now(audio: Asset, stretch: float, length: int) -> Samples:
    return paced(path_of(audio), stretch, length)


def _sum(blocks: Iterable[Samples], duration_ms: int, out: Path, progress: Progress) -> float:
    """Write the float sum; returns its peak."""
    peak = 0.0
    with soundfile.SoundFile(out, "w", media.SAMPLE_RATE, 1, subtype="FLOAT", format="RF64") as file:
        for block in blocks:
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            file.write(block)
            progress(file.frames / max(1, media.samples(duration_ms)))
    return peak


def _blocks(
    order: Sequence[Placement],
    audio: dict[int, Asset],
    duration_ms: int,
    sound_of: Callable[[Asset, float, int], Samples],
) -> Iterator[Samples]:
    waiting = list(order)
    sounding: list[tuple[int, int, Samples]] = []  # end, start, samples
    for begin_ms in range(0, duration_ms, _BLOCK_MS):
        end_ms = min(duration_ms, begin_ms + _BLOCK_MS)
        begin, end = media.samples(begin_ms), media.samples(end_ms)
        while waiting and waiting[0].start_ms < end_ms:
            one = waiting.pop(0)
            sound = sound_of(audio[one.line], one.stretch, media.samples(one.end_ms - one.start_ms))
            sounding.append((media.samples(one.start_ms) + len(sound), media.samples(one.start_ms), sound))
        block = np.zeros(end - begin, np.float32)
        for last, first, sound in sounding:
            left, right = max(begin, first), min(end, last)
            block[left - begin : right - begin] += sound[left - first : right - first]
        sounding = [one for one in sounding if one[0] > end]
        yield block


def _convert(summed: Path, out: Path, gain: float) -> None:
    with (
        soundfile.SoundFile(summed) as source,
        soundfile.SoundFile(out, "w", media.SAMPLE_RATE, 1, subtype="PCM_24") as target,
    ):
        for block in source.blocks(media.samples(_BLOCK_MS), dtype="float32"):
            target.write(block * np.float32(gain))


def _notes(order: Sequence[Placement], duration_ms: int) -> tuple[str, ...]:
    said = []
    if not _has_rubberband() and any(one.stretch != 1 for one in order):
        said.append("This ffmpeg has no Rubber Band: lines are paced by WSOLA (atempo).")
    for one in order:
        if one.end_ms > duration_ms:
            over_s = (one.end_ms - duration_ms) / 1000
            said.append(f"Line {one.line} runs {over_s:.1f} s past the end of the title: that part is not heard.")
    return tuple(said)


def means() -> str:
    """By which takes are paced here."""
    return "rubberband" if _has_rubberband() else "atempo"


@cache
def _has_rubberband() -> bool:
    return b" rubberband " in process.capture(["ffmpeg", "-hide_banner", "-filters"])
