"""Lines that miss their slot: asked for with a measured budget, spoken, and the best faithful one kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import PaceSettings
from tasks.adapt.adapt import Adaptation, Adapted, budget, faithful, misses
from tasks.adapt.candidates import Remembered
from tasks.keep.store import Store
from tasks.records.errors import ProviderBusyError
from tasks.records.record import Asset
from tasks.records.script import Line, Script
from tasks.records.take import Take
from tasks.synthesize import synthesizer
from tasks.synthesize.takes import VoiceSession
from tasks.translate import PLAIN, Guidance, Rewrite, Term, translator
from tasks.words.syllables import nuclei, syllables
from tests.translate.servers import ChatServer, posts, serving

NOTHING = Asset(uri="/nowhere", sha256="0" * 64, bytes=1)
LONG = "Muchísimas gracias a todas las personas que han venido esta mañana hasta aquí."
FITTING = "Gracias a todos los que han venido esta mañana."
SOURCE = "Thanks to everyone who came this morning."
SLOT_MS = 2600


def line(text: str, slot_ms: int = SLOT_MS, number: int = 1) -> Line:
    return Line(id=number, start_ms=number * 5000, end_ms=number * 5000 + slot_ms, text=text)


def take(duration_ms: int) -> Take:
    return Take(line=1, audio=NOTHING, duration_ms=duration_ms, voice="v")


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Buenos días.", "es", 4),
        ("Barcelona", "ca", 4),
        ("Good morning.", "en", 3),
        ("Guten Morgen", "de", 4),
        ("Доброе утро", "ru", 5),
        ("在自定义语音门户中", "zh", 9),
        ("မင်္ဂလာပါ", "my", 4),
        ("...", "en", 0),
    ],
)
def test_syllables_are_counted_as_they_are_spoken(text: str, language: str, count: int) -> None:
    assert syllables(text, language) == count


@pytest.mark.parametrize("reads", [True, False])
def test_japanese_is_as_long_in_kanji_as_in_kana(monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    if not reads:
        monkeypatch.setattr("tasks.words.syllables.importlib.util.find_spec", lambda name: None)
    syllables.cache_clear()
    kana = syllables("きゃっかんてきじつざいのはんだんてきちしきがせいりつするのである。", "ja")
    assert syllables("客観的実在の判断的知識が成立するのである。", "ja") == pytest.approx(kana, abs=2)
    syllables.cache_clear()


def test_a_language_without_a_voice_is_counted_by_its_letters() -> None:
    assert syllables("banana", "zxx-none") == 3


def test_a_syllabic_consonant_counts() -> None:
    assert nuclei(["b", "ɒ", "t", "l\u0329"]) == 2


@pytest.mark.parametrize(("length", "slot", "expected"), [(899, 1000, True), (900, 1000, False), (1201, 1000, True)])
def test_a_line_misses_outside_the_window_of_adherence(length: int, slot: int, expected: bool) -> None:
    assert misses(take(length), line("x", slot)) is expected


def test_a_line_too_short_to_matter_is_left_alone() -> None:
    assert not misses(take(900), line("Oh.", 300))


@given(st.integers(200, 20_000), st.integers(400, 20_000), st.integers(1, 80))
def test_what_fills_the_budget_at_the_measured_rate_fits(length: int, slot: int, count: int) -> None:
    fewest, most = budget(take(length), line("x", slot), count)
    assert 1 <= fewest <= most
    ms = length / count
    assert fewest * ms >= 0.9 * slot - 1
    assert most * ms <= 1.2 * slot + 1 or most == fewest


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        ("Gracias a los 300 que han venido a la boca.", ""),
        ("Gracias a los que han venido a la boca.", "number"),
        ("Gracias a los 300 que han venido.", "boca"),
        ("Thanks to the 300 people who came to the boca.", "English"),
        (" ", "empty"),
    ],
)
def test_what_can_be_checked_of_a_candidate_is(candidate: str, why: str) -> None:
    said = faithful(candidate, line("Thanks to the 300 who came to the mouth."), "en", "es", [Term("mouth", "boca")])
    assert why in said
    assert bool(said) == bool(why)


class Rewriting:
    """Says what it was given, and remembers what it was asked."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self.answers, self.asked = list(answers), []

    def rewrite(self, lines: Sequence[Rewrite], *_: Any, **__: Any) -> list[list[str]]:
        self.asked.extend(lines)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return [answer for _ in lines]


@pytest.fixture
def session(tmp_path: Path) -> VoiceSession:
    return VoiceSession(Store(tmp_path / "store"), synthesizer("espeak", {}), "es", {"S1": "roa/es+m3"}, {}, tmp_path)


Run = Callable[..., tuple[list[Adapted], list[str]]]


@pytest.fixture
def adapted(session: VoiceSession) -> Run:
    def run(rewriter: Any, *texts: str, locked: set[int] | None = None, tries: int = 3) -> Any:
        settings = PaceSettings(tries=tries)
        lines = tuple(line(text, number=number) for number, text in enumerate(texts, 1))
        source = tuple(one.model_copy(update={"text": SOURCE}) for one in lines)
        takes = [session.paced(one, 1.0, settings) for one in lines]
        scripts = Script(language="es", lines=lines), Script(language="en", lines=source)
        loop = Adaptation(session, ("en", "es"), {"S1": 1.0}, settings, rewriter, PLAIN)
        return loop.run(*scripts, takes, locked or set())

    return run


def test_a_line_that_is_too_long_becomes_one_that_fits(adapted: Run) -> None:
    rewriter = Rewriting([FITTING])
    ((one,), notes) = adapted(rewriter, LONG)
    assert one.text == FITTING
    assert 0.9 <= one.take.duration_ms / SLOT_MS <= 1.2
    assert notes == []
    (wish,) = rewriter.asked
    assert (wish.source, wish.text) == (SOURCE, LONG)
    assert wish.wanted[1] < wish.syllables


def test_a_line_that_fits_is_not_asked_for(adapted: Run) -> None:
    rewriter = Rewriting([FITTING])
    ((one,), _) = adapted(rewriter, FITTING)
    assert one.text == FITTING
    assert rewriter.asked == []


def test_a_persons_words_stay(adapted: Run) -> None:
    rewriter = Rewriting([FITTING])
    ((one,), _) = adapted(rewriter, LONG, locked={1})
    assert one.text == LONG
    assert rewriter.asked == []


def test_of_unfit_candidates_the_nearest_is_kept_and_the_rounds_are_bounded(adapted: Run) -> None:
    nearer = "Muchísimas gracias a todas las personas que han venido esta mañana."
    rewriter = Rewriting([LONG + " De verdad."], [nearer], ["Sí."], [FITTING])
    ((one,), _) = adapted(rewriter, LONG)
    assert one.text == nearer
    assert len(rewriter.asked) == 3


def test_an_unfaithful_candidate_is_never_spoken(adapted: Run) -> None:
    english = "Thank you to everyone who came here this morning."
    ((one,), _) = adapted(Rewriting([english]), LONG)
    assert one.text == LONG
    assert one.tried == 0
    assert "it is in English" in one.note


class RewritingByLanguage:
    """Says what it has for a language of the source, and remembers which lines it was asked for in which."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers, self.asked = answers, []

    def rewrite(self, lines: Sequence[Rewrite], source: str, target: str, *_: Any, **__: Any) -> list[list[str]]:
        self.asked.append((source, target, [line.source for line in lines]))
        return [self.answers[source] for _ in lines]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "Merci à tous ceux qui sont venus ce matin, vraiment à tous."),
        ("de", "Danke an alle, die heute Morgen hierher gekommen sind."),
    ],
)
def test_a_line_in_a_third_language_is_asked_for_and_judged_in_its_own(
    session: VoiceSession, language: str, said: str
) -> None:
    settings = PaceSettings(tries=1)
    lines = tuple(line(LONG, number=number) for number in (1, 2))
    english = lines[0].model_copy(update={"text": SOURCE})
    foreign = lines[1].model_copy(update={"text": said, "language": language})
    scripts = Script(language="es", lines=lines), Script(language="en", lines=(english, foreign))
    takes = [session.paced(one, 1.0, settings) for one in lines]
    rewriter = RewritingByLanguage({"en": [FITTING], language: [said]})
    loop = Adaptation(session, ("en", "es"), {"S1": 1.0}, settings, rewriter, PLAIN)
    (first, second), _ = loop.run(*scripts, takes, set())
    assert rewriter.asked == [("en", "es", [SOURCE]), (language, "es", [said])]
    assert first.text == FITTING
    assert second.text == LONG, "its own source is no translation of it"
    assert second.tried == 0


def test_without_candidates_the_line_stays(adapted: Run) -> None:
    rewriter = Rewriting([])
    ((one,), _) = adapted(rewriter, LONG)
    assert one.text == LONG
    assert len(rewriter.asked) == 1


def test_a_rewriter_that_fails_costs_no_line(adapted: Run) -> None:
    rewriter = Rewriting(ProviderBusyError("small asks to wait."))
    (done, notes) = adapted(rewriter, LONG, LONG)
    assert [one.text for one in done] == [LONG, LONG]
    assert len(rewriter.asked) == 2
    assert notes == ["Lines could not be shortened or lengthened any more: small asks to wait."]


def test_all_lines_that_miss_are_asked_for_in_one_request(
    adapted: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    other = LONG.replace("mañana", "semana")
    with serving(ChatServer) as (url, server):
        server.candidates = {LONG: [FITTING], other: [FITTING.replace("mañana", "semana")]}
        model = translator("llm", {"model": "small", "url": f"{url}/v1"})
        remembered = Remembered(Store(tmp_path / "notes"), model, model.fingerprint())  # type: ignore[arg-type]
        done, _ = adapted(remembered, LONG, FITTING, other)
        assert len(posts(server)) == 1
    assert [one.text for one in done] == [FITTING, FITTING, FITTING.replace("mañana", "semana")]


def test_no_wish_is_sent_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ChatServer) as (url, server):
        server.candidates = {LONG: [FITTING]}
        model = translator("llm", {"model": "small", "url": f"{url}/v1"})
        remembered = Remembered(Store(tmp_path), model, model.fingerprint())  # type: ignore[arg-type]
        for wanted in ((10, 14), (10, 14), (10, 15)):
            assert remembered.rewrite([Rewrite(SOURCE, LONG, 25, wanted)], "en", "es") == [[FITTING]]
        assert len(posts(server)) == 2
        remembered.rewrite([Rewrite(SOURCE, LONG, 25, (10, 14))], "en", "es", guidance=Guidance(formality="formal"))
        assert len(posts(server)) == 3
