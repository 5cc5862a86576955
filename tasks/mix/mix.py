"""Dialogue over bed at the original's balance, brought to a delivery preset."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from configs.loudness import LoudnessPreset
from configs.sound import MixSettings
from tasks import media
from tasks.keep.known import known
from tasks.keep.recall import recalled
from tasks.keep.staging import scratch, staged
from tasks.mix import room
from tasks.mix.blend import Stems, blended
from tasks.mix.keep import merged, nonverbal_spans, without, write_kept
from tasks.mix.levels import LineGain, SpokenLine, directed, levelled, line_gains
from tasks.records.made import BedMode, MixResult
from tasks.records.progress import Progress, silent
from tasks.records.quality import Loudness
from tasks.sound.channels import channels_of, programme, stereo
from tasks.sound.limiter import write_gained
from tasks.sound.loudness import SILENCE_LUFS, Curve, Measured, Spans, measure_curve, measure_loudness, measured
from tasks.sound.stem_speech import speech_in
from tasks.sound.target import approach, target_of

__all__ = ["MixResult", "measure_loudness", "mix"]

#: An original dialogue quieter than this is no dialogue; the dub is then set this far above the bed.
_NO_SPEECH_LUFS = -50.0
_SPEECH_OVER_BED_LU = 12.0
_MAX_MATCH_DB = 24.0


def mix(
    dialogue: Path,
    bed: Path,
    original_dialogue: Path,
    preset: LoudnessPreset,
    out_wav: Path,
    progress: Progress = silent,
    *,
    settings: MixSettings | None = None,
    lines: Sequence[SpokenLine] = (),
    kept: Spans = (),
    levels: Mapping[int, float] | None = None,
) -> MixResult:
    """Mix a dub: 48 kHz 24-bit WAV, as long as the bed and with its channels, at the preset's loudness.

    The dub is set to the loudness of the original dialogue (gated, so pauses do not count), which keeps the balance
    that the original had; each line follows the original actor's level within bounds.

    Args:
        dialogue: mono or stereo WAV, 48 kHz.
        bed: stereo or 5.1 WAV, 48 kHz.
        original_dialogue: the separated dialogue of the source, stereo.
        preset: target, peak and what happens to the bed.
        out_wav: written whole or not at all.
        progress: called with the share that is done.
        settings: how voice and bed meet; None: as a profile has them by default.
        lines: whose level follows the original; none: one gain for all.
        kept: songs and sounds of the original dialogue that stay, besides those found outside speech, as far as no
            line and no dub speaks there.
        levels: by line id, how much louder a person wants it, in dB.
    """
    chosen = settings or MixSettings()
    mode: BedMode = preset.bed if chosen.bed == "preset" else chosen.bed
    notes: list[str] = []
    dub, original = _loudness(dialogue), _loudness(original_dialogue)
    gain_db = _dialogue_gain(dub.loudness, original.loudness, bed, notes)
    gains = line_gains(lines, original, dub, gain_db, chosen.line_levels_db) if chosen.line_levels_db else ()
    gains = directed(gains, lines, levels or {})
    frames = soundfile.info(str(bed)).frames
    duration_ms = round(frames / media.PER_MS)
    speech = speech_in(dialogue, out_wav) if preset.dialogue else None
    target = target_of(preset, speech, duration_ms)
    progress(0.2)
    with contextlib.ExitStack() as scratches:

        def spare() -> Path:
            return scratches.enter_context(scratch(out_wav))

        staying = () if mode == "voice_over" else _staying(dialogue, original_dialogue, lines, kept, chosen, spare())
        stems = Stems(
            voice=_prepared(dialogue, original_dialogue, gains, chosen, spare(), notes),
            bed=bed,
            original=original_dialogue,
            kept=_written(original_dialogue, staying, spare()),
        )
        sum_wav = spare()
        both = blended(stems, mode, gain_db, dub.loudness.integrated_lufs + gain_db)
        channels = channels_of(bed)
        exact = both.filter("apad", whole_len=frames).filter("atrim", end_sample=frames)
        graph = media.sink(exact, sum_wav, ac=channels, **{**media.WAV, "acodec": "pcm_f32le"})
        media.run_ffmpeg(graph, duration_ms=duration_ms, progress=lambda done: progress(0.2 + done * 0.3))
        with staged(out_wav) as part:

            def render(programme_db: float, ceiling: float | None) -> Curve:
                write_gained(sum_wav, part, programme_db, ceiling)
                return measure_curve(part)

            made = approach(target, measure_curve(sum_wav), render)
    progress(1.0)
    return MixResult(
        loudness=made.measured.loudness,
        level_lufs=round(target.level(made.measured), 2),
        channels=channels,
        dialogue_gain_db=round(gain_db, 2),
        line_gains={one.line: one.gain_db for one in gains},
        programme_gain_db=round(made.gain_db, 2),
        limited=made.limited,
        bed_mode=mode,
        kept=staying,
        speech=tuple(target.speech or ()),
        notes=(*target.notes, *notes, *made.notes),
    )


@recalled(4)
def _loudness(dialogue: Path) -> Curve:
    """Of a dialogue as it is heard, on both sides; that of the original is asked about in every language."""
    return _measured_on_both_sides(dialogue).curve


@known("loudness-on-both-sides", 1, Measured)
def _measured_on_both_sides(dialogue: Path) -> Measured:
    return measured(stereo(dialogue))


@known("loudness-of-programme", 1, Measured)
def _measured_programme(bed: Path) -> Measured:
    return measured(programme(bed))


def _dialogue_gain(speech: Loudness, original: Loudness, bed: Path, notes: list[str]) -> float:
    if speech.integrated_lufs <= SILENCE_LUFS:
        notes.append("The dub has no speech: the mix is the bed alone.")
        return 0.0
    if original.integrated_lufs > _NO_SPEECH_LUFS:
        wanted = original.integrated_lufs - speech.integrated_lufs
        bounded = max(-_MAX_MATCH_DB, min(_MAX_MATCH_DB, wanted))
        if bounded != wanted:
            notes.append(f"The original dialogue is {wanted:+.0f} dB from the dub; {bounded:+.0f} dB were applied.")
        return bounded
    under = _measured_programme(bed).loudness.integrated_lufs
    if under <= SILENCE_LUFS:
        return 0.0
    notes.append(f"No original dialogue to match: the dub lies {_SPEECH_OVER_BED_LU:.0f} LU above the bed.")
    return under + _SPEECH_OVER_BED_LU - speech.integrated_lufs


def _staying(
    dialogue: Path,
    original: Path,
    lines: Sequence[SpokenLine],
    kept: Spans,
    settings: MixSettings,
    beside: Path,
) -> tuple[tuple[int, int], ...]:
    """Where the original dialogue is heard in the mix."""
    taken = [span for line in lines for span in (line.source, line.dub)]
    found: tuple[tuple[int, int], ...] = ()
    if settings.keep_nonverbal and lines:
        found = nonverbal_spans(original, speech_in(original, beside), taken)
    if kept:
        found = (*found, *without(kept, [*taken, *speech_in(dialogue, beside)]))
    return tuple(merged(found))


def _written(original: Path, staying: Spans, out: Path) -> Path | None:
    if not staying:
        return None
    write_kept(original, staying, out)
    return out


def _prepared(
    dialogue: Path, original: Path, gains: Sequence[LineGain], settings: MixSettings, out: Path, notes: list[str]
) -> Path:
    """The dub with its lines' gains, in its room; itself where nothing changes."""
    if settings.room == "off" and not any(one.gain_db for one in gains):
        return dialogue
    levelled(dialogue, gains, out)
    if settings.room != "off":
        notes.append(room.add_room(out, original, settings.room, settings.room_db))
    return out
