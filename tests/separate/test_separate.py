from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.separation import at_ratio, load, si_sdr, spoken
from tasks.records.errors import MissingBackendError
from tasks.records.progress import silent
from tasks.separate import classical, demucs, separator
from tasks.separate.demucs import _resampled
from tasks.sound.blocks import crossfaded
from tests.clips import RATE
from tests.speech_media import recording


def separated(
    name: str, folder: Path, mix: np.ndarray, **options: object
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    soundfile.write(folder / "mix.wav", mix, RATE, subtype="PCM_24")
    notes = separator(name, options).separate(folder / "mix.wav", folder / "d.wav", folder / "b.wav", silent)
    return soundfile.read(folder / "d.wav")[0], soundfile.read(folder / "b.wav")[0], notes


def test_classical_beats_the_mix_on_speech_over_music(tmp_path: Path) -> None:
    speech, bed = (
        load(recording(f"_derived/englishvideo_{kind}_stem.flac"))[: 9 * RATE] for kind in ("speech", "music")
    )
    dialogue, background, notes = separated("classical", tmp_path, speech + bed)
    assert si_sdr(speech, dialogue) > si_sdr(speech, speech + bed) + 7
    assert si_sdr(bed, background) > si_sdr(bed, speech + bed) + 7
    assert "audible dialogue" in notes[0]


def test_a_voice_recorded_in_stereo_is_not_thrown_into_the_bed(tmp_path: Path) -> None:
    voice = spoken([recording("linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-0004.wav")])
    apart = np.stack([voice[:, 0], np.roll(voice[:, 1], 300)], axis=1)
    speech, bed = at_ratio(apart, load(recording("speechbrain/tests/samples/noise/noise1.wav")), 15)
    dialogue, _, _ = separated("classical", tmp_path, speech + bed)
    assert si_sdr(speech, dialogue) > 10


def test_pauses_are_all_bed_and_no_speech_is_all_bed(tmp_path: Path) -> None:
    speech = load(recording("_derived/englishvideo_speech_stem.flac"))[: 9 * RATE]
    dialogue, _, _ = separated("classical", tmp_path, speech)
    assert not dialogue[: RATE // 2].any()  # Jordi begins at 1.26 s
    quiet, bed, notes = separated("classical", tmp_path, np.zeros((2 * RATE, 2)))
    assert not quiet.any()
    assert not bed.any()
    assert "No speech" in notes[0]


def test_pieces_join_as_if_there_were_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech, bed = (
        load(recording(f"_derived/englishvideo_{kind}_stem.flac"))[: 9 * RATE] for kind in ("speech", "music")
    )
    mix = np.tile(speech + bed, (3, 1))
    whole, _, _ = separated("classical", tmp_path, mix)
    monkeypatch.setattr(classical, "_CORE", 300 * 1024)
    pieces, _, _ = separated("classical", tmp_path, mix)
    assert apart_db(whole, pieces) < -60


def test_a_learned_separation_by_segments_is_that_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the package's own pass over all of it at once."""
    import torch
    from demucs.apply import apply_model

    monkeypatch.setattr(demucs, "_SEGMENT_S", 1)
    speech, bed = (
        load(recording(f"_derived/englishvideo_{kind}_stem.flac"))[: 5 * RATE] for kind in ("speech", "music")
    )
    dialogue, _, _ = separated("demucs", tmp_path, speech + bed, model="demucs_unittest", device="cpu")
    model = demucs._model("demucs_unittest", None).eval()
    sound = np.concatenate(list(_resampled(iter([speech + bed]), RATE, model.samplerate)))
    mean, deviation = sound.mean(), sound.mean(axis=1).std()
    given = torch.from_numpy((sound.T - mean) / deviation)[None]
    whole = apply_model(model, given, shifts=0, segment=1)[0, model.sources.index("vocals")].numpy().T
    voice = np.concatenate(list(_resampled(iter([whole * deviation + mean]), model.samplerate, RATE)))
    assert apart_db(voice[: len(dialogue)], dialogue) < -60


def apart_db(one: np.ndarray, other: np.ndarray) -> float:
    """Power of the worst tenth of a second of a difference, against the mean power of the whole."""
    assert one.shape == other.shape
    steps = len(one) * 10 // RATE
    apart = ((one - other) ** 2).mean(axis=1)[: steps * RATE // 10].reshape(steps, -1).mean(axis=1)
    return float(10 * np.log10(apart.max() / (one**2).mean() + 1e-12))


def test_a_cross_fade_is_seamless() -> None:
    whole = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    pieces = [(at - max(0, at - 20), whole[max(0, at - 20) : at + 320]) for at in range(0, 1000, 300)]
    assert np.allclose(np.concatenate(list(crossfaded(pieces, 300, 20))), whole, atol=1e-6)


def test_resampling_there_and_back_keeps_the_place(tmp_path: Path) -> None:
    tone = np.sin(np.arange(3 * RATE) * 0.05).astype(np.float32)[:, None].repeat(2, 1)
    there = _resampled(iter(np.array_split(tone, 7)), RATE, 44_100)
    back = np.concatenate(list(_resampled(there, 44_100, RATE)))
    assert abs(len(back) - len(tone)) <= 2
    middle = slice(RATE, 2 * RATE)
    assert np.allclose(back[middle], tone[middle], atol=1e-3)


def test_demucs_weights_from_a_local_folder_are_loaded_and_used(tmp_path: Path) -> None:
    """A tiny untrained model, saved as the library saves its own."""
    import torch
    from demucs.hdemucs import HDemucs
    from demucs.states import save_with_checksum

    torch.manual_seed(3)
    model = HDemucs(sources=["drums", "bass", "other", "vocals"], channels=4, segment=4)
    (tmp_path / "repo").mkdir()
    content = {"klass": HDemucs, "args": (), "kwargs": model._init_args_kwargs[1], "state": model.state_dict()}
    save_with_checksum(content, tmp_path / "repo" / "tiny.th")
    sound = np.random.default_rng(0).normal(0, 0.1, (2 * RATE, 2))
    dialogue, _, notes = separated("demucs", tmp_path, sound, model="tiny", repo=str(tmp_path / "repo"), device="cpu")
    assert notes == ()
    assert np.abs(dialogue).max() > 0


@pytest.mark.parametrize("there", [True, False])
def test_missing_demucs_weights_are_a_missing_backend(tmp_path: Path, there: bool) -> None:
    repo = tmp_path / "repo"
    if there:
        repo.mkdir()
    with pytest.raises(MissingBackendError, match=r"folder|cannot be loaded"):
        separated("demucs", tmp_path, np.zeros((RATE, 2)), model="htdemucs", repo=str(repo), device="cpu")
    assert not (tmp_path / "b.wav").exists()


def test_fake_says_fake(tmp_path: Path) -> None:
    dialogue, bed, notes = separated("fake", tmp_path, np.full((RATE, 2), 0.25))
    assert (dialogue == 0.25).all()
    assert not bed.any()
    assert "Fake" in notes[0]
