"""A title's run has no language; a branch has one."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from configs.profile import load_profile
from tasks.records.record import Asset
from tasks.records.title import Branch, Run, Title, language_of

VIDEO = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
TITLE = Title(name="talk", video=VIDEO, source="talk.mp4", folder="/nowhere/out", languages=("es", "fr"))
RUN = Run(title=TITLE, profile=load_profile("fake"), store="/nowhere/store", batch="night-1")


def test_the_steps_of_a_title_are_given_no_language() -> None:
    assert not hasattr(RUN, "language")
    assert language_of(RUN) == ""
    assert not hasattr(RUN.branch("es").whole, "language")


@pytest.mark.parametrize("language", [{}, {"language": ""}])
def test_a_branch_without_a_language_is_refused(language: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="language"):
        Branch.model_validate({**RUN.model_dump(mode="json"), **language})


def test_a_title_is_not_run_as_one_of_its_languages() -> None:
    with pytest.raises(ValidationError, match="language"):
        Run.model_validate(RUN.branch("es").model_dump(mode="json"))


def test_a_branch_has_all_of_its_title_and_gives_it_back() -> None:
    branch = RUN.branch("es")
    assert (branch.language, branch.batch, branch.branch("fr").language) == ("es", "night-1", "fr")
    assert (branch.title, branch.profile, branch.store) == (RUN.title, RUN.profile, RUN.store)
    assert branch.whole == RUN


def test_both_cross_processes_and_servers_as_they_are() -> None:
    for one in (RUN, RUN.branch("es")):
        assert type(one).model_validate_json(one.model_dump_json()) == one
        assert pickle.loads(pickle.dumps(one)) == one


def test_a_run_that_an_earlier_version_sent_to_the_server_is_still_run() -> None:
    assert Run.model_validate({**RUN.model_dump(mode="json"), "language": ""}) == RUN
    assert Branch.model_validate({**RUN.model_dump(mode="json"), "language": "es"}) == RUN.branch("es")
