from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.sound.residual import bed_residual
from tests.speech_media import recording

SPEECH = ((1260, 3950), (5250, 6630), (7610, 8690))  # what the clip's own repository asserts


def stems(folder: Path, voice_in_bed_db: float | None) -> tuple[Path, Path]:
    """The true dialogue stem, and the true music stem with the voice left in it at a known level."""
    voice, rate = soundfile.read(recording("_derived/englishvideo_speech_stem.flac"), always_2d=True)
    music, _ = soundfile.read(recording("_derived/englishvideo_music_stem.flac"), always_2d=True)
    length = min(len(voice), len(music))
    music = music * 10 ** (-16 / 20) * np.sqrt((voice**2).mean() / (music**2).mean())
    left = 0.0 if voice_in_bed_db is None else 10 ** (voice_in_bed_db / 20)
    dialogue, bed = folder / "dialogue.wav", folder / "bed.wav"
    soundfile.write(dialogue, voice[:length], rate, subtype="FLOAT")
    soundfile.write(bed, music[:length] + left * voice[:length], rate, subtype="FLOAT")
    return dialogue, bed


@pytest.mark.parametrize("level_db", [-10, -20, -30])
def test_a_voice_left_in_real_music_is_measured_at_its_level(tmp_path: Path, level_db: int) -> None:
    residual = bed_residual(*stems(tmp_path, level_db), SPEECH)
    assert residual is not None
    assert residual.relative_db == pytest.approx(level_db, abs=0.5)


def test_a_clean_bed_passes(tmp_path: Path) -> None:
    residual = bed_residual(*stems(tmp_path, None), SPEECH)
    assert residual is not None
    assert residual.relative_db < -40
    assert residual.bound
    assert not residual.audible


def test_a_remainder_is_audible_only_above_minus_50_dbfs(tmp_path: Path) -> None:
    rate = 48_000
    noise = np.random.default_rng(1).normal(size=(4 * rate, 1)).astype(np.float32)
    verdicts = []
    for level in (0.1, 0.003):
        soundfile.write(tmp_path / "d.wav", noise * level, rate, subtype="FLOAT")
        soundfile.write(tmp_path / "b.wav", noise * level * 0.1, rate, subtype="FLOAT")
        residual = bed_residual(tmp_path / "d.wav", tmp_path / "b.wav", ((0, 4000),))
        assert residual is not None
        assert residual.relative_db == pytest.approx(-20, abs=0.1)
        verdicts.append(residual.audible)
    assert verdicts == [True, False]


def test_a_stereo_bed_beside_a_mono_voice(tmp_path: Path) -> None:
    rate = 48_000
    voice = np.random.default_rng(2).normal(scale=0.1, size=3 * rate)
    soundfile.write(tmp_path / "d.wav", voice, rate, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", np.stack([voice, voice], axis=1) * 0.5, rate, subtype="FLOAT")
    residual = bed_residual(tmp_path / "d.wav", tmp_path / "b.wav", ((0, 3000),))
    assert residual is not None
    assert residual.relative_db == pytest.approx(-6.0, abs=0.1)


@pytest.mark.parametrize("speech", [(), ((0, 100),), ((90_000, 99_000),)])
def test_too_little_speech_is_no_measurement(tmp_path: Path, speech: tuple[tuple[int, int], ...]) -> None:
    soundfile.write(tmp_path / "d.wav", np.full(96_000, 0.1), 48_000)
    assert bed_residual(tmp_path / "d.wav", tmp_path / "d.wav", speech) is None


def test_stems_of_different_rates_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "d.wav", np.full(48_000, 0.1), 48_000)
    soundfile.write(tmp_path / "b.wav", np.full(48_000, 0.1), 44_100)
    with pytest.raises(ValueError, match="44100 Hz"):
        bed_residual(tmp_path / "d.wav", tmp_path / "b.wav", ((0, 900),))
