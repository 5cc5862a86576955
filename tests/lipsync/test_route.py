"""Who draws which shot, and why."""

from __future__ import annotations

import re

import pytest

from tasks.lipsync.choose import lipsyncer
from tasks.lipsync.route import automatic, fixed, within_budget
from tasks.lipsync.systems import System, system_names
from tasks.records import registry
from tasks.records.errors import BadInputError
from tests.lipsync.systems import Warper

FACTS = registry.BackendFacts(name="hosted", code_licence="service")
VIDEO = System("resync", Warper(), FACTS)
STILL = System("avatar", Warper(takes="portrait"), FACTS)


def shot(**changes: object) -> dict[str, object]:
    return {"yaw": 5.0, "height": 300.0, "declined": {}, "moves": True, "asked_s": 2.0, **changes}


@pytest.mark.parametrize(
    ("seen", "way", "why"),
    [
        (shot(), "native", "gates pass 100%"),
        (shot(declined={"yaw": 0.9}, yaw=45.0), "video", r"decline 90% .* \(yaw\)"),
        (shot(declined={"yaw": 1.0}, yaw=80.0), "none", "turned 80 degrees"),
        (shot(declined={"small_face": 1.0}, height=30.0), "none", "30 pixels high"),
        (shot(moves=False), "portrait", "is a still picture"),
    ],
)
def test_a_shot_goes_where_it_can_be_done(seen: dict[str, object], way: str, why: str) -> None:
    (route,) = automatic([seen], {"video": VIDEO, "portrait": STILL})
    assert route.way == way
    assert re.search(why, route.why)


def test_without_another_system_the_engine_does_what_it_can() -> None:
    half, whole = automatic([shot(declined={"yaw": 0.5}), shot(declined={"yaw": 1.0})], {})
    assert (half.way, whole.way) == ("native", "none")


def test_a_named_system_gets_every_shot_that_it_could_be_used_for() -> None:
    assert [r.way for r in fixed([shot(), shot(yaw=70.0)], VIDEO)] == ["video", "none"]


def test_the_money_is_spent_in_order_and_then_stops() -> None:
    shots = [shot(asked_s=3.0), shot(asked_s=3.0), shot(asked_s=1.0)]
    routes, cost = within_budget(shots, fixed(shots, VIDEO), {"resync": VIDEO}, 0.45)
    assert [r.way for r in routes] == ["video", "none", "video"]
    assert cost == pytest.approx(0.4)
    assert "budget" in routes[1].why


def test_a_hosted_system_is_a_lip_sync_backend_by_its_name() -> None:
    made = lipsyncer("sync-lipsync-2", {"budget_usd": 3, "system": {"provider": "fal"}})
    assert (made.facts.paid, made.facts.uploads_faces, made.facts.network) == (True, True, True)
    assert "sync-lipsync-2:fal" in made.fingerprint()
    assert "kling-lip-sync" in system_names()
    assert "heygen-video-translate" not in system_names()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("sync-lipsync-2", {"budgett": 3}, "lipsync.options.budgett"),
        ("sync-lipsync-2", {"system": {"provider": "nobody"}}, "not available"),
        ("auto", {"video": "omnihuman"}, "takes a portrait, not a video"),
        ("auto", {"video": "klimg"}, "reanimate backend named 'klimg'"),
        ("klimg", {}, "lipsync backend named 'klimg'"),
    ],
)
def test_a_wrong_name_or_option_is_said(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        lipsyncer(name, options)
