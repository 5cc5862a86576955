"""A series over two titles on a real Prefect server, and a paid voice whose key is found nowhere afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.ask.plan import Request, plan
from flows.kept.answered import answered_from_store
from flows.terminal.runner import dub_titles
from tasks.records.title import Run
from tests.synthesize.eleven_labs import KEY, VOICES, eleven_labs

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder")]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)
    with eleven_labs() as served:
        yield served


def planned(video: Path, out: Path, *languages: str, **overrides: Any) -> Run:
    given: dict[str, Any] = {"videos": [str(video)], "languages": languages, "out": str(out), "profile": "fake"}
    return plan(Request(**given, overrides=overrides, source_language="en"))[0]


def paid(url: str, **options: Any) -> dict[str, Any]:
    return {"backend": "elevenlabs", "options": {"url": url, "tries": 1, **options}}


def files_with(secret: bytes, *folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_paid_voice_speaks_and_its_key_stays_out_of_every_file(
    short_clip: Path, tmp_path: Path, service: tuple[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    url, server = service
    good = dub_titles([planned(short_clip, tmp_path, "es", synthesize=paid(url))])[0]
    assert good["languages"]["es"]["state"] != "failed"
    characters = sum(len(asked["body"]["text"]) for asked in server.asked if asked["body"])
    assert any(f"{characters} characters were sent" in note for note in good["languages"]["es"]["notes"])
    before = len(server.asked)
    dub_titles([planned(short_clip, tmp_path, "es", synthesize=paid(url))])
    assert len(server.asked) == before  # nothing is bought twice

    server.faults = [(401, {"detail": {"status": "invalid_api_key", "message": f"{KEY} is wrong"}})] * 9
    bad = dub_titles([planned(short_clip, tmp_path, "fr", synthesize=paid(url))])[0]
    assert bad["languages"]["fr"]["state"] == "failed"
    assert "ELEVENLABS_API_KEY" in bad["languages"]["fr"]["error"]["fix"]

    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    prefect, store = Path(os.environ["PREFECT_HOME"]), Path(os.environ["POLYDUB_STORE"])
    assert any(path.suffix.startswith(".db") for path in prefect.rglob("*"))
    assert files_with(b"ELEVENLABS_API_KEY", prefect, tmp_path)  # the search finds what is there
    assert files_with(KEY.encode(), prefect, store, tmp_path) == []


def test_the_voices_of_a_series_last_from_title_to_title(
    short_clip: Path, tmp_path: Path, service: tuple[str, Any]
) -> None:
    voices = tmp_path / "voices.yaml"
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    for video, who in ((first, "ANNA"), (second, "BEN")):
        shutil.copy(short_clip, video)
        with video.open("ab") as file:
            file.write(who.encode())  # another title, as far as content goes
        order = ("ANNA", "BEN") if who == "ANNA" else ("BEN", "ANNA")
        cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{name}: Good morning.\n" for n, name in enumerate(order, 1)]
        video.with_suffix(".en.srt").write_text("\n".join(cues))
    series = {"voices": str(voices), "synthesize": paid(service[0])}
    dub_titles([planned(first, tmp_path, "es", **series)])
    known = yaml.safe_load(voices.read_text())["speakers"]
    chosen = {name: known[name]["voices"]["elevenlabs"]["es"] for name in ("ANNA", "BEN")}
    assert set(chosen.values()) <= set(VOICES)
    assert chosen["ANNA"] != chosen["BEN"]
    summary = dub_titles([planned(second, tmp_path, "es", **series)])[0]
    assert any(
        f"BEN is {chosen['BEN']}" in note and f"ANNA is {chosen['ANNA']}" in note
        for note in summary["languages"]["es"]["notes"]
    )
    for video in (first, second):
        again = answered_from_store(planned(video, tmp_path, "es", **series))
        assert again is not None
        assert again["languages"]["es"]["computed"] == 0
