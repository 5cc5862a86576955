"""What surrounds a foreign system, with small systems that are late, slow, small, short, soft, or of another person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.lipsync import Resynced
from tasks.lipsync.foreign import AutoOptions, ForeignLipSyncer, SystemOptions
from tasks.lipsync.reanimate import Limits, Reanimator
from tasks.lipsync.systems import System
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError
from tasks.records.progress import silent
from tests.lipsync.dubbed_clip import Dubbed
from tests.lipsync.engine_here import engine_here
from tests.lipsync.systems import Other, Warper
from tests.lipsync_engine.pictures import times_of
from tests.speech_media import recording


@pytest.fixture(autouse=True)
def engine_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_here(monkeypatch, "foreign")


FACTS = registry.BackendFacts(name="warper", code_licence="Apache-2.0")


def backend(reanimator: Reanimator, **options: object) -> ForeignLipSyncer:
    chosen = System("warper", reanimator, FACTS)
    around = SystemOptions.model_validate({"device": "cpu", **options})
    return ForeignLipSyncer("warper", around, {reanimator.takes: chosen}, auto=False)


def resynced(made: ForeignLipSyncer, dubbed: Dubbed, out: Path) -> Resynced:
    return made.resync(dubbed.video, dubbed.analysis, dubbed.dialogue, dubbed.phone_file, "es", out, silent)


def only_piece(done: Resynced) -> dict[str, object]:
    (route,) = done.report["routes"]
    (piece,) = route["pieces"]
    return piece


def test_a_systems_mouth_is_put_on_and_nothing_else_is_touched(dubbed: Dubbed, tmp_path: Path) -> None:
    system = Warper(rate=20, scale=0.5)
    done = resynced(backend(system), dubbed, tmp_path / "out.mp4")
    assert done.picture is not None
    assert times_of(done.picture) == pytest.approx(times_of(dubbed.video), abs=1e-4)
    assert done.report["outside_mask_max_diff"] == 0
    assert done.report["edited"] >= 50
    assert done.report["seam_ratio"] < 1
    piece = only_piece(done)
    assert piece["reason"] == ""
    assert piece["agreement"] > piece["unsynced"] + 0.1
    (given,) = system.seen
    assert given[1][0] == given[1][1]
    assert given[2] == pytest.approx(given[0] / 25, abs=1e-3)


@pytest.mark.slow
def test_an_offset_is_found_and_removed(dubbed: Dubbed, tmp_path: Path) -> None:
    plain = only_piece(resynced(backend(Warper()), dubbed, tmp_path / "plain.mp4"))
    done = resynced(backend(Warper(late=3)), dubbed, tmp_path / "late.mp4")
    assert only_piece(done)["offset_frames"] == pytest.approx(3, abs=1)
    assert plain["offset_frames"] == 0
    assert abs(done.report["offset_frames"]) < 1.5


@pytest.mark.slow
def test_a_still_becomes_the_mouth_of_a_moving_face(dubbed: Dubbed, tmp_path: Path) -> None:
    done = resynced(backend(Warper(takes="portrait")), dubbed, tmp_path / "out.mp4")
    assert done.report["routes"][0]["way"] == "portrait"
    assert done.report["edited"] >= 50
    assert done.report["outside_mask_max_diff"] == 0
    assert done.report["jitter_ratio"] < 1.5


@pytest.mark.slow
def test_the_whole_picture_is_replaced_only_where_that_is_asked_for(dubbed: Dubbed, tmp_path: Path) -> None:
    done = resynced(backend(Warper(takes="portrait"), portrait="frame"), dubbed, tmp_path / "out.mp4")
    assert done.picture is not None
    assert times_of(done.picture) == pytest.approx(times_of(dubbed.video), abs=1e-4)
    assert done.report["edited"] + sum(done.report["bypassed"].values()) == done.report["frames"]
    assert any("whole pictures" in note for note in done.report["notes"])


@pytest.mark.slow
def test_stills_may_be_refused(dubbed: Dubbed, tmp_path: Path) -> None:
    system = Warper(takes="portrait")
    done = resynced(backend(system, portrait="refuse"), dubbed, tmp_path / "out.mp4")
    assert (done.picture, system.seen) == (None, [])
    assert "the profile rejects" in done.report["routes"][0]["why"]


@pytest.mark.slow
def test_pieces_are_within_the_limits_and_cross_faded(dubbed: Dubbed, tmp_path: Path) -> None:
    limits = Limits(shortest_s=1.9, longest_s=2.0, shortest_side=400, longest_side=420)
    system = Warper(limits=limits)
    done = resynced(backend(system), dubbed, tmp_path / "out.mp4")
    assert [piece["reason"] for piece in done.report["routes"][0]["pieces"]] == ["", ""]
    assert all(400 <= side <= 420 for _, size, _ in system.seen for side in size)
    assert all(1.9 <= seconds <= 2.0 for _, _, seconds in system.seen)
    assert done.report["edited"] >= 50


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        (Warper(keep=0.5), "wrong_length"),
        pytest.param(Warper(blur=5), "soft", marks=pytest.mark.slow),
        pytest.param(Warper(still=0.05), "no_better_than_unsynced", marks=pytest.mark.slow),
    ],
)
def test_a_result_that_would_harm_passes_through(dubbed: Dubbed, tmp_path: Path, system: Warper, reason: str) -> None:
    done = resynced(backend(system), dubbed, tmp_path / "out.mp4")
    assert done.picture is None
    assert only_piece(done)["reason"] == reason
    assert done.report["bypassed"][reason] > 50
    assert any(reason in note for note in done.notes)


@pytest.mark.slow
def test_another_persons_face_passes_through(dubbed: Dubbed, tmp_path: Path) -> None:
    woman = recording("lipnet-grid/evaluation/samples/GRID/brbk7n.mpg")
    done = resynced(backend(Other(woman)), dubbed, tmp_path / "out.mp4")
    assert (done.picture, only_piece(done)["reason"]) == (None, "wrong_face")


class Failing(Warper):
    """A system that answers with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: object) -> None:
        raise self._error


@pytest.mark.slow
def test_a_shot_that_the_system_refuses_passes_through_by_name(dubbed: Dubbed, tmp_path: Path) -> None:
    done = resynced(backend(Failing(PermanentError("The moderation says no."))), dubbed, tmp_path / "out.mp4")
    assert done.picture is None
    assert "The moderation says no." in str(only_piece(done)["what"])


@pytest.mark.slow
@pytest.mark.parametrize("error", [ProviderBusyError("Later."), MissingBackendError("No key.")])
def test_what_may_pass_or_needs_the_user_ends_the_branch(dubbed: Dubbed, tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        resynced(backend(Failing(error)), dubbed, tmp_path / "out.mp4")


@pytest.mark.slow
def test_beyond_the_budget_a_shot_passes_through(dubbed: Dubbed, tmp_path: Path) -> None:
    system = Warper()
    done = resynced(backend(system, budget_usd=0.1), dubbed, tmp_path / "out.mp4")
    assert (done.picture, system.seen) == (None, [])
    assert "budget" in done.report["routes"][0]["why"]


@pytest.mark.slow
def test_auto_lets_the_engine_draw_what_its_gates_pass(dubbed: Dubbed, tmp_path: Path) -> None:
    system = Warper()
    auto = ForeignLipSyncer("auto", AutoOptions(device="cpu"), {"video": System("warper", system, FACTS)}, auto=True)
    done = resynced(auto, dubbed, tmp_path / "out.mp4")
    assert (done.report["routes"][0]["way"], system.seen) == ("native", [])
    assert done.report["edited"] >= 50


def test_the_fingerprint_tells_what_changes_the_picture_only() -> None:
    one = backend(Warper())
    assert one.fingerprint() == backend(Warper(), at_once=1, deadline_s=5).fingerprint()
    for other in (
        backend(Warper(late=1)),
        backend(Warper(), crop="frame"),
        backend(Warper(), restore={"kind": "sharpen"}),
    ):
        assert other.fingerprint() != one.fingerprint()
