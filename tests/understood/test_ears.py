"""Who listens to a dub, and how lines are heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.profile import ChainedSettings, load_profile
from tasks.keep.store import Store
from tasks.machine.weights import located
from tasks.records.registry import BackendFacts
from tasks.records.script import Speaker
from tasks.synthesize import synthesizer
from tasks.understood import ears
from tasks.understood.ears import clip_of, ears_for
from tasks.understood.lines import hear_lines

here = pytest.mark.skipif(not located("whisper-base") or not located("kokoro"), reason="`make setup` brings the models")


def test_nobody_listens_for_a_profile_that_invents_its_words() -> None:
    assert ears_for(load_profile("fake").transcribe, "es").listener is None


def test_a_language_that_no_recogniser_knows_is_named() -> None:
    deaf = ears_for(load_profile("offline").transcribe, "xh")
    assert (deaf.listener, deaf.deaf) == (None, "not heard: there is no recogniser for Xhosa (xh) here")


def test_without_whisper_english_alone_is_heard_roughly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.transcribe.faster_whisper.here", lambda _name: False)
    offline = load_profile("offline").transcribe
    assert (ears_for(offline, "en-GB").name, ears_for(offline, "en-GB").advisory) == ("pocketsphinx", True)
    assert ears_for(offline, "es").listener is None


def test_a_recogniser_that_is_paid_for_hears_the_dub_and_no_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Paid:
        facts = BackendFacts(name="paid", code_licence="none", paid=True)

        def fingerprint(self) -> str:
            return "paid:1"

        def missing(self) -> list[str]:
            return []

    monkeypatch.setattr("tasks.transcribe.faster_whisper.here", lambda _name: False)
    monkeypatch.setattr(ears, "listening", lambda *_: type("Chosen", (), {"backend": Paid()}))
    assert ears_for(ChainedSettings(backend="paid"), "es").listener is None
    assert ears_for(ChainedSettings(backend="paid"), "es", paid=True).name == "paid"


def test_a_small_model_warns_only_where_its_own_errors_are_many() -> None:
    settings = ChainedSettings(backend="faster-whisper", options={"model": "base", "download": True})
    assert not ears_for(settings, "es-MX").advisory
    assert ears_for(settings, "sv").advisory


def test_a_changed_line_is_heard_with_its_own_group_alone() -> None:
    rng = np.random.default_rng(5)
    clips = [rng.integers(-9000, 9000, 16_000 * 2, np.int16) for _ in range(60)]
    groups = [[ears._digest(clip) for clip in group] for group in ears._groups(clips)]
    changed = [*clips[:20], clips[20] // 2, *clips[21:]]
    after = [[ears._digest(clip) for clip in group] for group in ears._groups(changed)]
    assert sum(group not in groups for group in after) <= 3
    assert max(map(len, groups)) * 3 <= 24


def test_a_clip_is_cut_within_its_file_and_as_loud_as_any(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.01 * np.sin(np.arange(48_000) / 20), 48_000)
    clip = clip_of(tmp_path / "a.wav", -100, 500)
    assert len(clip) == 8000
    assert np.abs(clip).max() == pytest.approx(16_384, rel=0.01)
    assert len(clip_of(tmp_path / "a.wav", 2000, 3000)) == 0


@pytest.mark.slow
@here
def test_whisper_hears_kokoro_and_hears_when_two_lines_are_swapped(tmp_path: Path) -> None:
    voice = synthesizer("kokoro", {})
    who = voice.voices("es", [Speaker(id="A", pitch_hz=110)], {})["A"]
    said = ["Un ordenador hizo esta voz y esta música.", "El tren sale a las 19:45 de Barcelona."]
    clips = []
    for number, text in enumerate(said):
        made = voice.synthesize(text, who, "es", tmp_path / f"{number}.wav")
        clips.append(lambda path=made.audio: clip_of(path))
    listener, store = ears_for(load_profile("offline").transcribe, "es"), Store(tmp_path / "store")
    right = hear_lines(listener, said, clips, store)
    swapped = hear_lines(listener, said, clips[::-1], store)
    assert [line.understanding.understood for line in right] == [True, True]
    assert [line.understanding.other for line in swapped] == [True, True]
