"""Several readings of a line: the one that is understood and lasts as long as its slot is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.profile import ChainedSettings, PaceSettings
from tasks.keep.store import Store
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Line, Script, Speaker, Word
from tasks.records.take import Take
from tasks.synthesize import PLAIN, Manner, Spoken, synthesizer
from tasks.synthesize.judge import score
from tasks.synthesize.takes import VoiceSession
from tasks.synthesize.wave import write_wav
from tasks.understood.ears import Ears, ears_for

LINE = Line(id=1, start_ms=0, end_ms=1000, text="Good morning", speaker="A")


class Moody:
    """A stand-in that hums each reading at another length: 1.4, 1.0 and 0.6 s."""

    facts = registry.BackendFacts(name="moody", code_licence="Apache-2.0", varies=True)
    spoken = 0

    def fingerprint(self) -> str:
        return "moody:1"

    def missing(self) -> list[str]:
        return []

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        return {speaker.id: "hum" for speaker in speakers}

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        type(self).spoken += 1
        length_ms = (1400, 1000, 600)[manner.reading]
        write_wav(out, np.full(16 * length_ms, 0.1 * (manner.reading + 1), np.float32), 16_000)
        return Spoken(audio=out, duration_ms=length_ms)


class Reader:
    """A stand-in recogniser: it knows a take by how loud it is."""

    facts = registry.BackendFacts(name="reader", code_licence="Apache-2.0")

    def __init__(self, words: Callable[[Path], str]) -> None:
        self._words = words

    def fingerprint(self) -> str:
        return "reader:1"

    def missing(self) -> list[str]:
        return []

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        words = tuple(Word(text=word, start_ms=500, end_ms=600) for word in self._words(audio).split())
        return Script(language="en", lines=(Line(id=0, start_ms=500, end_ms=600, text="x", words=words),))


def session(folder: Path, ears: Ears, readings: int = 3) -> VoiceSession:
    folder.joinpath("work").mkdir(exist_ok=True)
    store = Store(folder / "store")
    return VoiceSession(store, Moody(), "en", {"A": "hum"}, {}, folder / "work", readings=readings, ears=ears)


DEAF = Ears("en", deaf="nobody listens")


def test_without_ears_the_length_decides(tmp_path: Path) -> None:
    assert session(tmp_path, DEAF).take(LINE).duration_ms == 1000
    assert session(tmp_path, DEAF, readings=1).take(LINE).duration_ms == 1400


def test_what_is_heard_outweighs_the_length(tmp_path: Path) -> None:
    heard: list[str] = []

    def words(audio: Path) -> str:
        seconds = round(soundfile.info(audio).duration - 1.5, 1)  # half a second before it and one after
        heard.append(f"{seconds} s")
        return {1.4: "good boarding", 1.0: "goat Monday", 0.6: "Good morning!"}[seconds]

    ears = Ears("en", Reader(words))
    assert session(tmp_path, ears).take(LINE).duration_ms == 600
    assert len(heard) == 3
    before = Moody.spoken
    assert session(tmp_path, ears).take(LINE).duration_ms == 600  # neither spoken nor listened to again
    assert (len(heard), Moody.spoken) == (3, before)


def test_a_line_of_its_own_pace_is_chosen_too(tmp_path: Path) -> None:
    settings = PaceSettings.model_validate({})
    assert session(tmp_path, DEAF).paced(LINE, 1.0, settings).duration_ms == 1000


@pytest.mark.parametrize(
    ("said", "better"), [("The weather is lovely today.", True), ("Purple monkeys ate my car.", False)]
)
def test_a_real_recogniser_prefers_the_take_that_says_the_line(tmp_path: Path, said: str, better: bool) -> None:
    ears = ears_for(ChainedSettings(backend="pocketsphinx"), "en")
    backend = synthesizer("espeak", {})
    voice = backend.voices("en", [Speaker(id="A", pitch_hz=110)], {})["A"]
    spoken = backend.synthesize(said, voice, "en", tmp_path / "take.wav")
    store = Store(tmp_path / "store")
    take = Take(line=1, audio=store.add(spoken.audio, keep=True), duration_ms=spoken.duration_ms, voice=voice)
    line = Line(id=1, start_ms=0, end_ms=spoken.duration_ms, text="The weather is lovely today.")
    assert (score(line, take, ears, store) < 0.85) is better


class Foreseeing(Moody):
    """A stand-in that knows how long a line will be."""

    facts = registry.BackendFacts(name="foreseeing", code_licence="Apache-2.0", paces=True)
    asked = 0

    def predicted_ms(self, text: str, voice: str, language: str, pace: float = 1.0, manner: Manner = PLAIN) -> int:
        type(self).asked += 1
        return round(100 * len(text) / pace)


def test_what_a_backend_predicted_of_a_line_it_is_not_asked_again(tmp_path: Path) -> None:
    tmp_path.joinpath("work").mkdir()
    lines = [LINE, LINE.model_copy(update={"id": 2, "text": "Good night, and sleep well"})]
    settings = PaceSettings()  # type: ignore[call-arg]

    def spoken(*lines: Line) -> list[tuple[str, float]]:
        voices = VoiceSession(Store(tmp_path / "store"), Foreseeing(), "en", {"A": "hum"}, {}, tmp_path / "work")
        able, _ = voices.sayable(lines)
        paces = voices.paces(able, settings)
        return [(line.text, voices.paced(line, paces["A"], settings).pace) for line in able]

    before = spoken(*lines)
    assert Foreseeing.asked > 5
    Foreseeing.asked = 0
    assert spoken(*lines) == before
    assert Foreseeing.asked == 0
    edited = lines[1].model_copy(update={"text": "Good night and sleep as well"})  # of about the same length
    spoken(lines[0], edited)
    assert 0 < Foreseeing.asked < 15
