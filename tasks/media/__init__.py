"""ffmpeg graphs: pure builders of arguments, and one runner; outputs are bit-exact and written atomically.

In: paths, opened through one door (`tasks.media.door`). Out: facts of files, samples and encoded files.
It knows no step and no language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import ffmpeg

from tasks.keep.staging import staged
from tasks.machine import process
from tasks.media import door
from tasks.media.door import is_still as is_still
from tasks.media.door import url as url
from tasks.records.errors import MissingBackendError, PolydubError, ProcessFailedError
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress, silent

SAMPLE_RATE = 48_000
#: Samples of the working rate in a millisecond.
PER_MS = SAMPLE_RATE // 1000
#: Fixed, because the number of threads changes x264's output.
ENCODER_THREADS = 4
#: Options of every file that is written: no dates, no program versions, nothing random.
BITEXACT: dict[str, Any] = {"fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact"}
#: A 48 kHz 24-bit WAV file.
WAV: dict[str, Any] = {"f": "wav", "acodec": "pcm_s24le", "ar": SAMPLE_RATE, "rf64": "auto", "map_metadata": -1}


def source(path: Path, **options: Any) -> Any:
    """An input, opened through `tasks.media.door`; ``f`` restricts its format."""
    return ffmpeg.input(url(path), **door.rules(path, options.pop("f", None)), **options)


def on_clock(path: Path, shift_s: float = 0.0, **options: Any) -> Any:
    """An input on the player's clock: 0 is the container's start, whichever of its streams are used.

    In formats whose clock may jump (MPEG-TS, MPEG-PS, Ogg) ffmpeg would put 0 at the first of the streams used, and
    close gaps of more than 10 s; an offset, even of a microsecond, prevents the first, a threshold the second. Clocks
    that jump back (concatenated recordings) continue as they would in a player.

    Args:
        path: the file.
        shift_s: delay of the whole input, seconds.
        options: as for `source`.
    """
    late = {"itsoffset": f"{shift_s if abs(shift_s) > 1e-6 else 1e-6:.6f}", "dts_delta_threshold": 10**9}
    return source(path, **late, **options)


def picture_seconds(path: Path) -> float:
    """Duration of a file's video in seconds; 0 if it has none that can be read."""
    shown = ("-show_entries", "format=duration:stream=codec_type,duration", "-of", "json")
    try:
        found = json.loads(door.answer(path, *shown))
        pictures = [stream for stream in found["streams"] if stream["codec_type"] == "video"]
        return float(found["format"].get("duration", 0)) if pictures else 0.0
    except MissingBackendError:
        raise
    except (PolydubError, ValueError, KeyError):
        return 0.0


def sink(streams: Any | Sequence[Any], path: Path, **options: Any) -> Any:
    """An output with bit-exact flags; ``options`` as for `ffmpeg.output`, names with ``:`` included."""
    parts = list(streams) if isinstance(streams, list | tuple) else [streams]
    return ffmpeg.output(*parts, url(path), **{**BITEXACT, **options})


def wav(stream: Any, path: Path, channels: int = 2) -> Any:
    """An output of 48 kHz 24-bit PCM in WAV.

    Args:
        stream: an ffmpeg-python stream.
        path: the WAV file.
        channels: number of channels.
    """
    return sink(stream, path, ac=channels, **WAV)


def arguments(graph: Any, *, report: bool = False) -> list[str]:
    """The command line of a graph: quiet, no terminal, overwriting; with machine-readable progress where ``report``."""
    compiled: list[str] = ffmpeg.compile(graph, overwrite_output=True)
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
    named = [part.partition("#")[0] if part.startswith("-metadata") else part for part in compiled[1:]]
    return [compiled[0], *quiet, *(["-progress", "pipe:1"] if report else []), *named]


def tags(where: str, **values: str) -> dict[str, str]:
    """Options that write tags to the file (``where=""``) or to a stream (``":s:a:0"``).

    ffmpeg-python cannot repeat an option, so each carries its key as a suffix, which `arguments` removes.
    """
    return {f"metadata{where}#{key}": f"{key}={value}" for key, value in values.items()}


def run_ffmpeg(
    graph: Any,
    *,
    duration_ms: int | None = None,
    progress: Progress = silent,
    deadline_s: float = 6 * 3600.0,
) -> str:
    """Run a graph, or a full list of arguments, and return its output without the progress lines.

    Args:
        graph: an ffmpeg-python output, or an argument list that starts with the program.
        duration_ms: length of the result, for progress.
        progress: called with the share done, 0 to 1.
        deadline_s: seconds after which it is stopped.

    Raises:
        MissingBackendError, ProcessTimeoutError, ProcessFailedError: as `process.stream`, with ffmpeg's messages.
    """
    argv = graph if isinstance(graph, list) else arguments(graph, report=duration_ms is not None)
    said: list[str] = []
    try:
        for line in process.stream(argv, deadline_s=deadline_s):
            key, _, value = line.partition("=")
            if key == "out_time_us" and duration_ms:
                if value.lstrip("-").isdigit():
                    progress(min(1.0, max(0.0, int(value) / 1000 / duration_ms)))
            elif key not in _PROGRESS_KEYS and not key.startswith("stream_"):
                said.append(line)
    except ProcessFailedError as error:
        raise _in_its_words(error, said) from error
    return "\n".join(said)


def _in_its_words(error: ProcessFailedError, said: Sequence[str]) -> ProcessFailedError:
    """The same failure with ffmpeg's last error messages instead of its progress."""
    plain = (_ADDRESS.sub("", line).strip() for line in said)
    words = "; ".join(list(dict.fromkeys(line for line in plain if line))[-_LAST_WORDS:])[:400] or "no message."
    return ProcessFailedError(f"ffmpeg ended with code {error.data['returncode']}: {words}", error.fix, **error.data)


_ADDRESS = re.compile(r" @ 0x[0-9a-f]+(?=\])")
_LAST_WORDS = 3
_PROGRESS_KEYS = {"frame", "fps", "bitrate", "total_size", "out_time_us", "out_time_ms", "out_time"}
_PROGRESS_KEYS |= {"dup_frames", "drop_frames", "speed", "progress"}


def samples(duration_ms: int) -> int:
    """Number of samples at the working rate."""
    return duration_ms * PER_MS


def exactly(stream: Any, duration_ms: int) -> Any:
    """A 48 kHz stream padded with silence or cut to a whole number of milliseconds."""
    return stream.filter("apad", whole_len=samples(duration_ms)).filter("atrim", end_sample=samples(duration_ms))


def extract_audio(
    video: Path,
    facts: MediaFacts,
    track_index: int | None,
    out_wav: Path,
    progress: Progress = silent,
    *,
    layout: Literal["stereo", "5.1"] = "stereo",
) -> None:
    """One audio track as 48 kHz 24-bit WAV, exactly as long as the title and on the player's clock.

    A late start of the sound becomes silence, and so do gaps of more than 20 ms in its time stamps; surplus channels
    are mixed down with ITU-R BS.775 coefficients, scaled so that nothing clips.

    Args:
        video: the source.
        facts: as probed.
        track_index: stream index in the container; None for the default track, or the first.
        out_wav: written atomically.
        progress: called with the share done, 0 to 1.
        layout: channel layout of the result; 5.1 is L R C LFE Ls Rs.

    Raises:
        ValueError: no such audio track (for a title without sound use `silent_audio`).
        ProcessFailedError: the track cannot be decoded.
    """
    track = default_track(facts) if track_index is None else track_index
    if track not in {audio.index for audio in facts.audio}:
        raise ValueError(f"no audio track {track} in {video.name!r}")
    clock = {"async": 1, "min_hard_comp": 0.02, "first_pts": 0}
    sound = (
        on_clock(video)[str(track)]
        .filter("aresample", SAMPLE_RATE, **clock, rematrix_maxval=1.0)
        .filter("aformat", channel_layouts=layout, sample_rates=SAMPLE_RATE)
        .filter("asetpts", "N/SR/TB")
    )
    with staged(out_wav) as part:
        graph = wav(exactly(sound, facts.duration_ms), part, channels=2 if layout == "stereo" else 6)
        run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)


def default_track(facts: MediaFacts) -> int | None:
    """The stream index of the audio track that is dubbed; None without sound."""
    if facts.dubbed is not None:
        return facts.dubbed
    marked = [audio.index for audio in facts.audio if audio.default]
    every = marked or [audio.index for audio in facts.audio]
    return every[0] if every else None


def silent_audio(duration_ms: int, out_wav: Path) -> None:
    """48 kHz stereo 24-bit WAV of digital silence: the sound of a title that has none."""
    quiet = ffmpeg.input(f"anullsrc=r={SAMPLE_RATE}:cl=stereo", f="lavfi")
    with staged(out_wav) as part:
        run_ffmpeg(wav(quiet.filter("atrim", end_sample=samples(duration_ms)), part))


def speech_copy(wav_in: Path, out_16k_mono: Path) -> None:
    """16 kHz mono 16-bit WAV without rumble (high-pass 80 Hz), as speech recognisers expect it; same length."""
    sound = source(wav_in).filter("aformat", channel_layouts="mono").filter("highpass", f=80)
    options = {"f": "wav", "acodec": "pcm_s16le", "ar": 16_000, "ac": 1, "rf64": "auto", "map_metadata": -1}
    with staged(out_16k_mono) as part:
        run_ffmpeg(sink(sound, part, **options))
