"""The first backend that is installed and can do the language works; who stands in for whom is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.profile import ChainedSettings, load_profile
from tasks.records.errors import MissingBackendError
from tasks.records.progress import silent
from tasks.synthesize import speaking
from tasks.transcribe import listening

WHISPER = {"model": "base", "compute": "int8", "device": "cpu", "download": False}


def chained(*names: str) -> ChainedSettings:
    first, *others = names
    options = WHISPER if first == "faster-whisper" else {}
    return ChainedSettings(backend=first, options=options, fallbacks=tuple({"backend": name} for name in others))  # type: ignore[arg-type]


@pytest.fixture
def without_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the models that `make setup` brings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("POLYDUB_MODELS", raising=False)
    monkeypatch.setattr("tasks.machine.weights.shelf.package_file", lambda _named: None)


def test_the_first_that_is_able_works_without_a_word() -> None:
    chosen = listening(chained("pocketsphinx", "fake"), "en")
    assert (chosen.backend.facts.name, chosen.notes) == ("pocketsphinx", ())


def test_another_language_is_heard_by_the_next_which_is_told() -> None:
    chosen = listening(chained("pocketsphinx", "fake"), "fr")
    assert chosen.backend.facts.name == "fake"
    assert chosen.notes == ("pocketsphinx does not hear French here: fake stands in.",)


def test_without_its_model_whisper_is_stood_in_for_which_is_told(without_models: None) -> None:
    chosen = listening(load_profile("offline").transcribe, "en")
    assert chosen.backend.facts.name == "pocketsphinx"
    assert len(chosen.notes) == 1
    assert "whisper-base is not installed" in chosen.notes[0]
    assert "make setup" in chosen.notes[0]


def test_where_nobody_is_able_the_first_says_what_it_lacks(without_models: None, tmp_path: Path) -> None:
    chosen = listening(load_profile("offline").transcribe, "fr")
    assert (chosen.backend.facts.name, chosen.notes) == ("faster-whisper", ())
    with pytest.raises(MissingBackendError, match="whisper-base is not installed"):
        chosen.backend.transcribe(tmp_path / "unread.wav", "fr", silent)


def test_a_backend_that_is_named_instead_has_nobody_who_stands_in() -> None:
    assert load_profile("offline").transcribe.fallbacks
    assert load_profile("offline", {"transcribe": {"backend": "fake"}}).transcribe.fallbacks == ()
    assert load_profile("offline", {"transcribe": {"options": {"beam_size": 1}}}).transcribe.fallbacks


def test_any_speaker_stands_in_for_any_other() -> None:
    assert speaking(chained("espeak", "fake"), "es").backend.facts.name == "espeak"
