"""A line that is not understood is spoken again another way; where nothing helps it is told with what was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from configs.profile import PaceSettings
from tasks.keep.store import Store
from tasks.records import registry
from tasks.records.errors import MissingBackendError
from tasks.records.progress import Progress
from tasks.records.script import Line, Script, Speaker, Word
from tasks.records.take import Take
from tasks.synthesize import PLAIN, Manner, Spoken
from tasks.synthesize.respell import respelled
from tasks.synthesize.retakes import Retaken, clearest
from tasks.synthesize.takes import VoiceSession
from tasks.synthesize.wave import write_wav
from tasks.understood.ears import Ears

SETTINGS = PaceSettings.model_validate({})
HARD = Line(id=2, start_ms=1000, end_ms=2000, text="La “NASA” pagó 25 euros.", speaker="A")


class Mumbler:
    """A stand-in that hisses unless it is asked at a pace of ``clear``; ``lengths``: of takes in ms, by pace."""

    facts = registry.BackendFacts(name="mumbler", code_licence="Apache-2.0", paces=True)

    def __init__(self, clear: Sequence[float] = (), lengths: Mapping[float, int] | None = None) -> None:
        self.clear, self.lengths = clear, lengths or {}
        self.asked: list[tuple[str, float]] = []

    def fingerprint(self) -> str:
        return f"mumbler:{self.clear}:{self.lengths}"

    def missing(self) -> list[str]:
        return []

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        return {speaker.id: "hum" for speaker in speakers}

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        self.asked.append((text, pace))
        length_ms = self.lengths.get(pace, 1000)
        rng = np.random.default_rng(len(text))
        steady = pace in self.clear
        sound = np.full(16 * length_ms, 0.1) if steady else rng.normal(0, 0.1, 16 * length_ms)
        write_wav(out, sound.astype(np.float32), 16_000)
        return Spoken(audio=out, duration_ms=length_ms)


class Listener:
    """A stand-in that hears the line in a steady sound and something else in noise."""

    facts = registry.BackendFacts(name="listener", code_licence="Apache-2.0")

    def __init__(self) -> None:
        self.times = 0

    def fingerprint(self) -> str:
        return "listener:1"

    def missing(self) -> list[str]:
        return []

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        self.times += 1
        samples, _ = soundfile.read(audio, dtype="float32")
        steady = float(np.median(np.abs(samples[8_000:-16_000]))) > 0.45
        said = HARD.text if steady else "fuego hielo"
        words = tuple(Word(text=word, start_ms=510, end_ms=520) for word in said.split())
        return Script(language="es", lines=(Line(id=0, start_ms=0, end_ms=1, text="x", words=words),))


def run(folder: Path, backend: Mumbler, most: int = 2) -> tuple[list[Take], list[Retaken], list[str], Listener]:
    folder.joinpath("work").mkdir(exist_ok=True)
    listener = Listener()
    session = VoiceSession(
        Store(folder / "store"), backend, "es", {"A": "hum"}, {}, folder / "work", ears=Ears("es", listener)
    )
    takes = [session.take(line) for line in (HARD,)]
    kept, told, notes = clearest(session, [HARD], takes, SETTINGS, most)
    return kept, told, notes, listener


def test_noise_first_and_clear_the_second_time_is_retaken_and_told(tmp_path: Path) -> None:
    backend = Mumbler(clear=[0.9], lengths={0.9: 1100})
    kept, (told,), notes, _ = run(tmp_path, backend)
    assert kept[0].pace == 0.9
    assert (told.before, told.after, told.won, told.understood) == (1.0, 0.0, "slower", True)
    assert told.ways == ("respelled", "slower")
    assert backend.asked[1][0] == "La Nasa pagó veinticinco euros."
    assert notes == [
        "1 line was not understood and spoken again: 1 is understood now, 0 not.",
        "Line 2 is understood now, slower.",
    ]


def test_a_hopeless_line_keeps_its_first_take_and_says_what_is_heard(tmp_path: Path) -> None:
    backend = Mumbler()
    kept, (told,), notes, _ = run(tmp_path, backend)
    assert len(backend.asked) == 3  # once, and two retakes
    assert (kept[0].pace, told.won, told.understood) == (1.0, "", False)
    assert notes[1] == (
        "Line 2 is not understood (tried respelled, slower): "
        "for “La “NASA” pagó 25 euros.”, “fuego hielo” was recognised."
    )


def test_a_clear_take_that_does_not_fit_its_slot_is_not_taken(tmp_path: Path) -> None:
    backend = Mumbler(clear=[0.9], lengths={0.9: 1700})
    kept, (told,), _, _ = run(tmp_path, backend)
    assert (kept[0].pace, told.understood) == (1.0, False)


def test_without_retakes_nobody_listens(tmp_path: Path) -> None:
    kept, told, notes, listener = run(tmp_path, Mumbler(), most=0)
    assert (len(kept), told, notes, listener.times) == (1, [], [], 0)


def test_it_is_the_same_the_second_time_and_nothing_is_heard_or_spoken_again(tmp_path: Path) -> None:
    first = run(tmp_path, Mumbler())
    backend = Mumbler()
    second = run(tmp_path, backend)
    assert second[:3] == first[:3]
    assert (backend.asked, second[3].times) == ([], 0)


def test_a_recogniser_that_cannot_be_loaded_is_told_and_the_takes_stay(tmp_path: Path) -> None:
    class Broken(Listener):
        def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
            raise MissingBackendError("The model turbo is not here.")

    tmp_path.joinpath("work").mkdir()
    ears = Ears("es", Broken())
    session = VoiceSession(Store(tmp_path / "store"), Mumbler(), "es", {"A": "hum"}, {}, tmp_path / "work", ears=ears)
    takes = [session.take(HARD)]
    assert clearest(session, [HARD], takes, SETTINGS, 2) == (
        takes,
        [],
        ["The takes were not checked by recognition: The model turbo is not here."],
    )


def test_spelling_otherwise_says_the_same() -> None:
    assert respelled("«Hola» – dijo Anna (25 años)…", "es") == "Hola, dijo Anna veinticinco años"
    assert respelled("Im Jahr 1995 war es KAPUTT.", "de") == "Im Jahr neunzehnhundertfünfundneunzig war es Kaputt."
    assert respelled("Es kostet 20 %.", "de") == "Es kostet zwanzig Prozent."
    assert respelled("Hola.", "es") == "Hola."
