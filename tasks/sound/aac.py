"""The encoded sound of a master: brought to a delivery preset after the encode, not before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from configs.loudness import LoudnessPreset
from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.records.made import EncodeResult
from tasks.records.progress import Progress, silent
from tasks.sound.channels import channels_of, layout_of, programme
from tasks.sound.limiter import write_gained
from tasks.sound.loudness import Curve, Spans, measure_curve
from tasks.sound.target import approach, target_of

_BITRATES = {2: "256k", 6: "512k"}
_AAC: dict[str, Any] = {"f": "mp4", "acodec": "aac", "ar": 48_000, "map_metadata": -1}


def encode_aac(
    mix_wav: Path, out_m4a: Path, preset: LoudnessPreset, progress: Progress = silent, *, speech: Spans = ()
) -> EncodeResult:
    """Encode a mix to AAC (256 kbit/s stereo, 512 kbit/s 5.1; M4A) so that the *encoded* file keeps the preset.

    Args:
        mix_wav: stereo or 5.1.
        out_m4a: written whole or not at all.
        preset: what it is brought to.
        progress: called with the share that is done.
        speech: where the mix speaks, for presets that measure dialogue.

    Returns:
        What the file that is delivered measures, whether or not it met the preset.
    """
    channels = channels_of(mix_wav)
    how = {**_AAC, "ac": channels, "audio_bitrate": _BITRATES[channels]}

    def write(sound: Any, part: Path) -> None:
        duration_ms = round(soundfile.info(str(mix_wav)).frames / media.PER_MS)
        media.run_ffmpeg(media.sink(sound, part, **how), duration_ms=duration_ms, progress=progress)

    made = encode_lossy(mix_wav, out_m4a, preset, write, speech=speech)
    progress(1.0)
    return made


def encode_lossy(
    mix_wav: Path,
    out: Path,
    preset: LoudnessPreset,
    write: Callable[[Any, Path], None],
    *,
    speech: Spans = (),
) -> EncodeResult:
    """Encode a mix so that the *encoded* file keeps the preset.

    A lossy encode moves peaks by up to a decibel or two: the file is measured, and gain and ceiling are corrected and
    it is encoded again, seven times at most.

    Args:
        mix_wav: stereo or 5.1.
        out: written whole or not at all.
        preset: what it is brought to.
        write: writes an ffmpeg stream of 48 kHz PCM to a file.
        speech: where the mix speaks, for presets that measure dialogue.

    Returns:
        What the file measures, whether or not it met the preset.
    """
    frames = soundfile.info(str(mix_wav)).frames
    duration_ms = round(frames / media.PER_MS)
    target = target_of(preset, speech, duration_ms)
    layout = layout_of(channels_of(mix_wav))
    with staged(out) as part, scratch(out) as changed:

        def render(gain_db: float, ceiling: float | None) -> Curve:
            write_gained(mix_wav, changed, gain_db, ceiling)
            sound = programme(changed).filter("aformat", channel_layouts=layout)
            write(sound, part)
            return measure_curve(part)

        made = approach(target, measure_curve(mix_wav), render)
    return EncodeResult(
        loudness=made.measured.loudness,
        level_lufs=round(target.level(made.measured), 2),
        encodes=made.tries,
        on_target=not made.notes,
        notes=made.notes,
    )
