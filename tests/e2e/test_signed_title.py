"""A title with a key: everything that can be heard or seen is signed, once; without a key nothing changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.ask.plan import Request, plan
from flows.cli import app
from flows.kept.answered import answered_from_store
from flows.terminal.runner import dub_titles
from tasks.keep.verify import verify
from tasks.keep.whose import owners
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run
from tests.clips import click_track, clip
from tests.signing import active, chain, foreign_read, said


def signed_places(languages: list[str]) -> set[str]:
    """Everything of a title that can be heard or seen."""
    stems = {f"{tag}/{role}.wav" for tag in languages for role in ("dialogue", "bed", "mix")}
    masters = {"clip.multi.mkv", *(f"clip.{tag}.mp4" for tag in languages)}
    return stems | masters | {f"deliver/platform/clip.{tag}.flac" for tag in languages if len(languages) > 1}


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def planned(folder: Path, languages: list[str], **credentials: Any) -> Run:
    """A clip in Spanish, which a machine speaks, or in French too, which was recorded, with a delivery preset."""
    video = folder / "clip.mp4"
    if not video.exists():
        clip(video, seconds=1)
        click_track(folder / "french.wav", 1)
    given: dict[str, Any] = {"videos": [str(video)], "languages": languages, "out": str(folder / "out")}
    dubs = {"fr": str(folder / "french.wav")} if "fr" in languages else {}
    given |= {"profile": "fake", "source_language": "en", "dubs": dubs}
    overrides: dict[str, Any] = {"ingest": {"clock": "trust"}, "deliver": "platform" if dubs else "file"}
    overrides |= {"credentials": credentials} if credentials else {}
    return plan(Request(**given, overrides=overrides))[0]


def dub(run: Run) -> tuple[dict[str, Any], set[str]]:
    """The summary, and the steps that were computed."""
    events: list[StepEvent] = []
    with listening(events.append):
        summary = answered_from_store(run) or dub_titles([run])[0]
    return summary, {event.step for event in events if event.state == "computed"}


def digests(folder: Path, languages: list[str]) -> dict[str, str]:
    names = {*signed_places(languages), "clip.multi.c2pa"}
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names if (folder / name).exists()
    }


@pytest.mark.parametrize("languages", [["es"], pytest.param(["es", "fr"], marks=pytest.mark.slow)])
@pytest.mark.usefixtures("no_server")
def test_a_title_is_signed_once_and_is_what_it_was_without_a_key(
    tmp_path: Path, store_folder: Path, languages: list[str]
) -> None:
    there = tmp_path / "out" / "clip"
    plain, _ = dub(planned(tmp_path, languages))
    before = digests(there, languages)
    assert plain["languages"]["es"]["credentials"] == plain["multi_credentials"] == {"state": "unsigned"}
    assert "Unsigned:" in (there / "es" / "report.html").read_text()

    keys = chain(tmp_path / "chain").model_dump()
    summary, computed = dub(planned(tmp_path, languages, **keys))
    presets = {"sign-presets"} if "fr" in languages else set()
    assert computed == {"sign", "report", "sign-multi"} | presets  # the dub itself is not made again
    assert summary["languages"]["es"]["credentials"]["by"] == "test certificate: signer (Example Dubbing)"
    assert {one["credentials"]["state"] for one in summary["deliver"].values()} <= {"signed"}
    assert "nobody else trusts it" in (there / "es" / "report.html").read_text()
    trust = (tmp_path / "chain" / "trust.pem").read_text()
    for name in signed_places(languages):
        beside = there / "clip.multi.c2pa" if name.endswith(".mkv") else None
        store = foreign_read(there / name, trust, beside)
        assert store["validation_state"] == "Trusted", name
        assert active(store)["ingredients"][0]["relationship"] == "parentOf"
    spoken = said(foreign_read(there / "clip.es.mp4", trust), "org.polydub.dub")
    assert spoken["synthetic_speech"]
    assert {"separate", "translate", "synthesize", "mix", "package"} <= {one["step"] for one in spoken["made_by"]}

    key = (tmp_path / "chain" / "key.pem").read_bytes().splitlines()[1]
    written = [path for folder in (store_folder, tmp_path / "out") for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in written if key in path.read_bytes()]
    signed = digests(there, languages)
    assert signed["clip.multi.mkv"] == before["clip.multi.mkv"]  # its credentials lie beside it
    assert {one.place for place in signed for one in owners(str(store_folder), signed[place])} >= signed.keys()
    (there / "clip.es.mp4").unlink()
    again, computed = dub(planned(tmp_path, languages, **keys))
    assert (computed, digests(there, languages)) == (set(), signed)
    assert again["languages"]["es"]["credentials"]["state"] == "signed"
    assert verify(str(store_folder), False, lambda *_: None)[2] == []

    without, computed = dub(planned(tmp_path, languages))
    assert (computed, digests(there, languages)) == (set(), before)
    assert without["multi_credentials"] == {"state": "unsigned"}
    if "fr" in languages:
        _is_told_as_recorded(tmp_path, keys, languages, trust)


def _is_told_as_recorded(folder: Path, keys: dict[str, Any], languages: list[str], trust: str) -> None:
    """French is a recording, which is an ingredient beside the source."""
    dub(planned(folder, languages, **keys))
    recorded = foreign_read(folder / "out" / "clip" / "clip.fr.mp4", trust)
    assert not said(recorded, "org.polydub.dub")["synthetic_speech"]
    assert [one["relationship"] for one in active(recorded)["ingredients"]] == ["parentOf", "componentOf"]


@pytest.mark.usefixtures("no_server", "store_folder")
def test_a_key_that_cannot_sign_stops_a_title_before_its_first_step(tmp_path: Path) -> None:
    expired = chain(tmp_path / "chain", begins_in=-40).model_dump()
    run = planned(tmp_path, ["es"], **expired)
    profile = tmp_path / "profile.yaml"
    told = {name: expired[name] for name in ("key", "certificate")}
    profile.write_text(f"extends: fake\ncredentials: {json.dumps(told)}\n")
    events: list[StepEvent] = []
    command = ["run", str(tmp_path / "clip.mp4"), "--to", "es", "--from", "en", "--profile", str(profile)]
    with listening(events.append):
        ended = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "other")])
    assert ended.exit_code == 1
    assert "expired on" in ended.output
    assert {(event.step, event.state) for event in events} <= {
        ("probe", "computed"),
        ("probe", "reused"),
    }  # by the plan
    assert not list((tmp_path / "other").rglob("*.mp4"))
    assert run.profile.credentials.signs
