from __future__ import annotations

from pathlib import Path

import pytest

from tasks.adapt.adapt import faithful
from tasks.keep.store import Store
from tasks.qc.timing import missing_lines
from tasks.records.script import Line, Script
from tasks.synthesize import Synthesizer, synthesizer
from tasks.synthesize.takes import VoiceSession
from tasks.words.speakable import speaks

SILENT = ["", " ", "...", "…", "♪", "♪ ♪", "🎉", "?!", "—", "\u200b", "¿?", "。"]


def session(folder: Path, backend: Synthesizer, language: str, voice: str) -> VoiceSession:
    return VoiceSession(Store(folder / "store"), backend, language, {"S1": voice}, {}, folder)


@pytest.mark.parametrize("text", SILENT)
def test_dots_notes_and_pictures_have_nothing_to_say(text: str) -> None:
    assert not speaks(text)


@pytest.mark.parametrize("text", ["a", "7", "½", "は", "ا", "नमस्ते", "… no", "♪ la ♪"])
def test_letters_and_digits_of_any_script_have(text: str) -> None:
    assert speaks(text)


@pytest.mark.parametrize("name", ["fake", "espeak"])
def test_a_line_with_nothing_to_say_is_silent_and_told_and_the_others_are_spoken(tmp_path: Path, name: str) -> None:
    backend = synthesizer(name, {})
    lines = [Line(id=1, start_ms=0, end_ms=900, text="Hola.")]
    lines += [Line(id=2 + n, start_ms=1000 + n, end_ms=1001 + n, text=text) for n, text in enumerate(SILENT)]
    voice = "hum-150" if name == "fake" else backend.voices("es", [], {}).get("S1", "es")
    spoken, notes = session(tmp_path, backend, "es", voice).sayable(lines)
    assert [line.id for line in spoken] == [1]
    assert len(notes) == len(SILENT)
    assert "Line 4 has no words (“...”): it stays silent." in notes
    assert "Line 2 has no text: it stays silent." in notes


def test_letters_that_a_voice_has_no_sound_for_are_silent_too(tmp_path: Path) -> None:
    lines = [Line(id=1, start_ms=0, end_ms=900, text="Hola."), Line(id=2, start_ms=1000, end_ms=1900, text="ʼ\u1d2c")]
    from tasks.synthesize import NothingToSayError

    class Mute:
        facts = synthesizer("fake", {}).facts

        def fingerprint(self) -> str:
            return "mute"

        def synthesize(self, text: str, *rest: object) -> object:
            if text != "Hola.":
                raise NothingToSayError(f"nothing to pronounce in {text!r}")
            return synthesizer("fake", {}).synthesize(text, "hum-150", "es", rest[2])  # type: ignore[arg-type]

    spoken, notes = session(tmp_path, Mute(), "es", "hum-150").sayable(lines)  # type: ignore[arg-type]
    assert [line.id for line in spoken] == [1]
    assert notes == ["Line 2 has nothing that fake can pronounce (“ʼᴬ”): it stays silent."]


def test_a_silent_line_is_no_missing_line_and_no_candidate() -> None:
    line = Line(id=1, start_ms=0, end_ms=900, text="...")
    assert missing_lines(Script(language="es", lines=(line,)), []).value == 0
    source = line.model_copy(update={"text": "Hello."})
    assert faithful("…", source, "en", "es", ()) == "it has no words"
