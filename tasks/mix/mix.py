"""Dialogue over bed at the original's balance, brought to a delivery preset, encoded, and measured after the encode."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import ffmpeg
import soundfile

from configs.loudness import LoudnessPreset
from tasks import media
from tasks.mix.loudness import SILENCE_LUFS, gained, measure, measure_loudness
from tasks.model import Loudness, Record
from tasks.progress import Progress, silent

__all__ = ["VERSION", "EncodeResult", "MixResult", "encode_aac", "measure_loudness", "mix"]

VERSION = 1

#: An original dialogue quieter than this is no dialogue; the dub is then set this far above the bed.
_NO_SPEECH_LUFS = -50.0
_SPEECH_OVER_BED_LU = 12.0
_MAX_MATCH_DB = 24.0
_MAX_GAIN_DB = 40.0
#: The limiter aims this far below the preset's peak: Netflix advises -2.3 for a limit of -2.0.
_PEAK_MARGIN_DB = 0.3
#: How near the target a programme has to come, in LU; presets tolerate 0.5 at least.
_CLOSE_LU = 0.2
_CORRECTIONS = 3
#: The meter reads in tenths: a reading at the limit may stand for a little more.
_METER_STEP_DB = 0.05
#: Ducking: the bed sinks by (1 - 1/ratio) x depth = 9 dB under speech of average level, back within 0.3 s.
_DUCK = {"ratio": 2.5, "attack": 20, "release": 300, "knee": 4, "detection": "rms"}
_DUCK_DEPTH_DB = 15.0
_BITRATE = "256k"


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
        result = _to_preset(sum_wav, preset, gain_db, out_wav, notes)
    progress(1.0)
    return result


def encode_aac(mix_wav: Path, out_m4a: Path, preset: LoudnessPreset, progress: Progress = silent) -> EncodeResult:
    """Encode a mix to AAC (256 kbit/s, M4A) so that the *encoded* file keeps the preset.

    A lossy encode moves peaks by up to a decibel or two: the file is measured, and gain and ceiling are corrected and
    it is encoded again, three times at most.

    Returns:
        What the file that is delivered measures, whether or not it met the preset.
    """
    gain_db, ceiling = 0.0, preset.true_peak_dbtp - _PEAK_MARGIN_DB
    limiting = False
    duration_ms = _duration_ms(mix_wav)
    with media.staged(out_m4a) as part:
        for attempt in range(1, _CORRECTIONS + 2):
            sound = gained(_stereo(mix_wav), gain_db, ceiling if limiting else None)
            graph = media.sink(media.exactly(sound, duration_ms), part, f="mp4", acodec="aac", ar=48_000, **_AAC)
            media.run_ffmpeg(graph, duration_ms=duration_ms)
            found = measure_loudness(part)
            progress(attempt / (_CORRECTIONS + 1))
            if found.integrated_lufs <= SILENCE_LUFS:
                return EncodeResult(loudness=found, encodes=attempt, on_target=False, notes=("The mix is silent.",))
            short = preset.integrated_lufs - found.integrated_lufs
            over = found.true_peak_dbtp + _METER_STEP_DB - preset.true_peak_dbtp
            if (abs(short) <= _CLOSE_LU and over <= 0) or attempt > _CORRECTIONS:
                break
            gain_db = min(gain_db + short, _MAX_GAIN_DB)
            limiting = limiting or over > 0 or found.true_peak_dbtp + short > ceiling
            ceiling -= over + 0.1 if over > 0 else 0.0
    missed = abs(short) > preset.tolerance_lu or over > 0
    notes = (f"The preset {preset.name} was missed by {short:+.1f} LU, true peak by {over:+.1f} dB.",) if missed else ()
    return EncodeResult(loudness=found, encodes=attempt, on_target=not missed, notes=notes)


_AAC: dict[str, Any] = {"audio_bitrate": _BITRATE, "ac": 2, "map_metadata": -1}


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
    voice, under = gained(_stereo(dialogue), gain_db, None), _stereo(bed)
    if preset.bed == "ducked" and speech_lufs > SILENCE_LUFS:
        split = voice.filter_multi_output("asplit")
        threshold = max(0.000977, min(1.0, 10 ** ((speech_lufs - _DUCK_DEPTH_DB) / 20)))
        key = split[0].filter("apad", whole_len=media.samples(_duration_ms(bed)))
        under = ffmpeg.filter([under, key], "sidechaincompress", threshold=f"{threshold:.6f}", **_DUCK)
        voice = split[1]
    return ffmpeg.filter([under, voice], "amix", inputs=2, duration="first", normalize=0)


def _to_preset(
    sum_wav: Path, preset: LoudnessPreset, dialogue_gain_db: float, out_wav: Path, notes: list[str]
) -> MixResult:
    """Measure, one linear gain and, only where peaks ask for it, the limiter; corrected while that eats loudness."""
    before = measure_loudness(sum_wav)
    ceiling = preset.true_peak_dbtp - _PEAK_MARGIN_DB
    gain_db, limiting = 0.0, False
    if before.integrated_lufs <= SILENCE_LUFS:
        notes.append("The mix is silent or too short to measure: its level was left alone.")
    else:
        gain_db = preset.integrated_lufs - before.integrated_lufs
        if gain_db > _MAX_GAIN_DB:
            notes.append(f"The mix is nearly silent; it was raised by {_MAX_GAIN_DB:.0f} dB only.")
            gain_db = _MAX_GAIN_DB
    limiting = before.true_peak_dbtp + gain_db > ceiling
    with media.staged(out_wav) as part:
        for _ in range(_CORRECTIONS):
            graph = media.wav(gained(_stereo(sum_wav), gain_db, ceiling if limiting else None), part)
            media.run_ffmpeg(graph)
            found = measure_loudness(part)
            short = preset.integrated_lufs - found.integrated_lufs
            if not limiting or abs(short) <= _CLOSE_LU or gain_db >= _MAX_GAIN_DB:
                break
            gain_db += short
    return MixResult(
        loudness=found,
        dialogue_gain_db=round(dialogue_gain_db, 2),
        programme_gain_db=round(gain_db, 2),
        limited=limiting,
        bed_mode=preset.bed,
        notes=tuple(notes),
    )


def _stereo(path: Path) -> Any:
    """A WAV as stereo float at 48 kHz; mono goes to both sides at full level (``aformat`` alone takes off 3 dB)."""
    sound = media.source(path).audio
    if soundfile.info(str(path)).channels == 1:
        sound = sound.filter("channelmap", map="0|0", channel_layout="stereo")
    return sound.filter("aformat", sample_fmts="fltp", sample_rates=media.SAMPLE_RATE, channel_layouts="stereo")


def _duration_ms(path: Path) -> int:
    facts = soundfile.info(str(path))
    return round(facts.frames * 1000 / facts.samplerate)
