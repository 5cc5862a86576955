"""What every local lip-sync system promises inside all that surrounds it, with stand-ins of checkpoints and checkouts.

Whatever a system is, the same clip from it gives the same report: exact length, nothing touched outside of the mask.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from configs.lipsync_external import external_systems
from lipsync_engine.records import Phone
from tasks.lipsync import Resynced
from tasks.lipsync.foreign import ForeignLipSyncer, SystemOptions
from tasks.lipsync.local.wav2lip import Wav2Lip
from tasks.lipsync.reanimate import Reanimator
from tasks.lipsync.systems import System
from tasks.records import registry
from tasks.records.progress import silent
from tests.lipsync.dubbed_clip import Dubbed, make_dubbed
from tests.lipsync.engine_here import engine_here
from tests.lipsync.local import wav2lip_weights as weights
from tests.lipsync.local.checkouts import BESIDE, stand_in
from tests.lipsync.systems import Warper
from tests.lipsync_engine.pictures import times_of

FACTS = registry.BackendFacts(name="local", code_licence="Apache-2.0")


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Dubbed:
    return make_dubbed(tmp_path_factory.mktemp("dubbed"))


@pytest.fixture(autouse=True)
def engine_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_here(monkeypatch, "foreign", "local.wav2lip")


@dataclass
class Keeping(Warper):
    """A warper that leaves a copy of what it made."""

    copy: Path = Path()

    def cost_usd(self, seconds: float) -> float:
        return 0.0

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: object) -> None:
        super().reanimate(picture, speech, out, progress)
        shutil.copyfile(out, self.copy)


def resynced(system: Reanimator, dub: Dubbed, out: Path, phones: Path | None = None) -> Resynced:
    around = SystemOptions.model_validate({"device": "cpu"})
    backend = ForeignLipSyncer("local", around, {system.takes: System("local", system, FACTS)}, auto=False)
    return backend.resync(dub.video, dub.analysis, dub.dialogue, phones or dub.phone_file, "es", out, silent)


def told(done: Resynced) -> dict[str, Any]:
    """The report without what a second run takes."""
    return {
        name: value
        for name, value in done.report.items()
        if name not in ("fps", "seconds", "peak_rss_mb", "peak_vram_mb")
    }


def holds(done: Resynced, dub: Dubbed) -> None:
    """The picture is the title's in length and times, and the title's own outside of the mask."""
    assert done.picture is not None
    assert times_of(done.picture) == pytest.approx(times_of(dub.video), abs=1e-4)
    assert done.report["outside_mask_max_diff"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("takes", ["video", "portrait"])
def test_the_same_clip_from_any_checkout_gives_the_same_report(takes: Any, dubbed: Dubbed, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    limits = stand_in("musetalk" if takes == "video" else "sadtalker", tmp_path / "any", made).limits
    plain = resynced(Keeping(takes=takes, limits=limits, copy=made), dubbed, tmp_path / "plain.mp4")
    holds(plain, dubbed)
    for name in (name for name, system in external_systems().items() if system.takes == takes):
        system = stand_in(name, tmp_path / name, made)
        done = resynced(system, dubbed, tmp_path / f"{name}.mp4")
        holds(done, dubbed)
        if name not in BESIDE and system.limits == limits:
            assert told(done) == told(plain)
        assert done.report["edited"] == pytest.approx(plain.report["edited"], abs=2)


@pytest.mark.slow
def test_a_wav2lip_that_moves_no_mouth_is_passed_through_and_one_that_cannot_be_judged_holds(
    dubbed: Dubbed,
    tmp_path: Path,
) -> None:
    checkpoint = weights.save(tmp_path / "copy.pth", weights.copying())
    system = Wav2Lip(Wav2Lip.Options(checkpoint=checkpoint, device="cpu"))
    refused = resynced(system, dubbed, tmp_path / "refused.mp4")
    assert refused.picture is None
    assert refused.report["routes"][0]["pieces"][0]["reason"] == "no_better_than_unsynced"
    assert any("no_better_than_unsynced" in note for note in refused.notes)
    phones = tmp_path / "phones.json"  # too little is said to judge by
    phones.write_text(json.dumps([_row(phone) for phone in dubbed.phones[:3]]), "utf-8")
    done = resynced(system, dubbed, tmp_path / "done.mp4", phones)
    holds(done, dubbed)
    again = resynced(system, dubbed, tmp_path / "again.mp4", phones)
    assert told(again) == told(done)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "done.mp4").read_bytes()


def _row(phone: Phone) -> dict[str, Any]:
    return {"ipa": phone.ipa, "start_ms": phone.start_ms, "end_ms": phone.end_ms, "stress": phone.stress}
