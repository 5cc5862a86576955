"""`--jobs` is a number or auto, changes nothing of what is made, and a batch that is tried again takes another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typer

from configs.night import BudgetSettings
from configs.profile import ProfileError, load_profile
from flows.ask.plan import Request, checked_profile, plan
from flows.kept.at_once import branches_at_once, languages_at_once, titles_at_once, together_s
from flows.kept.branches import branch_key
from flows.kept.keys import shared_key
from flows.night.batches import load_batch, new_batch, runs_of
from flows.terminal.options import Changes
from tasks.records.title import Run

pytestmark = pytest.mark.usefixtures("store_folder")


@pytest.fixture
def asked(short_clip: Path, tmp_path: Path) -> Request:
    video = str(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    return Request([video], ["es"], str(tmp_path / "out"), "fake", source_language="en")


def with_jobs(run: Run, jobs: int | str) -> Run:
    return run.model_copy(update={"profile": load_profile("fake", {"jobs": jobs})})


@pytest.mark.parametrize(("typed", "jobs"), [("4", 4), ("auto", "auto"), ("1", 1), ("256", 256)])
def test_it_is_a_number_or_auto(typed: str, jobs: int | str) -> None:
    assert Changes(jobs=typed).settings()["jobs"] == jobs
    assert load_profile("fake", Changes(jobs=typed).settings()).jobs == jobs


@pytest.mark.parametrize("typed", ["0", "-1", "257", "many", "", "1.5", "٣"])
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a number from 1 to 256 nor auto"):
        Changes(jobs=typed).settings()
    with pytest.raises(ProfileError, match="jobs"):
        load_profile("fake", {"jobs": typed})


def test_the_default_is_auto_and_the_environment_may_say_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "jobs" not in Changes().settings()
    assert load_profile("fake", {}).jobs == "auto"
    monkeypatch.setenv("POLYDUB_JOBS", "3")
    assert load_profile("fake", {}).jobs == 3
    assert load_profile("fake", {"jobs": 2}).jobs == 2


def test_it_is_in_no_key(asked: Request) -> None:
    run = plan(asked)[0]
    one, many = with_jobs(run, 1), with_jobs(run, 8)
    assert shared_key(one) == shared_key(many)
    assert branch_key(one.branch("es")) == branch_key(many.branch("es"))


def test_a_batch_that_is_tried_again_takes_another_number(asked: Request, tmp_path: Path) -> None:
    profile = checked_profile("fake", {"jobs": 1})
    new_batch("night", [asked], profile, str(tmp_path / "out"), BudgetSettings.model_validate({}))
    again = load_batch(None).with_jobs(5)
    assert again.jobs == 5
    assert {run.profile.jobs for run in runs_of(again)} == {5}


def test_titles_and_languages_are_bounded_by_it_or_by_themselves() -> None:
    free, bound = load_profile("fake", {"jobs": 6}), load_profile("fake", {"jobs": 6, "branches_at_once": 2})
    assert (titles_at_once(free), languages_at_once(free), branches_at_once(free)) == (6, 6, 6)
    assert (titles_at_once(bound), languages_at_once(bound), branches_at_once(bound)) == (6, 2, 6)
    one = load_profile("fake", {"jobs": 6, "branches_at_once": 2, "titles_at_once": 1})
    assert branches_at_once(one) == 2


@pytest.mark.parametrize(("at_once", "seconds"), [(1, 10.0), (2, 6.0), (8, 6.0)])
def test_works_together_take_no_less_than_the_longest(at_once: int, seconds: float) -> None:
    assert together_s([6.0, 3.0, 1.0], at_once) == seconds
    assert together_s([], at_once) == 0
