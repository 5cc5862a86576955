from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.separation import load, si_sdr
from configs.loudness import loudness_presets
from configs.sound import IngestSettings
from tasks.media.probe import probe
from tasks.mix.mix import measure_loudness, mix
from tasks.separate import separator
from tasks.separate.client_bed import take_client_bed
from tasks.separate.surround import is_surround, separate_surround
from tasks.separate.title_sound import TitleSound
from tasks.sound.aac import encode_aac
from tasks.sound.limiter import write_gained
from tests.clips import RATE, ffmpeg
from tests.speech_media import recording

CENTRE = 2


@pytest.fixture
def film(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """5.1: dialogue and a little noise in the centre, music at the sides, a tone in each of the others."""
    speech = load(recording("_derived/englishvideo_speech_stem.flac"))[: 9 * RATE]
    music = load(recording("_derived/englishvideo_music_stem.flac"))[: 9 * RATE]
    rng = np.random.default_rng(2)
    sound = rng.normal(0, 0.002, (len(speech), 6))
    sound[:, :2] += music
    sound[:, CENTRE] += speech[:, 0]
    for channel, tone_hz in ((3, 45), (4, 300), (5, 520)):
        sound[:, channel] += 0.1 * np.sin(2 * np.pi * tone_hz * np.arange(len(speech)) / RATE)
    path = tmp_path / "film.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_24", format="WAVEX")
    return path, soundfile.read(path)[0]


def test_only_the_centre_is_touched_and_the_bed_stays_surround(film: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, sound = film
    notes = separate_surround(separator("classical", {}), path, tmp_path / "d.wav", tmp_path / "b.wav")
    assert not any("front channels" in note for note in notes)
    bed, dialogue = soundfile.read(tmp_path / "b.wav")[0], soundfile.read(tmp_path / "d.wav")[0]
    assert bed.shape == sound.shape
    untouched = [0, 1, 3, 4, 5]
    assert np.array_equal(bed[:, untouched], sound[:, untouched])
    speech = load(recording("_derived/englishvideo_speech_stem.flac"))[: 9 * RATE]
    assert si_sdr(speech.astype(np.float32), dialogue.astype(np.float32)) > 15
    assert np.mean(bed[:, CENTRE] ** 2) < 0.02 * np.mean(sound[:, CENTRE] ** 2)


def test_dialogue_in_centre_and_fronts_leaves_both(film: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    _, sound = film
    sound[:, :2] = 0.5 * sound[:, CENTRE : CENTRE + 1]
    soundfile.write(tmp_path / "wide.wav", sound, RATE, subtype="PCM_24", format="WAVEX")
    out = tmp_path / "d.wav", tmp_path / "b.wav"
    notes = separate_surround(separator("classical", {}), tmp_path / "wide.wav", *out)
    assert any("front channels" in note for note in notes)
    assert np.mean(soundfile.read(out[1])[0][:, :3] ** 2) < 0.02 * np.mean(sound[:, :3] ** 2)


def test_dialogue_in_the_fronts_is_found_there(film: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    _, sound = film
    swapped = sound.copy()
    swapped[:, 0] = swapped[:, 1] = sound[:, CENTRE]
    swapped[:, CENTRE] = 0
    soundfile.write(tmp_path / "phantom.wav", swapped, RATE, subtype="PCM_24", format="WAVEX")
    out = tmp_path / "d.wav", tmp_path / "b.wav"
    notes = separate_surround(separator("classical", {}), tmp_path / "phantom.wav", *out)
    assert any("front channels" in note for note in notes)
    assert np.mean(soundfile.read(out[1])[0][:, :2] ** 2) < 0.02 * np.mean(swapped[:, :2] ** 2)


@pytest.mark.parametrize("name", ["r128", "streaming"])
def test_a_surround_bed_gives_a_surround_dub_with_the_voice_in_the_centre(
    film: tuple[Path, np.ndarray], tmp_path: Path, name: str
) -> None:
    _, sound = film
    bed = sound.copy()
    bed[:, CENTRE] = 0
    soundfile.write(tmp_path / "b.wav", bed, RATE, subtype="PCM_24", format="WAVEX")
    voice = sound[:, CENTRE] * 0.5
    soundfile.write(tmp_path / "v.wav", voice, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "o.wav", np.repeat(sound[:, CENTRE : CENTRE + 1], 2, axis=1), RATE, subtype="PCM_24")
    preset = loudness_presets()[name]
    made = mix(tmp_path / "v.wav", tmp_path / "b.wav", tmp_path / "o.wav", preset, tmp_path / "m.wav")
    encoded = encode_aac(tmp_path / "m.wav", tmp_path / "m.m4a", preset)
    assert made.channels == 6
    facts = probe(tmp_path / "m.m4a").audio[0]
    assert (facts.channels, facts.codec) == (6, "aac")
    assert encoded.on_target
    assert abs(encoded.loudness.integrated_lufs - preset.integrated_lufs) <= 0.3
    mixed = soundfile.read(tmp_path / "m.wav")[0]
    assert made.dialogue_gain_db == pytest.approx(6.0, abs=0.2)
    if name == "r128":  # one gain, and every channel in its place
        gain = 10 ** (made.programme_gain_db / 20)
        assert np.abs(mixed[:, [0, 1, 3, 4, 5]] - gain * bed[:, [0, 1, 3, 4, 5]]).max() < 1e-4
        assert np.abs(mixed[:, CENTRE] - gain * 2 * voice).max() < 0.02
    ffmpeg("-i", tmp_path / "m.m4a", "-c:a", "pcm_f32le", tmp_path / "heard.wav")
    heard = soundfile.read(tmp_path / "heard.wav")[0]
    for channel in range(6):
        assert np.corrcoef(mixed[:, channel], heard[: len(mixed), channel])[0, 1] > 0.9


def test_a_limited_surround_mix_keeps_every_channel_as_it_was(film: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, sound = film
    write_gained(path, tmp_path / "held.wav", 22.0, -1.0)
    held = soundfile.read(tmp_path / "held.wav")[0]
    assert held.shape == sound.shape
    assert np.abs(sound * 10 ** (22 / 20)).max() > 1.5  # the limiter has work to do
    assert measure_loudness(tmp_path / "held.wav").true_peak_dbtp <= -0.8
    for channel in range(6):
        assert np.corrcoef(sound[:, channel], held[:, channel])[0, 1] > 0.95


def test_a_clients_surround_bed_stays_surround(film: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, sound = film
    assert is_surround(probe(path))
    title = TitleSound(path, path, None, 9000, 6)
    take_client_bed(path, title, IngestSettings(), (), tmp_path / "bed.wav")
    kept = soundfile.read(tmp_path / "bed.wav")[0]
    assert kept.shape == (9 * RATE, 6)
    assert np.allclose(kept, sound[: 9 * RATE], atol=1e-6)
