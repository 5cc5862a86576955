"""Where somebody speaks: silero-vad (MIT, weights in its wheel) over 16 kHz mono audio, read block by block.

Used by transcription, diarization, ingest and quality control, so that all of them mean the same by "speech".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.keep.known import known
from tasks.keep.recall import recalled
from tasks.records.errors import BadInputError
from tasks.records.progress import Progress, silent

SAMPLE_RATE_HZ = 16_000
FRAME = 512  # samples a decision at 16 kHz, fixed by the model
_BLOCK = 512 * FRAME  # samples in memory at a time: 16 s, 1 MB


def speech_spans(
    audio16k: Path,
    *,
    threshold: float = 0.5,
    min_speech_ms: int = 250,
    min_silence_ms: int = 100,
    pad_ms: int = 30,
    max_speech_s: float = float("inf"),
    progress: Progress = silent,
) -> list[tuple[int, int]]:
    """The spans of speech in a file, in order, not overlapping, as ``(start_ms, end_ms)``.

    The same file gives the same spans: the network is reset for every recording and runs on the CPU; it listens to a
    recording once. Memory is bounded (one number for each 32 ms, plus a block of 16 s).

    Args:
        audio16k: mono audio at 16 kHz.
        threshold: probability from which a frame counts as speech (it ends 0.15 lower).
        min_speech_ms: shorter spans are dropped.
        min_silence_ms: shorter pauses do not end a span.
        pad_ms: kept around each span.
        max_speech_s: longer spans are cut at their longest pause.
        progress: called with the share that is done.

    Raises:
        BadInputError: not readable, not mono, or not at 16 kHz.
    """
    with recording(audio16k) as source:
        total = source.frames
    probabilities = _listened(audio16k, progress)
    progress(1.0)
    return spans_of(
        probabilities,
        total,
        threshold=threshold,
        min_speech_duration_ms=min_speech_ms,
        min_silence_duration_ms=min_silence_ms,
        speech_pad_ms=pad_ms,
        max_speech_duration_s=max_speech_s,
    )


def spans_of(probabilities: Sequence[float], samples: int, **options: float) -> list[tuple[int, int]]:
    """The spans of speech that probabilities tell of, as ``(start_ms, end_ms)``.

    Args:
        probabilities: of each frame of 512 samples at 16 kHz.
        samples: how many the recording has.
        options: of silero-vad's ``get_speech_timestamps_from_probs``, where they are not its own.
    """
    spans = _package().get_speech_timestamps_from_probs(probabilities, audio_length_samples=samples, **options)
    per_ms = SAMPLE_RATE_HZ // 1000
    return [(round(span["start"] / per_ms), round(span["end"] / per_ms)) for span in spans]


@known("speech-spans", 1, tuple[tuple[int, int], ...])
def speech_of(audio16k: Path) -> tuple[tuple[int, int], ...]:
    """As `speech_spans` finds them by itself."""
    return tuple(speech_spans(audio16k))


def read_span(audio16k: Path, start_ms: int, end_ms: int) -> NDArray[np.float32]:
    """The samples of one span: float32 [N], mono, 16 kHz; shorter where the file ends before.

    Args:
        audio16k: WAV, mono, 16 kHz.
        start_ms: where to begin.
        end_ms: where to stop.

    Raises:
        BadInputError: as `speech_spans`.
    """
    with recording(audio16k) as source:
        start = min(start_ms * SAMPLE_RATE_HZ // 1000, source.frames)
        stop = min(end_ms * SAMPLE_RATE_HZ // 1000, source.frames)
        source.seek(start)
        samples: NDArray[np.float32] = source.read(max(0, stop - start), dtype="float32")
        return samples


def duration_ms(audio16k: Path) -> int:
    """Length of the file in milliseconds; errors as `speech_spans`."""
    with recording(audio16k) as source:
        return int(source.frames * 1000 // SAMPLE_RATE_HZ)


def recording(path: Path) -> soundfile.SoundFile:
    """A recording, opened; errors as `speech_spans`."""
    try:
        source = soundfile.SoundFile(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise BadInputError(f"The audio {path.name!r} cannot be read: {error}") from error
    if source.samplerate != SAMPLE_RATE_HZ or source.channels != 1:
        found = f"{source.channels} channel(s) at {source.samplerate} Hz"
        source.close()
        raise BadInputError(f"The audio {path.name!r} has {found}; speech is found in mono at 16000 Hz.")
    return source


def _blocks(source: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    while len(block := source.read(_BLOCK, dtype="float32")):
        yield block


@recalled(8)
def _listened(audio16k: Path, progress: Progress) -> list[float]:
    """Speech probability of each frame of a recording, by a network of its own: it keeps state."""
    listen = listener()
    probabilities: list[float] = []
    with one_thread(), recording(audio16k) as source:
        for block in _blocks(source):
            probabilities.extend(listen(block))
            progress(min(1.0, len(probabilities) * FRAME / source.frames))
    return probabilities


def listener() -> Callable[[NDArray[np.float32]], list[float]]:
    """A network that has heard nothing yet; it carries its state from block to block.

    It answers with the speech probability of each frame of a block (float32 [N], mono, 16 kHz).
    """
    import torch

    model = _package().load_silero_vad()

    def listen(block: NDArray[np.float32]) -> list[float]:
        padded = np.pad(block, (0, -len(block) % FRAME))
        with torch.inference_mode():
            return [float(model(frame, SAMPLE_RATE_HZ)) for frame in torch.from_numpy(padded).split(FRAME)]

    return listen


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run small networks on one thread, for the block.

    Two threads that wait for each other at every tiny layer are a hundred times slower as soon as another process wants
    a core: 35 s instead of 0.3 s for 20 s of sound, measured on 2 cores.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _package() -> Any:
    import torch

    threads = torch.get_num_threads()
    import silero_vad

    torch.set_num_threads(threads)  # the package sets one thread for the whole process when it is imported
    return silero_vad


def outside(speech: Sequence[tuple[int, int]], start_ms: int, end_ms: int, apart_ms: int = 0) -> list[tuple[int, int]]:
    """The parts of a span without speech, at a distance from any speech.

    Args:
        speech: spans of speech, milliseconds, in order.
        start_ms: where the span begins.
        end_ms: where it ends.
        apart_ms: distance from any speech.
    """
    free: list[tuple[int, int]] = []
    at = start_ms
    for first, last in sorted(speech):
        if at < min(first - apart_ms, end_ms):
            free.append((at, min(first - apart_ms, end_ms)))
        at = max(at, last + apart_ms)
    return [*free, (at, end_ms)] if at < end_ms else free
