"""How mouths are drawn, from a profile to the engine: each choice arrives and changes the picture alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.profile import LipsyncSettings, ProfileError, load_profile
from lipsync_engine.faces.facetrack import FaceTrack
from tasks.lipsync import native_job
from tasks.lipsync.choose import ignored_style, lipsyncing
from tasks.records.errors import BadInputError
from tasks.records.progress import silent
from tests.lipsync.dubbed_clip import Dubbed, make_dubbed
from tests.lipsync.engine_here import engine_here

STYLES: list[dict[str, Any]] = [
    {"strength": 0.4},
    {"expression": "expressive"},
    {"mode": "syllable"},
    {"lead_ms": 120.0},
    {"refine_s": 1.0},
]


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Dubbed:
    return make_dubbed(tmp_path_factory.mktemp("dubbed"))


def settings(**style: Any) -> LipsyncSettings:
    return load_profile("offline", {"lipsync": {"options": {"device": "cpu"}, **style}}).lipsync


def rendered(dubbed: Dubbed, folder: Path, **style: Any) -> tuple[bytes, dict[str, Any]]:
    files = dubbed.video, dubbed.analysis, dubbed.dialogue, dubbed.phone_file
    made = lipsyncing(settings(**style)).resync(*files, "es", folder / "out.mp4", silent)
    assert made.picture is not None
    return made.picture.read_bytes(), made.report


def test_each_choice_of_a_profile_changes_the_picture(
    dubbed: Dubbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_here(monkeypatch, "native")
    beside = sorted(dubbed.analysis.parent.iterdir())
    pictures = {"": rendered(dubbed, tmp_path)[0]}
    for style in STYLES:
        picture, report = rendered(dubbed, tmp_path, **style)
        if "refine_s" in style:
            assert any("residual network" in note for note in report["notes"])
            assert "refine" in report["seconds"]
            continue
        pictures[next(iter(style))] = picture
        if "lead_ms" in style:
            assert report["lead_ms"] == 120.0
    assert len(set(pictures.values())) == len(STYLES)
    assert sorted(dubbed.analysis.parent.iterdir()) == beside  # nothing is kept beside what is the store's


def test_an_unsteadied_track_is_another_analysis(dubbed: Dubbed, tmp_path: Path) -> None:
    job = {"video": str(dubbed.video), "device": "cpu"}
    native_job.JOBS["track"]({**job, "out": str(tmp_path / "raw.npz"), "stabilise": False})
    steady, raw = (FaceTrack.load(path).landmarks[:] for path in (dubbed.analysis, tmp_path / "raw.npz"))
    assert steady.shape == raw.shape
    assert (steady != raw).any()


def test_a_choice_makes_the_picture_anew_and_only_stabilisation_the_faces() -> None:
    plain = lipsyncing(settings())
    for style in STYLES:
        other = lipsyncing(settings(**style))
        assert other.fingerprint() != plain.fingerprint()
        assert other.tracker.fingerprint() == plain.tracker.fingerprint()
    assert lipsyncing(settings(stabilise=False)).tracker.fingerprint() != plain.tracker.fingerprint()
    assert lipsyncing(settings(stabilise=True)).tracker.fingerprint() == plain.tracker.fingerprint()


def test_what_a_profile_says_of_the_style_goes_over_the_backends_options() -> None:
    both = {"options": {"strength": 0.5, "mode": "syllable"}, "strength": 0.8}
    drawn = lipsyncing(load_profile("offline", {"lipsync": both}).lipsync)
    assert (drawn.options.strength, drawn.options.mode) == (0.8, "syllable")  # type: ignore[attr-defined]


def test_who_draws_no_mouths_heeds_no_style_and_that_is_told() -> None:
    silent_one = settings(mode="syllable", strength=0.5).model_copy(update={"backend": "none", "options": {}})
    lipsyncing(silent_one)
    assert ignored_style(silent_one) == ("Lip sync by none does not support mode, strength: ignored.",)
    assert ignored_style(settings(mode="syllable")) == ()
    for system in ("auto", "sync-lipsync-2"):  # what the engine draws between their shots, it draws so
        assert ignored_style(settings(mode="syllable").model_copy(update={"backend": system})) == ()


@pytest.mark.parametrize(
    ("style", "what"),
    [({"mode": "mumble"}, "lipsync.mode"), ({"strength": 9}, "lipsync.strength"), ({"lead_ms": -5}, "lipsync.lead_ms")],
)
def test_a_choice_that_is_none_is_refused(style: dict[str, Any], what: str) -> None:
    with pytest.raises((ProfileError, BadInputError), match=what):
        settings(**style)
