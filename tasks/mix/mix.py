"""Dialogue over bed at the original's balance, brought to a delivery preset, encoded, and measured after the encode."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import ffmpeg
import soundfile

from configs.loudness import LoudnessPreset
from tasks import media
from tasks.mix.loudness import SILENCE_LUFS, approach, gained, measure, measure_loudness
from tasks.model import Loudness, Record
from tasks.progress import Progress, silent

__all__ = ["VERSION", "EncodeResult", "MixResult", "encode_aac", "measure_loudness", "mix"]

VERSION = 1

#: An original dialogue quieter than this is no dialogue; the dub is then set this far above the bed.
_NO_SPEECH_LUFS = -50.0
_SPEECH_OVER_BED_LU = 12.0
_MAX_MATCH_DB = 24.0
#: Ducking: the bed sinks by (1 - 1/ratio) x depth = 9 dB under speech of average level, back within 0.3 s.
_DUCK = {"ratio": 2.5, "attack": 20, "release": 300, "knee": 4, "detection": "rms"}
_DUCK_DEPTH_DB = 15.0
_AAC: dict[str, Any] = {"f": "mp4", "acodec": "aac", "audio_bitrate": "256k", "ac": 2, "ar": 48_000, "map_metadata": -1}


class MixResult(Record):
    """How a mix was made.

    Attributes:
        loudness: of the mix as written.
        dialogue_gain_db: what brought the dub to the original dialogue's loudness.
        programme_gain_db: what brought the mix to the preset.
        limited: whether the true-peak limiter was at work.
        bed_mode: ``untouched`` or ``ducked``.
        notes: fallbacks and limits to tell the user.
    """

    loudness: Loudness
    dialogue_gain_db: float
    programme_gain_db: float
    limited: bool
    bed_mode: Literal["untouched", "ducked"]
    notes: tuple[str, ...] = ()


class EncodeResult(Record):
    """What the delivered file measures.

    Attributes:
        loudness: of the encoded file.
        encodes: how many encodes it took.
        on_target: within the preset's tolerance, and its true peak not passed.
        notes: limits to tell the user.
    """

    loudness: Loudness
    encodes: int
    on_target: bool
    notes: tuple[str, ...] = ()


def mix(
    dialogue: Path,
    bed: Path,
    original_dialogue: Path,
    preset: LoudnessPreset,
    out_wav: Path,
    progress: Progress = silent,
) -> MixResult:
    """Mix a dub: 48 kHz stereo 24-bit WAV, as long as the bed, at the preset's loudness.

    The dub is set to the loudness of the original dialogue (gated, so pauses do not count), which keeps the balance
    that the original had; presets for listening on the go lower the bed under speech besides.

    Args:
        dialogue: mono or stereo WAV, 48 kHz.
        bed: stereo WAV, 48 kHz.
        original_dialogue: the separated dialogue of the source.
        preset: target, peak and what happens to the bed.
        out_wav: written whole or not at all.
        progress: told the share that is done.
    """
    notes: list[str] = []
    speech = measure(_stereo(dialogue))
    gain_db = _dialogue_gain(speech, measure(_stereo(original_dialogue)), bed, notes)
    duration_ms = _duration_ms(bed)
    with media.scratch(out_wav) as sum_wav:
        both = _sum(dialogue, bed, gain_db, speech.integrated_lufs + gain_db, preset)
        graph = media.sink(media.exactly(both, duration_ms), sum_wav, ac=2, **{**media.WAV, "acodec": "pcm_f32le"})
        media.run_ffmpeg(graph, duration_ms=duration_ms, progress=lambda done: progress(done / 2))
        with media.staged(out_wav) as part:

            def render(programme_db: float, ceiling: float | None) -> Loudness:
                media.run_ffmpeg(media.wav(gained(_stereo(sum_wav), programme_db, ceiling), part))
                return measure_loudness(part)

            made = approach(preset, measure_loudness(sum_wav), render)
    progress(1.0)
    return MixResult(
        loudness=made.loudness,
        dialogue_gain_db=round(gain_db, 2),
        programme_gain_db=round(made.gain_db, 2),
        limited=made.limited,
        bed_mode=preset.bed,
        notes=(*notes, *made.notes),
    )


def encode_aac(mix_wav: Path, out_m4a: Path, preset: LoudnessPreset, progress: Progress = silent) -> EncodeResult:
    """Encode a mix to AAC (256 kbit/s, M4A) so that the *encoded* file keeps the preset.

    A lossy encode moves peaks by up to a decibel or two: the file is measured, and gain and ceiling are corrected and
    it is encoded again, three times at most.

    Returns:
        What the file that is delivered measures, whether or not it met the preset.
    """
    duration_ms = _duration_ms(mix_wav)
    with media.staged(out_m4a) as part:

        def render(gain_db: float, ceiling: float | None) -> Loudness:
            sound = media.exactly(gained(_stereo(mix_wav), gain_db, ceiling), duration_ms)
            graph = media.sink(sound, part, **_AAC)
            media.run_ffmpeg(graph, duration_ms=duration_ms, progress=progress)
            return measure_loudness(part)

        made = approach(preset, measure_loudness(mix_wav), render)
    progress(1.0)
    on_target = not made.notes
    return EncodeResult(loudness=made.loudness, encodes=made.tries, on_target=on_target, notes=made.notes)


def _dialogue_gain(speech: Loudness, original: Loudness, bed: Path, notes: list[str]) -> float:
    if speech.integrated_lufs <= SILENCE_LUFS:
        notes.append("The dub has no speech: the mix is its bed.")
        return 0.0
    if original.integrated_lufs > _NO_SPEECH_LUFS:
        wanted = original.integrated_lufs - speech.integrated_lufs
        bounded = max(-_MAX_MATCH_DB, min(_MAX_MATCH_DB, wanted))
        if bounded != wanted:
            notes.append(f"The original dialogue is {wanted:+.0f} dB from the dub; {bounded:+.0f} dB were applied.")
        return bounded
    under = measure(_stereo(bed)).integrated_lufs
    if under <= SILENCE_LUFS:
        return 0.0
    notes.append(f"No original dialogue to match: the dub lies {_SPEECH_OVER_BED_LU:.0f} LU above the bed.")
    return under + _SPEECH_OVER_BED_LU - speech.integrated_lufs


def _sum(dialogue: Path, bed: Path, gain_db: float, speech_lufs: float, preset: LoudnessPreset) -> Any:
    # Another queue size makes another input of the same file: silent stems may be one blob.
    voice, under = gained(_stereo(dialogue, thread_queue_size=64), gain_db, None), _stereo(bed)
    if preset.bed == "ducked" and speech_lufs > SILENCE_LUFS:
        split = voice.filter_multi_output("asplit")
        threshold = max(0.000977, min(1.0, 10 ** ((speech_lufs - _DUCK_DEPTH_DB) / 20)))
        key = split[0].filter("apad", whole_len=media.samples(_duration_ms(bed)))
        under = ffmpeg.filter([under, key], "sidechaincompress", threshold=f"{threshold:.6f}", **_DUCK)
        voice = split[1]
    return ffmpeg.filter([under, voice], "amix", inputs=2, duration="first", normalize=0)


def _stereo(path: Path, **options: Any) -> Any:
    """A WAV as stereo float at 48 kHz; mono goes to both sides at full level (``aformat`` alone takes off 3 dB)."""
    sound = media.source(path, **options).audio
    if soundfile.info(str(path)).channels == 1:
        sound = sound.filter("channelmap", map="0|0", channel_layout="stereo")
    return sound.filter("aformat", sample_fmts="fltp", sample_rates=media.SAMPLE_RATE, channel_layouts="stereo")


def _duration_ms(path: Path) -> int:
    facts = soundfile.info(str(path))
    return round(facts.frames * 1000 / facts.samplerate)
