"""Several readings of a line: the one that is understood and lasts as long as its slot is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from configs.profile import ChainedSettings, PaceSettings
from tasks import registry
from tasks.model import Line, Speaker
from tasks.store import Store
from tasks.synthesize import PLAIN, Manner, Spoken, synthesizer
from tasks.synthesize.judge import Judge, judge_of
from tasks.synthesize.takes import Booth
from tasks.synthesize.wave import write_wav

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


def booth(folder: Path, judge: Judge, readings: int = 3) -> Booth:
    folder.joinpath("work").mkdir(exist_ok=True)
    store = Store(folder / "store")
    return Booth(store, Moody(), "en", {"A": "hum"}, {}, folder / "work", readings=readings, judge=judge)


def test_without_ears_the_length_decides(tmp_path: Path) -> None:
    assert booth(tmp_path, Judge()).take(LINE).duration_ms == 1000
    assert booth(tmp_path, Judge(), readings=1).take(LINE).duration_ms == 1400


def test_what_is_heard_outweighs_the_length(tmp_path: Path) -> None:
    heard: list[str] = []

    def hear(audio: Path) -> str:
        import soundfile

        reading = round(float(np.abs(soundfile.read(audio)[0]).max()) * 10) - 1
        heard.append(f"reading {reading}")
        return ("good mourning", "goat Monday", "Good morning!")[reading]

    judge = Judge("ears", "ears:1", hear)
    assert booth(tmp_path, judge).take(LINE).duration_ms == 600
    assert len(heard) == 3
    before = Moody.spoken
    assert booth(tmp_path, judge).take(LINE).duration_ms == 600  # neither spoken nor listened to again
    assert (len(heard), Moody.spoken) == (3, before)


def test_a_line_of_its_own_pace_is_chosen_too(tmp_path: Path) -> None:
    settings = PaceSettings.model_validate({})
    assert booth(tmp_path, Judge()).paced(LINE, 1.0, settings).duration_ms == 1000


def test_the_judge_is_the_profiles_recogniser_where_it_knows_the_language(tmp_path: Path) -> None:
    listener = ChainedSettings(backend="pocketsphinx")
    assert judge_of(listener, "en-GB", tmp_path).name == "pocketsphinx"
    assert judge_of(listener, "es", tmp_path).hear is None
    assert judge_of(ChainedSettings(backend="fake"), "en", tmp_path).hear is None


@pytest.mark.parametrize(
    ("said", "better"), [("The weather is lovely today.", True), ("Purple monkeys ate my car.", False)]
)
def test_a_real_recogniser_prefers_the_take_that_says_the_line(tmp_path: Path, said: str, better: bool) -> None:
    judge = judge_of(ChainedSettings(backend="pocketsphinx"), "en", tmp_path)
    backend = synthesizer("espeak", {})
    voice = backend.voices("en", [Speaker(id="A", pitch_hz=110)], {})["A"]
    spoken = backend.synthesize(said, voice, "en", tmp_path / "take.wav")
    score = judge.score("The weather is lovely today.", "en", spoken.audio, spoken.duration_ms, spoken.duration_ms)
    assert (score < 0.85) is better
