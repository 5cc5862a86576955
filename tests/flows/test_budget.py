"""A night's budget: what fits is admitted, what is under way counts as expected, what is done as it was."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.night import BudgetSettings
from configs.prices import cost_usd
from flows.ask.plan import Request, checked_profile, plan, probed
from flows.kept.branches import keep_shared_work
from flows.kept.budget import Cost, admit, begin_night, charge, end_night, expected
from flows.kept.forecast import Forecast
from flows.night.batches import new_batch
from tasks.records.errors import BadInputError
from tasks.records.result import SharedWork
from tasks.records.script import Line, Script
from tasks.records.title import Run

NOON = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


def limits(**values: Any) -> BudgetSettings:
    return BudgetSettings.model_validate(values)


@pytest.fixture
def run(short_clip: Path, tmp_path: Path, store_folder: Path) -> Run:
    voice = {"backend": "elevenlabs", "options": {"voices": ["one"]}}
    request = Request([str(short_clip)], ["es", "fr", "ca"], str(tmp_path), "fake", {"synthesize": voice}, "en")
    return plan(request)[0].model_copy(update={"batch": "night-1"})


def test_a_window_ends_at_the_next_such_time_of_day_or_after_so_many_hours() -> None:
    assert limits().deadline(NOON) is None
    assert limits(until="13:30").deadline(NOON) == NOON.replace(hour=13, minute=30)
    assert limits(until="6:00").deadline(NOON) == NOON.replace(day=22, hour=6)
    assert limits(until="12:00").deadline(NOON) == NOON.replace(day=22)
    assert limits(until="6:00", hours=5).deadline(NOON) == NOON.replace(hour=17)


@pytest.mark.parametrize("values", [{"until": "25:00"}, {"until": "6"}, {"hours": 0}, {"usd": -1}])
def test_a_budget_that_is_none_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        limits(**values)


def test_money_is_estimated_from_the_price_list_and_the_length_of_the_title(run: Run) -> None:
    branch = expected(run.branch("es"))
    assert branch.usd == pytest.approx(cost_usd("elevenlabs/x", {"characters": 12 * 4 * 1.15}, {}), rel=0.05)
    assert expected(run).usd == 0  # nothing in the shared steps is paid


def test_a_hosted_recogniser_is_expected_to_hear_the_title_and_every_dub(run: Run) -> None:
    heard = {"transcribe": {"backend": "openai", "options": {"model": "whisper-1"}}}
    chosen = run.model_copy(update={"profile": checked_profile("fake", heard)})
    assert expected(chosen).usd == pytest.approx(4 * 100e-6, rel=0.05)
    assert expected(chosen.branch("es")).usd == pytest.approx(4 * 100e-6, rel=0.05)
    subtitled = chosen.title.model_copy(update={"subtitles": chosen.title.video})
    assert expected(chosen.model_copy(update={"title": subtitled})).usd == 0


def test_speech_is_priced_by_characters_or_by_seconds_whichever_the_list_names() -> None:
    units = {"characters": 1000.0, "seconds": 60.0}
    assert cost_usd("openai/tts-1", units, {}) == pytest.approx(0.015)
    assert cost_usd("openai/gpt-4o-mini-tts", units, {}) == pytest.approx(0.015)
    assert cost_usd("openai/unheard-of", units, {}) is None
    assert cost_usd("openai/own", units, {"openai/own": {"seconds": 10.0}}) == pytest.approx(0.0006)


@pytest.mark.parametrize(("budget", "usd"), [({}, 4 * 0.05), ({"budget_usd": 0.05}, 0.05)])
def test_hosted_lip_sync_is_expected_to_draw_all_of_a_title_within_its_own_budget(
    run: Run, budget: dict[str, float], usd: float
) -> None:
    told = {"backend": "sync-lipsync-2", "options": {**budget, "system": {"provider": "sync"}}}
    chosen = checked_profile("fake", {"lipsync": told})
    assert expected(run.model_copy(update={"profile": chosen}).branch("es")).usd == pytest.approx(usd, rel=0.01)


def test_branches_are_admitted_as_long_as_the_money_lasts(run: Run) -> None:
    price = expected(run.branch("es")).usd
    begin_night(run, limits(usd=2.5 * price))
    assert admit(run.branch("es")) == ""
    assert admit(run.branch("fr")) == ""
    assert "are left" in admit(run.branch("ca"))  # two are under way
    assert admit(run.branch("es")) == ""  # asking twice holds room once
    charge(run.branch("es"), Cost())  # it cost nothing in the end
    assert admit(run.branch("ca")) == ""
    end_night(run)
    assert admit(run.branch("fr")) == ""  # by hand, in the morning


def test_a_branch_that_just_fits_is_admitted_and_by_hand_one_that_does_not(run: Run) -> None:
    price = expected(run.branch("es")).usd
    begin_night(run, limits(usd=price))
    assert admit(run.branch("es")) == ""
    assert "are left" in admit(run.branch("fr"))
    end_night(run)
    assert admit(run.branch("fr")) == ""


def test_what_is_done_and_what_is_recorded_costs_nothing(run: Run) -> None:
    assert expected(run).seconds > 0
    assert expected(run.branch("es")).usd > 0
    sound = run.title.video
    recorded = run.model_copy(update={"title": run.title.model_copy(update={"dubs": {"es": sound}})})
    assert expected(recorded.branch("es")).usd == 0
    assert expected(recorded.branch("fr")).usd > 0
    parts = dict.fromkeys(("video", "original", "dialogue", "bed", "speech", "analysis"), sound)
    spoken = Script(language="en", lines=(Line(id=1, start_ms=0, end_ms=900, text="Good morning."),))
    keep_shared_work(run, SharedWork(facts=probed(run, run.title.video), script=spoken, **parts))
    assert expected(run) == Cost()
    one_line = cost_usd("elevenlabs/x", {"characters": len("Good morning.") * 1.15}, {})
    assert expected(run.branch("es")).usd == pytest.approx(one_line, rel=0.05)


def test_what_a_branch_really_cost_counts(run: Run) -> None:
    begin_night(run, limits(usd=1.0))
    assert admit(run.branch("es")) == ""
    charge(run.branch("es"), Cost(usd=1.0))
    assert "$0.00 of $1 are left" in admit(run.branch("fr"))


def test_a_branch_that_would_run_past_the_end_is_not_begun(run: Run) -> None:
    Forecast(run).record({"lipsync": 4000.0}, {"lipsync": 1200.0})
    begin_night(run, limits(hours=0.25))
    assert "min are left until" in admit(run.branch("es"))
    begin_night(run, limits(hours=9, gpu_minutes=5))
    assert "GPU-minutes" in admit(run.branch("es"))
    begin_night(run, limits(hours=9, gpu_minutes=60))
    assert admit(run.branch("es")) == ""


def test_without_a_batch_or_a_night_nothing_is_held_back(run: Run) -> None:
    assert admit(run.branch("es")) == ""
    assert admit(run.model_copy(update={"batch": ""}).branch("es")) == ""


def test_a_budget_of_money_needs_prices(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    model = {"translate": {"backend": "llm", "options": {"model": "mystery"}}}
    request = Request([str(short_clip)], ["es"], str(tmp_path), "fake", model, "en", row=2)
    with pytest.raises(BadInputError, match="llm/mystery"):
        new_batch("m", [request], checked_profile("fake", model), str(tmp_path), limits(usd=5))
    priced = {**model, "prices": {"llm/mystery": {"input_tokens": 1.0, "output_tokens": 2.0}}}
    request = Request([str(short_clip)], ["es"], str(tmp_path), "fake", priced, "en", row=2)
    _, runs = new_batch("m", [request], checked_profile("fake", priced), str(tmp_path), limits(usd=5))
    assert expected(runs[0].branch("es")).usd > 0


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_money_is_linear_and_unknown_where_a_unit_has_no_price(one: float, other: float) -> None:
    own = {"x": {"characters": 3.0}}
    both = cost_usd("x/y", {"characters": one + other}, own)
    assert both == pytest.approx((cost_usd("x", {"characters": one}, own) or 0) + other * 3e-6)
    assert cost_usd("x", {"seconds": one}, own) is None
    assert cost_usd("nobody", {"characters": one}, own) is None


def test_a_night_in_which_the_clocks_change_ends_at_its_time_of_day_and_lasts_its_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        evening = datetime.datetime(2026, 10, 24, 22, 0)  # two hours ahead of UTC
        six = datetime.datetime(2026, 10, 25, 5, 0, tzinfo=datetime.UTC)  # one hour ahead by then
        assert limits(until="06:00").deadline(evening) == six
        assert limits(hours=9).deadline(evening) == six
    finally:
        monkeypatch.undo()
        time.tzset()
