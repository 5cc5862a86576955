"""A branch is found again exactly where nothing that it depends on has changed; its failures are counted."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from configs.night import BudgetSettings
from configs.profile import load_profile
from flows.ask.plan import Request, checked_profile, plan
from flows.dub.branch import dub_branch
from flows.kept.branches import (
    STRIKES,
    branch_key,
    carry_over,
    finished,
    is_begun,
    is_set_aside,
    keep_attempt,
    keep_shared_work,
    known,
    last_attempt,
    mark_begun,
    note_missing,
)
from flows.kept.edits import Edit, Edits
from flows.kept.keys import shared_key
from flows.night.batches import Batch, new_batch, runs_of, unfinished
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.result import BranchResult, Failure, SharedWork
from tasks.records.script import Line, Script
from tasks.records.title import Branch, Run, Title

pytestmark = pytest.mark.usefixtures("store_folder", "probed_once")


@pytest.fixture
def video(short_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(short_clip, tmp_path / "clip.mp4"))


def planned(video: Path, **changes: Any) -> Run:
    given = {"videos": [str(video)], "languages": ["es", "fr"], "out": str(video.parent / "out"), "profile": "fake"}
    return plan(Request(**{**given, "source_language": "en", **changes}))[0]


def ended(run: Run, state: str = "completed", language: str = "es", **facts: Any) -> BranchResult:
    """Keep how an attempt at a branch ended."""
    keep_attempt(run, BranchResult(language=language, state=state, key=branch_key(run.branch(language)), **facts))  # type: ignore[arg-type]
    result = last_attempt(run, branch_key(run.branch(language)))
    assert result is not None
    return result


def failed(run: Run, kind: str = "PermanentError", transient: bool = False) -> BranchResult:
    return ended(run, "failed", failure=Failure(kind=kind, what="no", transient=transient))


OTHER_BACKENDS: dict[str, dict[str, Any]] = {
    "separate": {"backend": "classical"},
    "transcribe": {"backend": "pocketsphinx"},
    "diarize": {"backend": "resemblyzer"},
    "translate": {"backend": "libretranslate", "options": {"url": "http://127.0.0.1:9"}},
    "synthesize": {"backend": "espeak"},
    "lipsync": {"backend": "none"},
}


PACKAGES = (
    *("probe", "separate", "transcribe", "diarize", "translate", "synthesize", "adapt"),
    *("ingest", "fit", "lipsync", "mix", "package", "qc", "report"),
)


@pytest.mark.parametrize("step", OTHER_BACKENDS)
def test_what_one_backend_made_does_not_answer_for_another(video: Path, step: str) -> None:
    run = planned(video)
    ended(run)
    other = planned(video, overrides={step: OTHER_BACKENDS[step]})
    assert finished(run.branch("es")) is not None
    assert finished(other.branch("es")) is None, f"another {step} is answered from old results"


@pytest.mark.parametrize(
    "overrides",
    [
        {"loudness": "netflix"},
        {"fit": {"hardest": 1.25}},
        {"pace": {"fastest": 1.1}},
        {"mix": {"stems": "flac"}},
        {"waivers": {"drift": "agreed"}},
        {"ingest": {"clock": "trust"}},
        {"scene": "cinematic"},
        {"height": "720p"},
        {"sidecar": False},
        {"realign": True},
    ],
    ids=lambda overrides: next(iter(overrides)),
)
def test_a_setting_that_changes_the_dub_makes_it_anew(video: Path, overrides: dict[str, Any]) -> None:
    run = planned(video)
    assert branch_key(planned(video).branch("es")) == branch_key(run.branch("es"))
    ended(run)
    assert finished(planned(video, overrides=overrides).branch("es")) is None


def test_whatever_a_title_is_made_from_makes_it_anew_too(video: Path, tmp_path: Path) -> None:
    words, bed, dub = tmp_path / "words.srt", tmp_path / "bed.wav", tmp_path / "dub.wav"
    words.write_text("1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n")
    for sound in (bed, dub):
        shutil.copy(video, sound)
    changes: list[dict[str, Any]] = [
        {"subtitles": str(words)},
        {"bed": str(bed)},
        {"dubs": {"es": str(dub)}},
        {"source_language": "de"},
        {"preview_s": 2.0},
    ]
    run = planned(video)
    keys = [branch_key(one.branch("es")) for one in (run, *(planned(video, **change) for change in changes))]
    with video.open("ab") as file:
        file.write(b"other")
    keys += [branch_key(planned(video).branch("es")), branch_key(run.branch("fr"))]
    assert len(set(keys)) == len(keys)
    assert (
        branch_key(planned(video, dubs={"fr": str(dub)}).branch("es")) == keys[-2]
    )  # another language's recording is its own


@pytest.mark.parametrize("step", ["transcribe", "lipsync", "translate", "synthesize", "fit", "mix", "package", "qc"])
def test_a_step_that_is_made_otherwise_now_makes_the_branch_anew(
    video: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned(video)
    ended(run)
    monkeypatch.setattr(f"tasks.{step}.VERSION", 9999)
    assert finished(run.branch("es")) is None


def test_keys_are_those_of_the_stores_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(PACKAGES, 1):
        monkeypatch.setattr(f"tasks.{name}.VERSION", number)
    monkeypatch.setattr("tasks.lipsync.fake.FakeLipSyncer.fingerprint", lambda _fake: "fake-lipsync-1")
    asset = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=asset, source="talk.mp4", folder="/nowhere/out/talk", languages=("es",))
    run = Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "empty"))
    # Another key makes every title anew: change it on purpose only, and say so in the changelog.
    assert shared_key(run) == "15d8f9b6f1ec149493058b3eeca9eb89da4ffde4ebf09d157fbde76ad55292b0"
    assert branch_key(run.branch("es")) == "10e476273bae399b0b3a5719bf06fa4583c9cebe3dbd93138713dd76d8ec8b76"


def test_a_title_under_another_name_is_another_branch(video: Path) -> None:
    run = planned(video)
    ended(run)
    renamed = run.model_copy(update={"title": run.title.model_copy(update={"name": "talk"})})
    assert finished(renamed.branch("es")) is None


def transcribed(run: Run, *texts: str) -> list[Line]:
    """Keep what the shared steps would have made of these words."""
    said = tuple(Line(id=n, start_ms=n * 1000, end_ms=n * 1000 + 900, text=text) for n, text in enumerate(texts, 1))
    facts = MediaFacts(container="mp4", duration_ms=9000, picture=None, audio=())
    media = dict.fromkeys(("video", "original", "dialogue", "bed", "speech", "analysis"), run.title.video)
    keep_shared_work(run, SharedWork(facts=facts, script=Script(language="en", lines=said), **media))
    return list(said)


def edited(run: Run, line: Line, text: str | None, lines: list[Line], language: str = "es") -> None:
    title = run.title
    edits = Edits(Store(Path(run.store)), title.plain, title.video.sha256, language, Path(title.folder))
    edits.add([Edit(script=edits.keep_script(lines), line=line.id, words=line.text, text=text)])


def test_an_edited_line_is_another_branch_until_it_is_taken_back(video: Path) -> None:
    run = planned(video)
    lines = transcribed(run, "Good morning.", "Good evening.")
    ended(run)
    edited(run, lines[0], "Bonjour.", lines, "fr")
    assert finished(run.branch("es")) is not None
    edited(run, lines[0], "Hola.", lines)
    assert finished(run.branch("es")) is None
    edited(run, lines[0], None, lines)
    assert finished(run.branch("es")) is not None


def test_an_edit_that_no_longer_fits_is_told_by_a_branch_made_anew(video: Path) -> None:
    run = planned(video)
    lines = transcribed(run, "Good morning.", "Good evening.")
    edited(run, lines[0], "Hola.", lines)
    before = branch_key(run.branch("es"))
    transcribed(run, "Good evening.")
    assert known(run.branch("es")).edits.texts == {}
    assert len(known(run.branch("es")).edits.notes) == 1
    assert branch_key(run.branch("es")) != before


def test_an_edit_made_while_a_branch_runs_counts_in_the_next_run(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is kept under the key of the edits that it was made of."""
    run = planned(video)
    lines = transcribed(run, "Good morning.", "Good evening.")
    before, used = branch_key(run.branch("es")), []

    @contextlib.contextmanager
    def editing(_branch: Branch) -> Iterator[None]:
        edited(run, lines[0], "Hola.", lines)
        yield

    def translate(_branch: Branch, _script: Script, texts: dict[str, str], *_more: object) -> None:
        used.append(texts)
        raise RuntimeError("far enough")

    monkeypatch.setattr("flows.dub.making.translate", SimpleNamespace(submit=translate))
    dub_branch(run.branch("es"), editing)
    assert used == [{}]
    assert last_attempt(run, before) is not None
    assert branch_key(run.branch("es")) != before


def test_the_shared_steps_do_not_depend_on_who_translates_or_speaks(video: Path) -> None:
    run = planned(video)
    for step, chosen in OTHER_BACKENDS.items():
        other = planned(video, overrides={step: chosen})
        assert (shared_key(other) == shared_key(run)) is (step in ("translate", "synthesize")), step


@pytest.mark.parametrize("lost", ["outputs", "audio", "subtitles"])
def test_a_branch_whose_file_is_gone_is_not_finished(video: Path, tmp_path: Path, lost: str) -> None:
    run = planned(video)
    assets: dict[str, Asset] = {}
    for name in ("outputs", "audio", "subtitles"):
        (tmp_path / name).write_text(name)
        assets[name] = Store(run.store).add(tmp_path / name)
    ended(run, outputs={"clip.es.mp4": assets["outputs"]}, audio=assets["audio"], subtitles=assets["subtitles"])
    assert finished(run.branch("es")) is not None
    path_of(assets[lost]).unlink()
    assert finished(run.branch("es")) is None


@pytest.mark.parametrize("state", ["failed", "carried_over"])
def test_what_was_not_delivered_is_not_finished(video: Path, state: str) -> None:
    run = planned(video)
    ended(run, state)
    assert finished(run.branch("es")) is None


def test_a_branch_is_set_aside_after_three_failures_that_stay(video: Path) -> None:
    run = planned(video)
    for strike in range(1, STRIKES + 1):
        mark_begun(run.branch("es"))  # as every attempt does
        result = failed(run)
        assert (result.strikes, is_set_aside(result)) == (strike, strike == STRIKES)
    assert STRIKES == 3


def test_what_passes_on_its_own_is_no_strike_and_forgives_none(video: Path) -> None:
    run = planned(video)
    failed(run)
    assert failed(run, "ProviderBusyError", transient=True).strikes == 1
    carry_over(run.branch("es"), "no time")
    mark_begun(run.branch("es"))
    assert failed(run).strikes == 2


def test_a_crash_is_a_strike_and_a_delivery_forgives_them_all(video: Path) -> None:
    run = planned(video)
    for strike in (1, 2):
        mark_begun(run.branch("es"))
        begun = last_attempt(run, branch_key(run.branch("es")))
        assert begun is not None
        assert is_begun(begun)
        note_missing(run.branch("es"), "killed")
        crashed = last_attempt(run, branch_key(run.branch("es")))
        assert crashed is not None
        assert (crashed.strikes, crashed.failure and crashed.failure.kind) == (strike, "Crashed")
    note_missing(run.branch("es"), "told twice")  # it ended already: what is known stays
    assert (last_attempt(run, branch_key(run.branch("es"))) or crashed).strikes == 2
    assert ended(run).strikes == 0
    assert failed(run).strikes == 1


def test_strikes_are_a_branchs_own(video: Path) -> None:
    run = planned(video)
    for _ in range(STRIKES):
        failed(run)
    mended = planned(video, overrides={"synthesize": OTHER_BACKENDS["synthesize"]})
    assert last_attempt(mended, branch_key(mended.branch("es"))) is None
    assert last_attempt(run, branch_key(run.branch("fr"))) is None


@pytest.fixture
def batch(video: Path, tmp_path: Path) -> Batch:
    (tmp_path / "house.yaml").write_text(yaml.safe_dump({"extends": "fake", "source_language": "en"}))
    profile = str(tmp_path / "house.yaml")
    request = Request([str(video)], ["es", "fr", "ca", "it"], str(tmp_path / "out"), profile)
    return new_batch("night", [request], checked_profile(profile, {}), str(tmp_path / "out"), BudgetSettings())[0]


def left(batch: Batch, **how: Any) -> list[str]:
    return [tag for one in unfinished(batch, runs_of(batch), **how) for tag in one.languages]


def test_a_retry_takes_what_is_not_delivered_and_leaves_what_is_set_aside(batch: Batch) -> None:
    (run,) = runs_of(batch)
    assert left(batch) == ["es", "fr", "ca", "it"]
    ended(run, "completed", "es")
    ended(run, "needs_review", "fr")
    for _ in range(STRIKES):
        ended(run, "failed", "it", failure=Failure(kind="Crashed", what="no"))
    assert left(batch) == ["ca"]
    assert left(batch, force=True) == ["ca", "it"]  # forced or not, what is finished is not listed
    assert left(batch, language="it", force=True) == ["it"]
    assert left(batch, language="es") == []
    ended(run, "completed", "ca")
    assert unfinished(batch, [run]) == []


def test_a_run_that_begins_leaves_what_another_has_just_delivered(video: Path) -> None:
    run = planned(video)
    ended(run)
    mark_begun(run.branch("es"))
    assert finished(run.branch("es")) is not None
