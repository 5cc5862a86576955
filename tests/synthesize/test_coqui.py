"""Coqui's real loader on a tiny local model; what needs its downloads is checked up to the door."""

from pathlib import Path

import pytest
import soundfile

from tasks.errors import MissingBackendError, UnsupportedError
from tasks.model import Speaker
from tasks.synthesize import synthesizer
from tasks.synthesize.coqui import CoquiSynthesizer, _model_language
from tests.tiny_models import tiny_vits

XTTS = "tts_models/multilingual/multi-dataset/xtts_v2"


@pytest.fixture
def nothing_agreed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    return tmp_path


def test_the_licence_of_xtts_is_never_agreed_to_for_the_user(nothing_agreed: Path) -> None:
    backend = synthesizer("coqui", {"model": XTTS})
    assert "CPML" in str(CoquiSynthesizer.facts.weights_licence)
    assert not CoquiSynthesizer.facts.commercial
    assert "COQUI_TOS_AGREED=1" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match=r"non-commercial.*COQUI_TOS_AGREED=1"):
        backend.synthesize("Hola.", "default", "es", nothing_agreed / "x.wav")


def test_an_agreement_in_the_environment_or_in_coquis_file_counts(
    nothing_agreed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = nothing_agreed / "tts" / XTTS.replace("/", "--")
    folder.mkdir(parents=True)
    (folder / "tos_agreed.txt").write_text("yes")
    assert synthesizer("coqui", {"model": XTTS}).missing() == []
    (folder / "tos_agreed.txt").unlink()
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    assert synthesizer("coqui", {"model": XTTS}).missing() == []


def test_xtts_clones_each_speaker_from_a_reference(tmp_path: Path) -> None:
    references = {"S1": tmp_path / "one.wav", "S2": tmp_path / "two.wav"}
    voices = synthesizer("coqui", {"model": XTTS}).voices("es", [Speaker(id="S1"), Speaker(id="S2")], references)
    assert voices == {name: f"clone:{path}" for name, path in references.items()}


@pytest.mark.parametrize(("model", "language"), [(XTTS, "ca"), ("tts_models/de/thorsten/vits", "es")])
def test_a_language_that_the_model_does_not_speak(model: str, language: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"\({language}\)"):
        synthesizer("coqui", {"model": model}).voices(language, [Speaker(id="S1")], {})


def test_codes_of_multilingual_models() -> None:
    known = ["en", "es", "zh-cn", "pt", "fr-fr"]
    assert [_model_language(tag, known) for tag in ("zh", "zh-Hans", "pt-BR", "fr", "es-419")] == [
        "zh-cn", "zh-cn", "pt", "fr-fr", "es",
    ]  # fmt: skip
    with pytest.raises(UnsupportedError, match="ja"):
        _model_language("ja", known)


@pytest.mark.parametrize("fault", ["broken weights", "no config", "no weights"])
def test_a_model_that_cannot_be_loaded_is_missing(tmp_path: Path, fault: str) -> None:
    folder = tiny_vits(tmp_path / "vits")
    if fault == "broken weights":
        (folder / "model.pth").write_bytes(b"junk")
    else:
        (folder / ("config.json" if fault == "no config" else "model.pth")).unlink()
    model = folder if fault == "no weights" else folder / "model.pth"
    with pytest.raises(MissingBackendError, match="cannot be loaded"):
        synthesizer("coqui", {"model": str(model)}).synthesize("hello", "default", "en", tmp_path / "x.wav")


def test_a_folder_is_as_good_as_its_file(tmp_path: Path) -> None:
    folder = tiny_vits(tmp_path / "vits")
    for name, model in (("a", folder), ("b", folder / "model.pth")):
        synthesizer("coqui", {"model": str(model)}).synthesize("hello", "default", "en", tmp_path / f"{name}.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_other_weights_make_another_fingerprint(tmp_path: Path) -> None:
    folder = tiny_vits(tmp_path / "vits")
    backend = synthesizer("coqui", {"model": str(folder / "model.pth")})
    before = backend.fingerprint()
    content = bytearray((folder / "model.pth").read_bytes())
    content[1000] ^= 1
    (folder / "model.pth").write_bytes(content)
    assert backend.fingerprint() != before


def test_a_reference_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = tiny_vits(tmp_path / "vits")
    backend = synthesizer("coqui", {"model": str(folder / "model.pth")})
    with pytest.raises(UnsupportedError, match=r"gone\.wav"):
        backend.synthesize("hello", f"clone:{tmp_path}/gone.wav", "en", tmp_path / "x.wav")
    assert backend.synthesize("hello", "default", "en", tmp_path / "x.wav").duration_ms > 0
    assert soundfile.info(tmp_path / "x.wav").channels == 1
