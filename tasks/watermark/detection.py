"""Whether sound carries a watermark, and where: in files of anybody, and in samples.

A mark is found where some seconds of speech are more marked than any speech without it was (`python -m
benchmarks.watermark`): steady noise and some music look marked to a network, so only speech counts. It is looked for at
the file's own speed and, where it is not found, as if the file had been played at the speeds of a film transfer.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import scratch
from tasks.media import door
from tasks.records.errors import PolydubError
from tasks.records.made import Watermark, WatermarkHeard
from tasks.sound.speech_activity import speech_of
from tasks.watermark import BACKENDS, FOUND, FRAMES_PER_S, NONE, Evidence, Samples, Watermarker, watermarker

RATE_HZ = 32_000
#: Read at once, and how much of it is seen again by the next.
_BLOCK_S, _AROUND_S = 30, 1
#: Over how long the evidence is averaged.
WINDOW_S = 3.0
#: The share of a window that must sound, so that it tells something.
_LEAST = 0.3
#: The file's own, and film played as video and back (25 for 24 frames a second).
SPEEDS = (1.0, 25 / 24, 24 / 25)
#: From which mean on it is found at another speed than the file's own: who looks more often is deceived more often.
_ELSEWHERE = 0.7
_NOTHING, _PARTS = np.zeros(0, np.float32), ("scores", "weights")


def detect(path: Path, track: str = "a:0", watermarkers: Sequence[Watermarker] | None = None) -> Watermark:
    """Look for the marks of every installed watermarker in one track of a file.

    Args:
        path: of any file that Polydub opens.
        track: ffmpeg's name of the sound track.
        watermarkers: to ask; None: all that are installed.

    Returns:
        The find of the surest; ``not measured`` with the reason where none is installed or the file has no such sound.
    """
    asked, why = (watermarkers, "") if watermarkers is not None else _installed()
    if not asked:
        return Watermark(verdict="not measured", note=why)
    try:
        if not _has(path, track):
            return Watermark(verdict="not measured", note="There is no sound in it.")
        with _decoded(path, track) as sound:
            return max((_of_sound(sound, one) for one in asked), key=lambda found: found.score or 0.0)
    except (PolydubError, OSError) as error:
        what = error.what if isinstance(error, PolydubError) else str(error)
        return Watermark(verdict="not measured", note=what)


def detect_in(samples: Samples, rate_hz: int, backend: Watermarker) -> Watermark:
    """The same of speech in memory, at its own speed.

    Args:
        samples: float32 [N], mono; all of it counts as speech.
        rate_hz: of the samples.
        backend: listens.
    """
    return _judged(backend.evidence(samples, rate_hz), backend.facts.name)


def detect_at_speeds(samples: Samples, rate_hz: int, backend: Watermarker) -> Watermark:
    """As `detect` listens to a file; arguments as of `detect_in`.

    Args:
        samples: float32 [N], mono; all of it counts as speech.
        rate_hz: of the samples.
        backend: listens.
    """
    name = backend.facts.name
    return _first_found(_judged(backend.evidence(samples, round(rate_hz / one)), name, one) for one in SPEEDS)


def heard_in(master: Path, spans: Sequence[tuple[int, int]], backend: Watermarker) -> WatermarkHeard:
    """Listen to the marked speech of a master, whose places are known.

    Args:
        master: the file; its first sound track counts.
        spans: of the marked lines, in milliseconds.
        backend: that marked them.
    """
    try:
        with _decoded(master, "a:0") as sound:
            evidence = _within(evidence_of(sound, backend), spans)
    except (PolydubError, OSError) as error:
        what = error.what if isinstance(error, PolydubError) else str(error)
        return WatermarkHeard(watermark=Watermark(verdict="not measured", backend=backend.facts.name, note=what))
    found, counted = _judged(evidence, backend.facts.name), evidence.weights > 0
    if found.score is None:
        return WatermarkHeard(watermark=found)
    share = float(np.mean(means(evidence)[counted] >= FOUND))
    return WatermarkHeard(watermark=found, share=round(share, 3))


def evidence_of(sound: Path, backend: Watermarker, speed: float = 1.0) -> Evidence:
    """The evidence of mono WAV of `RATE_HZ` on its clock.

    Args:
        sound: the file.
        backend: listens.
        speed: at which it is thought to have been played.
    """
    parts = [_inner(backend, samples, inner, speed) for samples, inner in _blocks(sound)]
    scores, weights = (np.concatenate([getattr(one, name) for one in parts] or [_NOTHING]) for name in _PARTS)
    return Evidence(scores, weights)


def means(evidence: Evidence, window_s: float = WINDOW_S) -> Samples:
    """The mean score of some seconds around each frame, inside the sound; shorter sound is one window.

    Windows in which next to nothing counts have 0.
    """
    count = len(evidence.scores)
    width = min(round(window_s * FRAMES_PER_S), count)
    if not width:
        return _NOTHING
    weight, marked = (_sums(one, width) for one in (evidence.weights, evidence.scores * evidence.weights))
    told = np.where(weight >= _LEAST * width, marked / np.maximum(weight, 1e-9), 0.0)
    centres = np.clip(np.arange(count) - width // 2, 0, count - width)
    around: Samples = told[centres].astype(np.float32)
    return around


def _sums(values: Samples, width: int) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: NDArray[np.float64] = total[width:] - total[:-width]
    return sums


def _of_sound(sound: Path, backend: Watermarker) -> Watermark:
    with scratch(sound) as listened:
        media.speech_copy(sound, listened)
        speech = speech_of(listened)
    return _first_found(
        _judged(_within(evidence_of(sound, backend, speed), speech), backend.facts.name, speed) for speed in SPEEDS
    )


def _first_found(tried: Iterator[Watermark]) -> Watermark:
    """The first that is found; else the surest."""
    heard: list[Watermark] = []
    for one in tried:
        if one.verdict == "found":
            return one
        heard.append(one)
    return max(heard, key=lambda one: one.score or 0.0)


def _within(evidence: Evidence, spans: Sequence[tuple[int, int]]) -> Evidence:
    """The evidence with what lies outside of some spans, in milliseconds, not counted."""
    counts = np.zeros_like(evidence.weights)
    for start, end in spans:
        counts[start * FRAMES_PER_S // 1000 : end * FRAMES_PER_S // 1000] = 1.0
    return Evidence(evidence.scores, evidence.weights * counts)


def _judged(evidence: Evidence, name: str, speed: float = 1.0) -> Watermark:
    mean = means(evidence)
    if not len(mean) or not evidence.weights.any():
        return Watermark(verdict="not measured", backend=name, note="Nothing sounds in it.")
    enough = FOUND if speed == 1.0 else _ELSEWHERE
    spans = tuple((start * 1000 // FRAMES_PER_S, end * 1000 // FRAMES_PER_S) for start, end in _runs(mean >= enough))
    score = round(float(np.clip(mean.max(), 0.0, 1.0)), 3)
    return Watermark(verdict="found" if spans else "not found", backend=name, score=score, spans=spans, speed=speed)


def _runs(true: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _inner(backend: Watermarker, block: Samples, inner: slice, speed: float) -> Evidence:
    """The evidence of a block without its neighbours', on the file's clock."""
    found = backend.evidence(block, round(RATE_HZ / speed))
    last = max(0, len(found.scores) - 1)
    at = np.minimum(np.arange(len(block) * FRAMES_PER_S // RATE_HZ) * speed, last).astype(int)[inner]
    return Evidence(found.scores[at], found.weights[at])


def _blocks(path: Path) -> Iterator[tuple[Samples, slice]]:
    """Mono sound block by block, each with some of its neighbours around the frames that are its own."""
    block, around = _BLOCK_S * RATE_HZ, _AROUND_S * RATE_HZ
    with soundfile.SoundFile(path) as file:
        for start in range(0, file.frames, block):
            begin = max(0, start - around)
            file.seek(begin)
            before = (start - begin) * FRAMES_PER_S // RATE_HZ
            samples = file.read(start - begin + block + around, dtype="float32")
            yield samples, slice(before, before + _BLOCK_S * FRAMES_PER_S)


def _has(path: Path, track: str) -> bool:
    asked = ("-select_streams", track, "-show_entries", "stream=codec_type", "-of", "csv=p=0")
    return b"audio" in door.answer(path, *asked)


@contextlib.contextmanager
def _decoded(path: Path, track: str) -> Iterator[Path]:
    """A track as mono WAV of `RATE_HZ` on the player's clock, removed afterwards."""
    clock = {"async": 1, "min_hard_comp": 0.02, "first_pts": 0}
    sound = media.on_clock(path)[track].filter("aresample", RATE_HZ, **clock).filter("aformat", channel_layouts="mono")
    with tempfile.TemporaryDirectory(prefix="polydub-") as folder:
        out = Path(folder) / "sound.wav"
        media.run_ffmpeg(media.sink(sound, out, acodec="pcm_s16le", rf64="auto", map_metadata=-1))
        yield out


def _installed() -> tuple[list[Watermarker], str]:
    """Every watermarker that can listen here; else why none can."""
    known = [watermarker(name, {}) for name in BACKENDS if name not in (NONE, "fake")]
    able = [one for one in known if not one.missing()]
    return able, "" if able else " ".join(reason for one in known for reason in one.missing())
