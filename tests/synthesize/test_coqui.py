"""Coqui: what is known before loading, what is refused, and real audio from an untrained model of our own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.records.errors import BadInputError, MissingBackendError, UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import Synthesizer, synthesizer
from tasks.synthesize.coqui_models import XTTS_CODES, xtts_code
from tests.tiny_coqui import save_tiny_vits, save_tiny_xtts

XTTS = "tts_models/multilingual/multi-dataset/xtts_v2"
CAST = [Speaker(id="A"), Speaker(id="B")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture
def local(checkpoint: Path) -> Synthesizer:
    return synthesizer("coqui", {"model_path": str(checkpoint), "device": "cpu"})


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing downloaded, nothing reachable, nothing agreed to."""
    monkeypatch.setenv("TTS_HOME", str(tmp_path / "models"))
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("model", "licence", "commercial", "clones", "languages"),
    [
        (XTTS, "CPML", False, True, 17),
        ("tts_models/en/ljspeech/vits", "apache 2.0", True, False, 1),
        ("tts_models/multilingual/multi-dataset/your_tts", "CC BY-NC-ND 4.0", False, False, None),
        ("tts_models/deu/fairseq/vits", "CC BY-NC 4.0", False, False, 1),
    ],
)
def test_a_models_facts_are_known_without_loading_it(
    model: str, licence: str, commercial: bool, clones: bool, languages: int | None
) -> None:
    facts = synthesizer("coqui", {"model": model}).facts
    assert (facts.weights_licence, facts.commercial, facts.clones) == (licence, commercial, clones)
    assert (len(facts.languages) if facts.languages else None) == languages
    assert facts.network


def test_a_local_xtts_clones_and_keeps_its_licence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model": "xtts"}))
    (tmp_path / "model.pth").write_bytes(b"")
    facts = synthesizer("coqui", {"model_path": str(tmp_path)}).facts
    assert (facts.clones, facts.weights_licence, facts.commercial, facts.network) == (True, "CPML", False, False)


@pytest.mark.usefixtures("_no_network")
def test_terms_are_never_agreed_to_for_the_user(tmp_path: Path) -> None:
    backend = synthesizer("coqui", {"model": XTTS})
    (advice,) = backend.missing()
    assert "COQUI_TOS_AGREED=1" in advice
    assert "non-commercial" in advice
    with pytest.raises(MissingBackendError, match="COQUI_TOS_AGREED=1"):
        backend.voices("es", CAST, {})
    with pytest.raises(MissingBackendError, match="COQUI_TOS_AGREED=1"):
        backend.synthesize("Hola.", "Claribel Dervla", "es", tmp_path / "line.wav")
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("_no_network")
def test_terms_that_the_user_agreed_to_in_coquis_own_prompt_count(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tts" / XTTS.replace("/", "--")
    folder.mkdir(parents=True)
    (folder / "tos_agreed.txt").write_text("agreed")
    assert synthesizer("coqui", {"model": XTTS}).missing() == []


@pytest.mark.usefixtures("_no_network")
def test_a_download_that_fails_is_a_missing_backend(tmp_path: Path) -> None:
    backend = synthesizer("coqui", {"model": "tts_models/en/ljspeech/vits"})
    with pytest.raises(MissingBackendError, match="ljspeech/vits cannot be loaded"):
        backend.synthesize("Hello.", "default", "en", tmp_path / "line.wav")
    assert not (tmp_path / "line.wav").exists()


def test_a_model_that_coqui_does_not_list_is_said_to_be_missing() -> None:
    assert (
        "no model 'tts_models/en/nobody/none'"
        in synthesizer("coqui", {"model": "tts_models/en/nobody/none"}).missing()[0]
    )


def test_local_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    absent = synthesizer("coqui", {"model_path": str(tmp_path / "model.pth")}).missing()
    assert len(absent) == 2
    assert "config.json" in absent[1]


def test_a_damaged_checkpoint_is_a_missing_backend(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"no checkpoint")
    (tmp_path / "config.json").write_bytes((checkpoint.parent / "config.json").read_bytes())
    backend = synthesizer("coqui", {"model_path": str(tmp_path / "model.pth"), "device": "cpu"})
    with pytest.raises(MissingBackendError, match="cannot be loaded"):
        backend.synthesize("Hello.", "default", "en", tmp_path / "line.wav")


def test_a_config_without_a_model_is_a_mistake_in_the_profile(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="config_path needs model_path"):
        synthesizer("coqui", {"config_path": str(tmp_path / "config.json")})


@pytest.mark.parametrize(("tag", "code"), [("zh-Hans", "zh-cn"), ("zh", "zh-cn"), ("pt-BR", "pt"), ("en-GB", "en")])
def test_tags_become_xtts_codes(monkeypatch: pytest.MonkeyPatch, tag: str, code: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: "installed")
    assert xtts_code(tag) == code
    assert code in XTTS_CODES


def test_a_language_that_the_model_does_not_speak_is_refused_before_loading() -> None:
    with pytest.raises(UnsupportedError, match="XTTS does not speak ca"):
        synthesizer("coqui", {"model": XTTS}).voices("ca", CAST, {})
    with pytest.raises(UnsupportedError, match="speaks en, not es"):
        synthesizer("coqui", {"model": "tts_models/en/ljspeech/vits"}).voices("es", CAST, {})


def test_speakers_with_a_clip_are_cloned_and_the_voice_tells_one_clip_from_another(tmp_path: Path) -> None:
    clips = {name: tmp_path / f"{name}.wav" for name in "AB"}
    for name, clip in clips.items():
        soundfile.write(clip, np.full(24_000, 0.1 * ord(name) / 100), 24_000)
    backend = synthesizer("coqui", {"model": XTTS})
    voices = backend.voices("es", CAST, clips)
    assert voices["A"].startswith("clone of A (")
    assert voices["B"].startswith("clone of B (")
    assert str(tmp_path) not in "".join(voices.values())
    clips["A"].write_bytes(clips["B"].read_bytes())
    assert synthesizer("coqui", {"model": XTTS}).voices("es", CAST, clips)["A"] != voices["A"]


def test_a_single_voice_model_speaks_for_all(local: Synthesizer) -> None:
    assert local.voices("en", CAST, {}) == {"A": "default", "B": "default"}


def test_the_packages_padding_is_trimmed(local: Synthesizer, tmp_path: Path) -> None:
    spoken = local.synthesize("Hello there.", "default", "en", tmp_path / "line.wav")
    samples, rate = soundfile.read(str(spoken.audio))
    assert np.abs(samples[-rate // 20 :]).max() > 0.003
    assert np.abs(samples[: rate // 20]).max() > 0.003


def test_a_long_line_is_spoken_whole_in_pieces(local: Synthesizer, tmp_path: Path) -> None:
    sentence = "This is a sentence of some length, to be said again and again."
    one = local.synthesize(sentence, "default", "en", tmp_path / "1.wav").duration_ms
    eight = local.synthesize(" ".join([sentence] * 8), "default", "en", tmp_path / "8.wav").duration_ms
    assert eight == pytest.approx(8 * one, rel=0.15)


def test_another_seed_is_another_reading(checkpoint: Path, tmp_path: Path) -> None:
    takes = []
    for seed in (0, 1):
        backend = synthesizer("coqui", {"model_path": str(checkpoint), "device": "cpu", "seed": seed})
        takes.append(
            (
                backend.fingerprint(),
                backend.synthesize("Hello.", "default", "en", tmp_path / "l.wav").audio.read_bytes(),
            )
        )
    assert takes[0][0] != takes[1][0]
    assert takes[0][1] != takes[1][1]


def test_the_fingerprint_follows_the_files_not_their_place(
    checkpoint: Path, tmp_path: Path, local: Synthesizer
) -> None:
    for name in ("model.pth", "config.json"):
        (tmp_path / name).write_bytes((checkpoint.parent / name).read_bytes())
    copied = synthesizer("coqui", {"model_path": str(tmp_path / "model.pth")})
    assert copied.fingerprint() == local.fingerprint()
    (tmp_path / "config.json").write_text("{}")
    assert copied.fingerprint() != local.fingerprint()


def test_random_numbers_of_others_are_left_alone(local: Synthesizer, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    local.synthesize("Hello.", "default", "en", tmp_path / "line.wav")
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.slow
def test_xtts_from_a_folder_speaks_with_the_speakers_clip(tmp_path: Path) -> None:
    seconds = np.arange(4 * 22_050) / 22_050
    clips = {}
    for name, hz in (("A", 110), ("B", 220)):
        clips[name] = tmp_path / f"{name}.wav"
        sound = 0.2 * np.sin(2 * np.pi * hz * seconds) * (1 + np.sin(2 * np.pi * 3 * seconds))
        soundfile.write(clips[name], sound, 22_050)
    backend = synthesizer("coqui", {"model_path": str(save_tiny_xtts(tmp_path / "xtts")), "device": "cpu"})
    assert backend.missing() == []
    voices = backend.voices("pt-BR", [*CAST, Speaker(id="C")], clips)
    assert voices["C"] in (voices["A"], voices["B"])
    takes = {}
    for name in "AB":
        spoken = backend.synthesize("Hola a todos.", voices[name], "pt-BR", tmp_path / "line.wav")
        assert spoken.duration_ms > 100
        takes[name] = spoken.audio.read_bytes()
    assert takes["A"] != takes["B"]
    again = backend.synthesize("Hola a todos.", voices["A"], "pt-BR", tmp_path / "line.wav")
    assert again.audio.read_bytes() == takes["A"]
    slow, fast = (
        backend.synthesize("Hola a todos.", voices["A"], "pt-BR", tmp_path / "paced.wav", pace).duration_ms
        for pace in (0.8, 1.25)
    )
    assert slow > 1.2 * fast


def test_a_clone_of_nobody_is_refused(local: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no voice 'clone of A"):
        local.synthesize("Hello.", "clone of A (12345678)", "en", tmp_path / "line.wav")


def test_languages_that_need_a_further_package_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model": "xtts"}))
    (tmp_path / "model.pth").write_bytes(b"")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    for language, package in (("ja", "cutlet"), ("zh-Hans", "pypinyin")):
        with pytest.raises(MissingBackendError, match=package):
            synthesizer("coqui", {"model_path": str(tmp_path)}).voices(language, CAST, {"A": tmp_path / "model.pth"})
