"""Where the phones of a text lie in an audio that speaks it, at whatever level.

The text is spoken by eSpeak NG, whose phone times are known, and the time axis is warped to the audio
(dynamic time warping over mel cepstra, as in the aeneas aligner, and over the kinds of sound that are heard), then
again with the reference turned towards the speaker by what was paired. Pauses found by energy may open between words
only. A word's first hum is not held; stops begin where the level falls.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import load_mono, loudness_db, runs, silent_hops
from lipsync_engine.records import BoolArray, FloatArray, Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.onsets import begun
from lipsync_engine.speech.sounding import HOP_MS, HOP_S, RATE_HZ, Frames, heard, read, resampled, turned_towards
from lipsync_engine.speech.sounds import levelled
from lipsync_engine.speech.stops import closing
from lipsync_engine.speech.trust import share_borne_out, weighed

__all__ = ["RATE_HZ", "Alignment", "align", "align_file", "tile", "unread"]

_STEP_COST = np.array([0.35, 0.0, 0.25, 0.6])  # staying on, advancing one, two or three reference hops
_PAUSE_MISMATCH = 6.0  # a pause facing speech costs about three times a typical bad match
_HEARD = 0.25  # weight of the kinds of sound that are heard, beside the distance of cepstra
_COARSE_CELLS = 16_000_000
_DEFAULT_WPM = 175
_FEWEST_HOPS = 5
_KANJI = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Alignment:
    """Phones on the clock of an audio, and how well they fit it.

    Attributes:
        phones: tile the audio from 0 to its end; ``""`` is silence.
        confidence: share of the speech, by time, whose sound bears out the text (`trust`); NaN where there is nothing
            to align.
        rate_ratio: speaking time of the audio over that of the synthesised reference.
        approximate_text: some of the text could not be read (kanji) and was stood for by neutral syllables.
        words: of the text, in order: first character, last (exclusive), start and end in milliseconds; none where the
            text is approximate.
    """

    phones: tuple[Phone, ...]
    confidence: float
    rate_ratio: float
    approximate_text: bool = False
    words: tuple[tuple[int, int, int, int], ...] = ()


def align_file(audio_path: Path, text: str, language: str) -> Alignment:
    """`align` for a media file.

    Args:
        audio_path: any file with sound.
        text: what is said; empty gives one silence.
        language: BCP-47 tag, or a voice identifier of eSpeak NG.
    """
    return align(load_mono(audio_path, RATE_HZ), RATE_HZ, text, language)


def align(samples: FloatArray, sample_rate_hz: int, text: str, language: str) -> Alignment:
    """Find the phones of ``text`` in ``samples``.

    Args:
        samples: float32 [N] mono.
        sample_rate_hz: samples a second.
        text: what is said; empty gives one silence.
        language: BCP-47 tag, or a voice identifier of eSpeak NG.

    Raises:
        espeak.UnknownVoiceError: eSpeak NG does not speak the language.
    """
    duration_ms = round(len(samples) * 1000 / sample_rate_hz)
    audio = levelled(resampled(samples, sample_rate_hz))
    pause = silent_hops(loudness_db(audio, RATE_HZ, HOP_S), HOP_S)
    readable = _readable(text, language)
    silence = (Phone("", 0, duration_ms),) if duration_ms else ()
    if not readable.strip() or len(pause) < _FEWEST_HOPS or pause.all():
        return Alignment(silence, float("nan"), float("nan"))
    spoken, ratio, rate_wpm = _reference(readable, language, float((~pause).sum()) * HOP_S)
    if not any(p.ipa for p in spoken.phones):
        return Alignment(silence, float("nan"), float("nan"))
    reference, target = read(spoken, readable, language, rate_wpm), heard(audio, pause)
    path = _warp(reference, target)
    path = _warp(turned_towards(target, reference, path), target)
    placed = _place(spoken.phones, path, pause, duration_ms)
    moved = _mapped(path, duration_ms)
    phones = closing(
        begun(placed, [moved(word.start_ms) for word in spoken.words], ratio, audio, RATE_HZ), audio, RATE_HZ
    )
    words = _words(spoken.words, placed, phones, moved, duration_ms) if readable == text else ()
    borne_out = share_borne_out(weighed(phones, audio))
    return Alignment(phones, float("nan") if borne_out is None else borne_out, ratio, readable != text, words)


def unread(text: str, language: str) -> int:
    """How many characters of a text eSpeak NG cannot read and would spell by name: the kanji of Japanese."""
    return len(_KANJI.findall(text)) if _is_japanese(language) else 0


def _is_japanese(language: str) -> bool:
    return language.lower().replace("_", "-").split("-")[0] in ("ja", "jpx/ja")


def _readable(text: str, language: str) -> str:
    """Let two neutral morae stand for each kanji, which eSpeak NG would spell as "Chinese letter"."""
    if _is_japanese(language):
        return _KANJI.sub("かう", text)
    return text


def _reference(text: str, language: str, speaking_s: float) -> tuple[espeak.SpokenText, float, int | None]:
    """Speak the text about as fast as the audio does; the warp then has little to do. The rate goes with it."""
    spoken = espeak.synthesize(text, language)
    own_s = sum(p.end_ms - p.start_ms for p in spoken.phones if p.ipa) / 1000
    ratio = speaking_s / max(own_s, 1e-3)
    if 0.9 <= ratio <= 1.1 or own_s == 0:
        return spoken, ratio, None
    rate_wpm = round(_DEFAULT_WPM / ratio)
    return espeak.synthesize(text, language, rate_wpm=rate_wpm), ratio, rate_wpm


def _local_cost(reference: Frames, target: Frames, j: int, first: int, last: int) -> NDArray[np.float64]:
    """Cost of target hop ``j`` against reference hops first..last: feature distance, or the pause rules."""
    if target.pause[j]:
        return np.where(reference.seam[first:last], 0.0, _PAUSE_MISMATCH)
    gap = reference.features[first:last] - target.features[j]
    cost = np.sqrt(np.einsum("if,if->i", gap, gap) / gap.shape[1])
    cost = cost - _HEARD * (reference.sounds[first:last] @ target.sounds[j])
    return np.where(reference.pause[first:last], _PAUSE_MISMATCH / 2, cost)


def _warp(reference: Frames, target: Frames) -> NDArray[np.intp]:
    """The reference hop that each target hop speaks.

    Two passes bound the memory: a coarse one over the whole plane (at most 16 M cells), a fine one in a
        band about it.
    """
    rows, columns = len(target.pause), len(reference.pause)
    stride = max(1, int(np.ceil(np.sqrt(rows * columns / _COARSE_CELLS))))
    centre = np.linspace(0, columns - 1, rows)
    half = columns
    if stride > 1:
        coarse = _viterbi(_thin(reference, stride), _thin(target, stride), None, columns)
        knots = np.arange(len(coarse)) * stride
        centre = np.interp(np.arange(rows), knots, coarse * stride)
        half = max(150, 8 * stride)
    return _viterbi(reference, target, centre, half)


def _thin(frames: Frames, stride: int) -> Frames:
    """Every ``stride`` hops as one: mean features, a pause if most of it is one, a seam if any of it is."""
    starts = np.arange(0, len(frames.pause), stride)
    sizes = np.diff(np.append(starts, len(frames.pause)))
    quiet = np.add.reduceat(frames.pause.astype(np.intp), starts) * 2 > sizes
    features = np.add.reduceat(frames.features, starts, axis=0) / sizes[:, None]
    sounds = np.add.reduceat(frames.sounds, starts, axis=0) / sizes[:, None]
    return Frames(features, quiet, np.logical_or.reduceat(frames.seam, starts), sounds)


def _viterbi(reference: Frames, target: Frames, centre: NDArray[np.float64] | None, half: int) -> NDArray[np.intp]:
    """Cheapest monotone path from corner to corner; each target hop advances the reference by 0 to 3 hops.

    A reference more than three times longer than the target cannot be reached by such steps: the path then
        ends
    where it got to.
    """
    rows, columns = len(target.pause), len(reference.pause)
    width = min(columns, 2 * half + 1)
    middle = np.linspace(0, columns - 1, rows) if centre is None else centre
    first = np.clip(np.round(middle).astype(np.intp) - width // 2, 0, columns - width)
    first = np.maximum.accumulate(first)
    choice = np.zeros((rows, width), np.uint8)
    total = np.full(width, np.inf)
    total[0] = 0.0 if first[0] == 0 else np.inf
    total += _local_cost(reference, target, 0, first[0], first[0] + width)
    for j in range(1, rows):
        shift = int(first[j] - first[j - 1])
        padded = np.concatenate([np.full(3, np.inf), total, np.full(shift, np.inf)])[shift:]
        options = np.stack([padded[3 - step : 3 - step + width] + _STEP_COST[step] for step in range(4)])
        if target.pause[j]:
            options[0] -= _STEP_COST[0]  # waiting through a pause is free
        choice[j] = options.argmin(0)
        total = options.min(0) + _local_cost(reference, target, j, first[j], first[j] + width)
    corner = columns - 1 - int(first[-1])
    end = corner if corner < width and np.isfinite(total[corner]) else int(np.argmin(total))
    path = np.zeros(rows, np.intp)
    path[-1] = first[-1] + end
    for j in range(rows - 1, 0, -1):
        path[j - 1] = path[j] - choice[j, path[j] - first[j]]
    return path


def _place(phones: tuple[Phone, ...], path: NDArray[np.intp], pause: BoolArray, duration_ms: int) -> tuple[Phone, ...]:
    """Move each phone by the path; the pauses of the audio then take time from the phones under them."""
    moved = _mapped(path, duration_ms)
    silences = [(a * HOP_MS, min(b * HOP_MS, duration_ms)) for a, b in runs(pause)]
    spoken = [Phone(p.ipa, moved(p.start_ms), moved(p.end_ms), p.stress) for p in phones if p.ipa]
    return tile([q for p in spoken if (q := _outside(p, silences))], duration_ms)


def _mapped(path: NDArray[np.intp], duration_ms: int) -> Callable[[int], int]:
    """Milliseconds of the reference on the clock of the audio."""
    hops = np.arange(len(path), dtype=np.float64)
    edge = np.flatnonzero(np.diff(path, prepend=-1) > 0)
    reference_ms = np.concatenate([path[edge] * float(HOP_MS), [(path[-1] + 1.0) * HOP_MS]])
    audio_ms = np.concatenate([hops[edge] * HOP_MS, [float(duration_ms)]])

    def moved(ms: int) -> int:
        return round(float(np.interp(ms, reference_ms, audio_ms)))

    return moved


def _words(
    words: tuple[espeak.Word, ...],
    warped: tuple[Phone, ...],
    phones: tuple[Phone, ...],
    moved: Callable[[int], int],
    duration_ms: int,
) -> tuple[tuple[int, int, int, int], ...]:
    """The words with the times of the phones that the warp put within them."""
    edges = [*(moved(word.start_ms) for word in words), duration_ms]
    placed = []
    for word, start, until in zip(words, edges, edges[1:], strict=False):
        own = [
            phone
            for found, phone in zip(warped, phones, strict=True)
            if phone.ipa and start <= found.start_ms + HOP_MS // 2 < until
        ]
        begins, ends = (own[0].start_ms, own[-1].end_ms) if own else (start, until)
        placed.append((word.text_start, word.text_end, begins, ends))
    return tuple(placed)


def _outside(phone: Phone, silences: list[tuple[int, int]]) -> Phone | None:
    """The longest part of a phone that no pause covers; a phone wholly inside one keeps 30 ms at its edge."""
    parts, start = [], phone.start_ms
    for quiet_start, quiet_end in silences:
        if quiet_end <= phone.start_ms or quiet_start >= phone.end_ms:
            continue
        parts.append((start, quiet_start))
        start = quiet_end
    parts.append((start, phone.end_ms))
    begin, end = max(parts, key=lambda part: part[1] - part[0])
    return Phone(phone.ipa, begin, end, phone.stress) if end > begin else None


def tile(spoken: list[Phone], duration_ms: int, shortest_gap_ms: int = 30) -> tuple[Phone, ...]:
    """Fill the gaps between phones with silence, 0 to ``duration_ms``; tiny gaps go to the phone before.

    Args:
        spoken: phones that do not overlap, in any order.
        duration_ms: length of the audio.
        shortest_gap_ms: a shorter gap is given to the phone before.
    """
    tiled: list[Phone] = []
    clock = 0
    for phone in sorted(spoken, key=lambda p: p.start_ms):
        start, end = max(phone.start_ms, clock), min(phone.end_ms, duration_ms)
        if end <= start:
            continue
        if tiled and start - clock < shortest_gap_ms:
            last = tiled[-1]
            tiled[-1] = Phone(last.ipa, last.start_ms, start, last.stress)
        elif start > clock:
            tiled.append(Phone("", clock, start))
        tiled.append(Phone(phone.ipa, start, end, phone.stress))
        clock = end
    if clock < duration_ms:
        tiled.append(Phone("", clock, duration_ms))
    return tuple(tiled)
