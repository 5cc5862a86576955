from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from configs.loudness import LoudnessPreset, loudness_presets
from tasks.mix.mix import measure_loudness, mix
from tasks.sound.aac import encode_aac
from tests.clips import RATE, ffmpeg
from tests.speech_media import recording

SECONDS = 8


def write(path: Path, sound: NDArray[np.floating]) -> Path:
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    return path


def noise(level: float, seed: int = 0, seconds: float = SECONDS) -> NDArray[np.floating]:
    return np.random.default_rng(seed).normal(0, level, (int(seconds * RATE), 2)).clip(-1, 1)


def speech_like(level: float) -> NDArray[np.floating]:
    """Bursts of a buzz, half of the time: a voice as loudness meters see it, with 13 dB of crest."""
    time = np.arange(SECONDS * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 30))
    return level * buzz * (time % 1 < 0.5)


@pytest.fixture
def stems(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Dub (mono), bed, original dialogue."""
    dub = write(tmp_path / "dub.wav", speech_like(0.3))
    bed = write(tmp_path / "bed.wav", noise(0.01))
    original = write(tmp_path / "original.wav", np.repeat(speech_like(0.05)[:, None], 2, axis=1))
    return dub, bed, original


@pytest.mark.parametrize("preset", loudness_presets().values(), ids=lambda preset: preset.name)
def test_the_encoded_file_keeps_every_preset(
    tmp_path: Path, stems: tuple[Path, Path, Path], preset: LoudnessPreset
) -> None:
    made = mix(*stems, preset, tmp_path / "mix.wav")
    encoded = encode_aac(tmp_path / "mix.wav", tmp_path / "mix.m4a", preset)
    facts = soundfile.info(str(tmp_path / "mix.wav"))
    assert (facts.samplerate, facts.channels, facts.subtype, facts.frames) == (RATE, 2, "PCM_24", SECONDS * RATE)
    found = measure_loudness(tmp_path / "mix.m4a")
    assert encoded.loudness == found
    assert encoded.on_target
    wanted = preset.dialogue.fallback_lufs if preset.dialogue else preset.integrated_lufs  # a buzz is no speech
    assert abs(found.integrated_lufs - wanted) <= 0.3
    assert bool(made.notes) == bool(preset.dialogue)
    assert found.true_peak_dbtp <= preset.true_peak_dbtp
    assert made.bed_mode == preset.bed


@pytest.mark.parametrize("name", ["r128", "streaming"])
def test_another_meter_agrees(tmp_path: Path, name: str) -> None:
    """pyloudnorm for loudness; for the true peak, the decoded sound at eight times the rate."""
    import pyloudnorm
    from scipy.signal import resample_poly

    preset = loudness_presets()[name]
    clip, folder = recording("_derived/englishvideo_speech_stem.flac"), tmp_path
    sound, _ = soundfile.read(clip)
    voice, bed = write(folder / "v.wav", sound), write(folder / "b.wav", noise(0.003, seconds=len(sound) / RATE))
    mix(voice, bed, voice, preset, folder / "m.wav")
    encode_aac(folder / "m.wav", folder / "m.m4a", preset)
    ffmpeg("-i", folder / "m.m4a", "-c:a", "pcm_f32le", folder / "heard.wav")
    heard, _ = soundfile.read(folder / "heard.wav")
    assert pyloudnorm.Meter(RATE).integrated_loudness(heard) == pytest.approx(preset.integrated_lufs, abs=0.5)
    assert 20 * np.log10(np.abs(resample_poly(heard, 8, 1, axis=0)).max()) <= preset.true_peak_dbtp


def test_the_dub_is_as_loud_as_the_original_dialogue(tmp_path: Path, stems: tuple[Path, Path, Path]) -> None:
    made = mix(*stems, loudness_presets()["r128"], tmp_path / "m.wav")
    assert made.dialogue_gain_db == pytest.approx(20 * np.log10(0.05 / 0.3), abs=0.15)


def residue(folder: Path, mixed: Path, bed: Path, quiet: bool) -> float:
    """The bed's level in the mix against its own in dB, in speech or in pauses (least squares against the true bed)."""
    sound, under = soundfile.read(mixed)[0], soundfile.read(bed)[0]
    within = (np.arange(len(sound)) / RATE) % 1
    kept = (within > 0.8) if quiet else (within > 0.15) & (within < 0.45)
    difference = (sound[:, 0] - sound[:, 1])[kept]  # the dub is in the middle: only bed is left
    truth = (under[:, 0] - under[:, 1])[kept]
    return float(20 * np.log10(abs(difference @ truth) / (truth @ truth)))


@pytest.mark.parametrize(("name", "expected"), [("r128", 0.0), ("podcast", -9.0)])
def test_the_bed_sinks_under_speech_only_where_the_preset_says_so(
    tmp_path: Path, stems: tuple[Path, Path, Path], name: str, expected: float
) -> None:
    mix(*stems, loudness_presets()[name], tmp_path / "m.wav")
    in_speech = residue(tmp_path, tmp_path / "m.wav", stems[1], quiet=False)
    in_pauses = residue(tmp_path, tmp_path / "m.wav", stems[1], quiet=True)
    assert in_speech - in_pauses == pytest.approx(expected, abs=0.05 if expected == 0 else 3)


def silence(folder: Path) -> tuple[Path, Path, Path]:
    nothing = write(folder / "nothing.wav", np.zeros((2 * RATE, 2)))
    return nothing, nothing, nothing


def near_silence(folder: Path) -> tuple[Path, Path, Path]:
    bed = write(folder / "bed.wav", noise(1e-5))
    quiet = write(folder / "quiet.wav", np.zeros(SECONDS * RATE))
    return quiet, bed, quiet


def too_short(folder: Path) -> tuple[Path, Path, Path]:
    blip = write(folder / "blip.wav", noise(0.1, seconds=0.2))
    return blip, blip, blip


@pytest.mark.parametrize("content", [silence, near_silence, too_short])
def test_silence_is_left_alone_and_said(tmp_path: Path, content: Callable[[Path], tuple[Path, Path, Path]]) -> None:
    preset = loudness_presets()["streaming"]
    made = mix(*content(tmp_path), preset, tmp_path / "m.wav")
    encoded = encode_aac(tmp_path / "m.wav", tmp_path / "m.m4a", preset)
    assert made.notes
    assert not encoded.on_target
    assert encoded.notes
    assert np.abs(soundfile.read(tmp_path / "m.wav")[0]).max() < 1


def test_no_original_dialogue_sets_the_dub_above_the_bed(tmp_path: Path, stems: tuple[Path, Path, Path]) -> None:
    quiet = write(tmp_path / "quiet.wav", np.zeros((SECONDS * RATE, 2)))
    made = mix(stems[0], stems[1], quiet, loudness_presets()["r128"], tmp_path / "m.wav")
    assert any("No original dialogue" in note for note in made.notes)


def test_a_crest_that_cannot_reach_the_target_is_limited_not_clipped(tmp_path: Path) -> None:
    clicks = np.zeros((SECONDS * RATE, 2))
    clicks[::4800] = 0.9
    quiet = write(tmp_path / "q.wav", np.zeros(SECONDS * RATE))
    preset = loudness_presets()["streaming"]
    made = mix(quiet, write(tmp_path / "c.wav", clicks), quiet, preset, tmp_path / "m.wav")
    assert made.limited
    assert "missed" in made.notes[-1]
    assert measure_loudness(tmp_path / "m.wav").true_peak_dbtp <= preset.true_peak_dbtp


def test_a_shorter_or_longer_dialogue_never_changes_the_length(tmp_path: Path, stems: tuple[Path, Path, Path]) -> None:
    for seconds in (SECONDS - 2, SECONDS + 2):
        dub = write(tmp_path / f"{seconds}.wav", noise(0.1, seconds=seconds))
        mix(dub, stems[1], stems[2], loudness_presets()["podcast"], tmp_path / "m.wav")
        assert soundfile.info(str(tmp_path / "m.wav")).frames == SECONDS * RATE


def test_the_same_stems_give_the_same_bytes(tmp_path: Path, stems: tuple[Path, Path, Path]) -> None:
    preset = loudness_presets()["streaming"]
    for name in ("a", "b"):
        mix(*stems, preset, tmp_path / f"{name}.wav")
        encode_aac(tmp_path / f"{name}.wav", tmp_path / f"{name}.m4a", preset)
    for suffix in ("wav", "m4a"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert not list(tmp_path.glob(".*"))
