from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.separation import spoken
from configs.loudness import loudness_presets
from configs.sound import MixSettings
from tasks.mix.keep import nonverbal_spans, without, write_kept
from tasks.mix.levels import SpokenLine, line_gains
from tasks.mix.mix import mix
from tasks.mix.room import add_room, decay_s
from tasks.records.quality import Loudness
from tasks.sound.loudness import Curve, measure_curve
from tasks.sound.target import target_of
from tests.clips import RATE
from tests.speech_media import recording

spans = st.lists(st.builds(lambda start, length: (start, start + length), st.integers(0, 5000), st.integers(1, 900)))


def curve_of(levels: list[float]) -> Curve:
    return Curve(Loudness(integrated_lufs=-23, true_peak_dbtp=-3), np.repeat(np.array(levels), 10))


def noise(level: float, seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, int(seconds * RATE))


def test_dialogue_is_measured_where_it_is_and_the_programme_where_there_is_little() -> None:
    preset = loudness_presets()["netflix"]
    measured = curve_of([-20, -30, -30, -30])
    dialogue = target_of(preset, [(1000, 4000)], 4000)
    assert (dialogue.lufs, dialogue.notes) == (-27, ())
    assert dialogue.level(measured) == pytest.approx(-30, abs=1)
    sparse = target_of(preset, [(1000, 1500)], 4000)
    assert (sparse.lufs, sparse.level(measured)) == (-24, -23)
    assert "12%" in sparse.notes[0]


def test_loudness_over_time_is_that_of_the_sound(tmp_path: Path) -> None:
    sound = np.concatenate([noise(0.1, 3), noise(0.01, 3)])
    soundfile.write(tmp_path / "x.wav", np.repeat(sound[:, None], 2, axis=1), RATE)
    measured = measure_curve(tmp_path / "x.wav")
    assert measured.during([(500, 2500)]) - measured.during([(3500, 5500)]) == pytest.approx(20, abs=0.2)
    assert measured.during([]) == -70


def test_lines_follow_the_actor_within_bounds_and_one_speaker_does_not_jump() -> None:
    original, dub = curve_of([-20, -24, -20, -40, -20]), curve_of([-20, -20, -20, -20, -20])
    lines = [SpokenLine(n, s, (n * 1000, n * 1000 + 700), (n * 1000, n * 1000 + 700)) for n, s in enumerate("ABABB")]
    gains = {one.line: one.gain_db for one in line_gains(lines, original, dub, 0.0, 6.0)}
    assert gains[0] == pytest.approx(0, abs=1)
    assert gains[1] < -1  # the actor's 4 dB, and the line after it
    assert gains[3] == -6  # he was 20 dB softer
    assert gains[3] < gains[4] < 0  # not from -6 to 0 at once


def test_a_laugh_between_lines_stays_and_speech_does_not(tmp_path: Path) -> None:
    sound = np.zeros(6 * RATE)
    sound[RATE : 2 * RATE] = noise(0.1, 1)  # speech
    sound[3 * RATE : int(3.5 * RATE)] = noise(0.05, 0.5, 1)  # a laugh
    soundfile.write(tmp_path / "o.wav", np.repeat(sound[:, None], 2, axis=1), RATE)
    kept = nonverbal_spans(tmp_path / "o.wav", [(1000, 2000)], [(900, 2100)])
    assert len(kept) == 1
    assert kept[0] == pytest.approx((2940, 3560), abs=20)
    write_kept(tmp_path / "o.wav", kept, tmp_path / "k.wav")
    heard = soundfile.read(tmp_path / "k.wav")[0][:, 0]
    assert np.allclose(heard[3 * RATE : int(3.5 * RATE)], sound[3 * RATE : int(3.5 * RATE)], atol=1e-4)
    assert not heard[: int(2.9 * RATE)].any()


def test_a_song_stays_in_the_mix_except_where_somebody_speaks(tmp_path: Path) -> None:
    original = soundfile.read(recording("_derived/englishvideo_speech_stem.flac"))[0][: 8 * RATE]
    dub = np.zeros(8 * RATE)
    dub[4 * RATE :] = original[2 * RATE : 6 * RATE]
    silence = np.zeros((8 * RATE, 2))
    for name, sound in (("d", dub), ("b", silence), ("o", np.repeat(original[:, None], 2, axis=1))):
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE, subtype="PCM_24")
    stems = [tmp_path / f"{name}.wav" for name in "dbo"]
    line = SpokenLine(1, "S1", (4000, 8000), (4000, 8000))
    preset, quiet = loudness_presets()["r128"], MixSettings(keep_nonverbal=False, line_levels_db=0)
    made = mix(*stems, preset, tmp_path / "m.wav", settings=quiet, lines=[line], kept=[(2000, 5000)])
    assert made.kept == ((2000, 3880),)
    mixed = soundfile.read(tmp_path / "m.wav")[0][:, 0] / 10 ** (made.programme_gain_db / 20)
    inside = slice(int(2.1 * RATE), int(3.8 * RATE))
    assert np.abs(mixed[inside] - original[inside]).max() < 1e-4
    assert not mixed[: 2 * RATE].any()
    assert np.abs(mixed[4 * RATE :] - dub[4 * RATE :] * 10 ** (made.dialogue_gain_db / 20)).max() < 1e-3


@given(spans, spans)
def test_nothing_stays_where_somebody_speaks(kept: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    rest = without(kept, taken)
    moments = range(0, 6000, 50)
    assert all(start < end for start, end in rest)
    for at in moments:
        stays = any(start <= at < end for start, end in rest)
        assert not stays or any(start <= at < end for start, end in kept)
        assert not stays or not any(start <= at < end for start, end in taken)


def test_a_voice_over_keeps_the_original_under_the_dub(tmp_path: Path) -> None:
    time = np.arange(8 * RATE) / RATE
    original = 0.1 * np.sin(2 * np.pi * 1000 * time)
    dub = noise(0.05, 8) * (time >= 4)
    for name, sound in (("d", dub), ("b", np.zeros((8 * RATE, 2))), ("o", np.repeat(original[:, None], 2, axis=1))):
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE, subtype="PCM_24")
    stems = [tmp_path / f"{name}.wav" for name in "dbo"]
    mix(*stems, loudness_presets()["r128"], tmp_path / "m.wav", settings=MixSettings(bed="voice_over"))
    mixed = soundfile.read(tmp_path / "m.wav")[0][:, 0]
    tone = [
        abs(np.mean(mixed[s * RATE : e * RATE] * np.exp(-2j * np.pi * 1000 * time[s * RATE : e * RATE])))
        for s, e in ((1, 3), (5, 7))
    ]
    assert 8 < 20 * np.log10(tone[0] / tone[1]) < 20


def test_a_room_rings_after_the_voice_and_does_not_move_it(tmp_path: Path) -> None:
    sound = np.zeros((2 * RATE, 1), np.float32)
    sound[RATE] = 0.5
    soundfile.write(tmp_path / "v.wav", sound, RATE, subtype="FLOAT")
    said = add_room(tmp_path / "v.wav", tmp_path / "v.wav", "small", -12)
    wet = soundfile.read(tmp_path / "v.wav")[0]
    assert "0.25 s" in said
    assert np.abs(wet[:RATE]).max() < 1e-6
    assert wet[RATE] == pytest.approx(0.5)
    assert 10 * np.log10(np.sum(wet[RATE + 1 :] ** 2) / 0.25) == pytest.approx(-12, abs=0.5)


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("number", [1, 5])
def test_the_decay_of_a_room_is_heard_in_speech(tmp_path: Path, seconds: float, number: int) -> None:
    from scipy.signal import fftconvolve

    names = [f"linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-000{n}.wav" for n in (number, number + 1)]
    speech = spoken([recording(name) for name in names])[:, 0]
    time = np.arange(int(RATE * seconds)) / RATE
    tail = np.random.default_rng(number).standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail[: RATE // 250] = 0
    wet = speech + fftconvolve(speech, tail / np.linalg.norm(tail))[: len(speech)]
    soundfile.write(tmp_path / "o.wav", 0.3 * np.repeat(wet[:, None], 2, axis=1), RATE, subtype="FLOAT")
    assert decay_s(tmp_path / "o.wav") == pytest.approx(seconds, rel=0.3)


def test_a_room_cannot_be_measured_without_speech(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "o.wav", np.zeros((2 * RATE, 2)), RATE)
    assert decay_s(tmp_path / "o.wav") is None
