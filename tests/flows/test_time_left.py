"""What is left of a run is what it will really do: a recorded dub is not spoken, a service's film is not translated."""

from __future__ import annotations

import io
import queue
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from flows.ask.plan import Request, plan
from flows.dub.show import branch_progress
from flows.kept.ahead import last_steps, steps_ahead, way_of
from flows.kept.branches import branch_key, mark_begun
from flows.kept.budget import expected
from flows.kept.forecast import Forecast
from flows.kept.lane import Lane
from flows.kept.standing import noted_progress, standing
from flows.terminal.screen import Screen
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.progress import StepEvent, announce
from tasks.records.title import Run
from tasks.step.table import BY_NAME

pytestmark = pytest.mark.usefixtures("store_folder", "probed_once")

SHARED = ("probe", "separate", "transcribe", "diarize", "track-faces", "match-speech")
SPOKEN = ("translate", "synthesize", "adapt", "fit", "lipsync", "mix", "package", "qc", "report")
RECORDED = ("translate", "ingest", "lipsync", "mix", "package", "qc", "report")
SERVICE = ("translate-film", "probe", "conform-film", "package", "qc", "report")
LAST = ("package-multi", "qc-multi")


@pytest.fixture
def run(short_clip: Path, tmp_path: Path) -> Run:
    """Spanish is recorded, French spoken."""
    video, dub = (str(shutil.copy(short_clip, tmp_path / name)) for name in ("talk.mp4", "dub.mp4"))
    asked = Request([video], ["es", "fr"], str(tmp_path / "out"), "fake", source_language="en", dubs={"es": dub})
    return plan(asked)[0]


def by_a_service(run: Run) -> Run:
    settings = run.profile.lipsync.model_copy(update={"backend": "heygen-video-translate"})
    return run.model_copy(update={"profile": run.profile.model_copy(update={"lipsync": settings})})


def told(run: Run, language: str, steps: Sequence[str]) -> None:
    """What a run tells of these steps."""
    for step in steps:
        announce(StepEvent(run.title.name, language, step, "started"))
        announce(StepEvent(run.title.name, language, step, "computed", 1.0, 0.1))


def shown(run: Run) -> str:
    """What the terminal prints of a run that does all of it, its languages one after another."""
    printed = io.StringIO()
    with Screen([run], [Forecast(run)], Console(file=printed, width=200)).showing():
        told(run, "", SHARED)
        for language in run.title.languages:
            told(
                run,
                language,
                {"spoken": SPOKEN, "recorded": RECORDED, "service": SERVICE}[way_of(run.branch(language))],
            )
        told(run, "", LAST)
    return printed.getvalue()


def test_nothing_is_left_at_the_end_of_a_recorded_dub_and_of_a_service_s_film(run: Run) -> None:
    assert way_of(run.branch("es")) == "recorded"
    assert shown(run).splitlines()[-1].endswith("0:00 left")
    assert way_of(by_a_service(run).branch("fr")) == "service"
    assert shown(by_a_service(run)).splitlines()[-1].endswith("0:00 left")


def test_a_step_that_has_not_run_here_yet_is_announced_with_what_it_takes(run: Run) -> None:
    first = Forecast(run).seconds("ingest")
    assert first > 0
    Forecast(run).record({"ingest": 40.0, "conform-film": 80.0}, {})
    assert f"talk es: ingest ... (about {(first + 40) / 2:.0f} s)" in shown(run)  # half of it is the table's


def test_a_recorded_dub_is_expected_to_be_taken_in_not_spoken(run: Run) -> None:
    before = expected(run.branch("es")), expected(run.branch("fr"))
    Forecast(run).record({"synthesize": 4000.0}, {"synthesize": 1200.0})
    assert expected(run.branch("es")) == before[0]
    assert expected(run.branch("fr")).seconds > before[1].seconds + 1000
    assert expected(run.branch("fr")).gpu_seconds == 1200.0
    Forecast(run).record({"ingest": 4000.0}, {})
    assert expected(run.branch("es")).seconds > before[0].seconds + 1000


def test_a_service_s_film_is_expected_to_take_its_own_steps(run: Run) -> None:
    service = by_a_service(run)
    before = expected(service.branch("fr")).seconds
    Forecast(service).record({"lipsync": 4000.0, "translate": 4000.0, "mix": 4000.0}, {})
    assert expected(service.branch("fr")).seconds == before
    Forecast(service).record({"translate-film": 4000.0}, {})
    assert expected(service.branch("fr")).seconds > before + 1000


def test_what_a_title_needs_beyond_the_usual_is_expected(run: Run) -> None:
    facts = Forecast(run).facts

    def names(run: Run, facts: MediaFacts) -> list[str]:
        return [step.name for step in (*steps_ahead(run, facts), *last_steps(run, facts))]

    assert names(run, facts) == [*SHARED, *LAST]
    preview = run.model_copy(update={"title": run.title.model_copy(update={"preview_ms": 2000})})
    assert names(preview, facts) == ["cut-preview", *SHARED, *LAST]
    assert Forecast(preview).duration_s == 2.0
    native = run.model_copy(update={"profile": run.profile.model_copy(update={"height": "720p"})})  # a picture is made
    interlaced = turned(facts, fields="tff")
    assert names(native, interlaced) == [*SHARED[:-2], "plain-picture", *SHARED[-2:], *LAST]
    assert names(run, turned(facts, rotation=90)) == [*SHARED, "turn-picture", *LAST]


def turned(facts: MediaFacts, **changes: object) -> MediaFacts:
    assert isinstance(facts.picture, PictureFacts)
    return facts.model_copy(update={"picture": facts.picture.model_copy(update=changes)})


def test_status_shows_a_recorded_dub_being_taken_in(run: Run) -> None:
    mark_begun(run.branch("es"))
    with noted_progress(run.branch("es"), branch_key(run.branch("es"))):
        told(run, "es", ["translate"])
        announce(StepEvent("talk", "es", "ingest", "started"))
        found = standing(run.branch("es"))
        told(run, "es", RECORDED[1:-1])
        announce(StepEvent("talk", "es", "report", "started"))
        late = standing(run.branch("es"))
    assert (found.state, found.step) == ("running", "ingest")
    assert 0 < found.done < 0.1  # lip sync and mixing are before it
    assert late.done > 0.9
    assert late.left_s < found.left_s


def test_the_bar_of_the_ui_moves_when_a_recorded_dub_was_taken_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    percent: queue.Queue[float] = queue.Queue()
    monkeypatch.setattr("flows.dub.show.create_progress_artifact", lambda **_: "an artifact")
    monkeypatch.setattr("flows.dub.show.update_progress_artifact", lambda _, progress: percent.put(progress))
    monkeypatch.setattr("flows.dub.show._UPDATE_EVERY_S", 0.01)
    with branch_progress(run.branch("es")):
        told(run, "es", ["translate"])
        translated = percent.get(timeout=60)
        told(run, "es", ["ingest"])
        taken_in = percent.get(timeout=60)
    assert 0 < translated < taken_in < 10  # lip sync is before it
    assert percent.get(timeout=60) == 100


def lane(**expected_s: float) -> Lane:
    return Lane(expected_s)


def event(step: str, state: str, fraction: float = 0.0) -> StepEvent:
    return StepEvent("talk", "es", step, state, fraction, message="no voice")  # type: ignore[arg-type]


def test_a_lane_moves_by_the_clock_never_back() -> None:
    one = lane(first=1.0, second=8.0, third=1.0)
    shares = []
    for step, state, fraction in (
        ("first", "started", 0.0),
        ("first", "computed", 1.0),
        ("second", "started", 0.0),
        ("second", "progress", 0.5),
        ("first", "reused", 1.0),  # asked for again, as a service's film is probed
        ("unheard-of", "computed", 1.0),
        ("second", "computed", 1.0),
        ("third", "reused", 1.0),
    ):
        one.take(event(step, state, fraction))
        shares.append(round(one.share, 2))
    assert shares[:4] == [0.0, 0.1, 0.1, 0.5]
    assert shares[-2:] == [0.9, 1.0]
    assert one.left_s == 0
    assert one.done == {"first": "reused", "second": "computed", "third": "reused"}


def test_what_is_skipped_is_not_left_and_what_failed_leaves_nothing_until_it_is_tried_again() -> None:
    one = lane(first=1.0, second=8.0, third=1.0)
    one.take(event("third", "started"))
    assert one.left_s == pytest.approx(1.0, abs=0.5)
    one.take(event("third", "failed"))
    assert (one.failed, one.left_s) == ("no voice", 0.0)
    one.take(event("third", "started"))
    assert one.failed == ""
    assert one.left_s > 0


def test_the_first_guess_of_a_step_is_the_table_s(run: Run) -> None:
    forecast = Forecast(run)
    assert forecast.seconds("ingest") == BY_NAME["ingest"].weight * forecast.duration_s
