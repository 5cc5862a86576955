"""Titles named by addresses in a request and in a manifest: planned from the store, kept without their secrets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from configs.profile import load_profile
from flows.ask.plan import Request, plan
from flows.night.batches import load_batch, new_batch, runs_of
from flows.night.manifest import Defaults, read_manifest
from flows.terminal.runner import dub_titles
from tasks.keep.store import store_root
from tasks.records.errors import BadInputError


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site(short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A host with ``talk.mp4`` that the operator allows, and what it was asked."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "talk.mp4").write_bytes(short_clip.read_bytes())
    Quiet.asked = []
    there = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    threading.Thread(target=there.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{there.server_address[1]}"
    monkeypatch.setenv("POLYDUB_SOURCES__ALLOW", f"media.example.org {url}")
    monkeypatch.setenv("POLYDUB_SOURCES__PRIVATE", "true")
    yield url, Quiet.asked
    there.shutdown()
    there.server_close()


@pytest.mark.usefixtures("store_folder")
def test_an_address_is_planned_and_dubbed_like_a_file(site: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = site
    address = f"{url}/talk.mp4?Signature=SECRET"
    (run,) = plan(Request([address], ["es"], str(tmp_path / "out"), "fake", source_language="en"))
    assert (run.title.name, run.title.source) == ("talk", f"{url}/talk.mp4?…")
    assert Path(run.title.video.uri).is_relative_to(store_root())
    (summary,) = dub_titles([run])
    assert summary["languages"]["es"]["master"] == "talk.es.mp4"
    card = json.loads((tmp_path / "out" / "talk" / "title.json").read_text())
    assert card["source"]["path"] == f"{url}/talk.mp4?…"
    delivered = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    kept = b"".join(path.read_bytes() for path in (store_root() / "records").rglob("*.json"))
    assert b"SECRET" not in delivered + kept
    (again,) = plan(Request([address], ["es"], str(tmp_path / "out"), "fake", source_language="en"))
    assert again.title.video == run.title.video
    assert len(asked) == 2


@pytest.mark.usefixtures("store_folder")
def test_a_manifest_may_name_what_the_operator_allows(site: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = site
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"title,languages\n{url}/talk.mp4?Signature=SECRET,es\n")
    rows = read_manifest(manifest, Defaults(profile="fake", out=str(tmp_path / "out")))
    assert asked == []  # a manifest is read without fetching
    profile = load_profile("fake")
    batch, (run,) = new_batch("m", rows, profile, str(tmp_path / "out"), profile.budget)
    assert run.title.name == "talk"
    kept = b"".join(path.read_bytes() for path in store_root().rglob("*.json"))
    assert b"SECRET" not in kept
    (tmp_path / "www" / "talk.mp4").unlink()
    (planned,) = runs_of(load_batch(batch.id))  # from the store: the address is not asked again
    assert planned.title == run.title
    assert batch.request_of(planned, "es").languages == ["es"]
    assert len(asked) == 1


@pytest.mark.usefixtures("store_folder")
def test_other_addresses_of_a_manifest_are_faults_of_their_rows(site: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = site
    manifest = tmp_path / "m.csv"
    (tmp_path / "evil.yaml").write_text("extends: fake\nsources: {allow: '*'}\n")
    manifest.write_text(
        "title,languages,profile\n"
        "https://evil.example/a.mp4?key=SECRET,es,\n"
        "file:///etc/passwd,es,\n"
        f"{url}/talk.mp4,es,evil.yaml\n"
        f"{url}/talk.mp4,es,\n"
        f"{url}/talk.mp4,es,\n"
    )
    with pytest.raises(BadInputError) as refused:
        read_manifest(manifest, Defaults(profile="fake"))
    told = str(refused.value)
    assert "row 2, column title: Titles from evil.example are not allowed here" in told
    assert "row 3, column title: Titles are not fetched by file://" in told
    assert "row 4, column profile: Profile file 'evil.yaml' sets 'sources" in told
    assert "row 6, column title: talk.mp4 in es is already in row" in told
    assert "SECRET" not in told
    assert asked == []


@pytest.mark.usefixtures("store_folder")
def test_what_does_not_come_is_a_fault_of_its_row(site: tuple[str, list[str]], tmp_path: Path) -> None:
    url, _ = site
    manifest = tmp_path / "m.csv"
    manifest.write_text(f"title,languages\n{url}/none.mp4?key=SECRET,es\n")
    rows = read_manifest(manifest, Defaults(profile="fake"))
    profile = load_profile("fake")
    with pytest.raises(BadInputError, match=r"row 2, column title: .*none\.mp4\?… answered with status 404") as refused:
        new_batch("m", rows, profile, str(tmp_path / "out"), profile.budget)
    assert "SECRET" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_nothing_is_allowed_by_default(tmp_path: Path, store_folder: Path) -> None:
    with pytest.raises(BadInputError, match=r"Titles from media\.example\.org are not allowed here"):
        plan(Request(["https://media.example.org/talk.mp4"], ["es"], str(tmp_path / "out"), "fake"))
    assert not list(store_folder.rglob("*.part"))
