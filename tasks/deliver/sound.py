"""A dub's mix brought to a preset's loudness, in the preset's form, exactly as long as the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import looked_at, streams_of
from tasks.keep.assets import path_of
from tasks.keep.staging import scratch
from tasks.records.delivery import DeliveredDub
from tasks.sound.channels import SURROUND, layout_of
from tasks.sound.limiter import write_gained
from tasks.sound.loudness import SILENCE_LUFS, Curve, measure_curve
from tasks.sound.stem_speech import speech_in
from tasks.sound.target import Target, approach, target_of

#: Writes a gained WAV in the preset's form.
Form = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Brought:
    """Sound as it is delivered.

    Attributes:
        target: what it was brought to.
        measured: the file.
        gain_db: that brought it there; stems get the same.
        notes: for the user.
    """

    target: Target
    measured: Curve
    gain_db: float
    notes: tuple[str, ...]

    @property
    def level_lufs(self) -> float:
        """What counts for the target."""
        return self.target.level(self.measured)


def bring(mix: Path, dub: DeliveredDub, preset: LoudnessPreset, duration_ms: int, out: Path, form: Form) -> Brought:
    """Write a mix at a preset's loudness; left as loud as it is where it keeps that already.

    Args:
        mix: WAV at 48 kHz.
        dub: whose it is.
        preset: what it is brought to.
        duration_ms: of the title.
        out: the file.
        form: how it is written.
    """
    target = aim(dub, preset, duration_ms, out)
    before = measure_curve(mix)
    level = target.level(before)
    keeps = abs(target.lufs - level) <= target.tolerance_lu
    keeps = keeps and before.loudness.true_peak_dbtp <= target.true_peak_dbtp
    if keeps or level <= SILENCE_LUFS:
        form(mix, out)
        silent = () if keeps else ("The mix is silent or too short to measure: its level is unchanged.",)
        made = measure_curve(out)
        if keeps and made.loudness.true_peak_dbtp <= target.true_peak_dbtp:
            return Brought(target, made, 0.0, target.notes)
        if not keeps:
            return Brought(target, made, 0.0, (*target.notes, *silent))
    with scratch(out) as gained:

        def render(gain_db: float, ceiling: float | None) -> Curve:
            write_gained(mix, gained, gain_db, ceiling)
            form(gained, out)
            return measure_curve(out)

        found = approach(target, before, render)
    return Brought(target, found.measured, found.gain_db, (*target.notes, *found.notes))


def aim(dub: DeliveredDub, preset: LoudnessPreset, duration_ms: int, beside: Path) -> Target:
    """What a dub is brought to, by where its dialogue speaks if that counts.

    Args:
        dub: a language.
        preset: a level.
        duration_ms: of the title.
        beside: a place beside which files may be written for a while.
    """
    spoken = dub.stems.get("dialogue") if preset.dialogue else None
    return target_of(preset, speech_in(path_of(spoken), beside) if spoken else (), duration_ms)


def mix_of(dub: DeliveredDub, beside: Path, *, stereo: bool = False) -> Path:
    """A dub's mix as 48 kHz WAV; 5.1 mixed down by ITU-R BS.775 where ``stereo``.

    Args:
        dub: a language.
        beside: where a file is written that is needed.
        stereo: two channels, whatever it has.
    """
    mix = path_of(dub.mix)
    channels = 2 if stereo or channels_in(mix) != SURROUND else SURROUND
    if _is_wav(mix) and channels_in(mix) == channels:
        return mix
    out = beside / f"mix-{dub.language}-{channels}.wav"
    sound = media.source(mix).audio.filter(
        "aformat", channel_layouts=layout_of(channels), sample_rates=media.SAMPLE_RATE
    )
    media.run_ffmpeg(media.wav(sound, out, channels))
    return out


def channels_in(path: Path) -> int:
    """Channels of the sound of any file."""
    return int(streams_of(looked_at(path), "audio")[0]["channels"])


def _is_wav(path: Path) -> bool:
    try:
        facts = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return False
    return facts.format in ("WAV", "WAVEX", "RF64") and facts.samplerate == media.SAMPLE_RATE


def pcm(duration_ms: int, channels: int) -> Form:
    """24-bit WAV at 48 kHz.

    Args:
        duration_ms: exactly as long.
        channels: 2 or 6.
    """

    def write(wav: Path, out: Path) -> None:
        media.run_ffmpeg(media.wav(media.exactly(media.source(wav).audio, duration_ms), out, channels))

    return write


def encoded(duration_ms: int, **options: Any) -> Form:
    """Any form of ffmpeg's.

    Args:
        duration_ms: exactly as long, before the encode.
        options: of the encoder and the file.
    """

    def write(wav: Path, out: Path) -> None:
        sound = media.exactly(media.source(wav).audio, duration_ms)
        media.run_ffmpeg(media.sink(sound, out, map_metadata=-1, ar=media.SAMPLE_RATE, **options))

    return write


#: Lossless, 24 bit.
FLAC: dict[str, Any] = {"f": "flac", "acodec": "flac", "sample_fmt": "s32", "bits_per_raw_sample": 24}
