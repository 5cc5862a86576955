"""Delivered titles in a browser: who is let in, what is served of a file, and nothing beside a title's folder."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flows.ask.plan import Request, plan
from flows.kept import links
from flows.review.site import app
from flows.service.login import password
from tasks.records.title import Run

TOKEN = "a-token-of-this-server"
NAME = 'ta"lk <img src=x onerror=alert(1)> \u202e'


@pytest.fixture
def run(short_clip: Path, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A delivered title whose name is hostile, with a secret beside its folder, and a link to that inside."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    video = str(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    made = plan(Request([video], ["es"], str(tmp_path / "out"), "fake", source_language="en"))[0]
    folder = Path(made.title.folder)
    (folder / "es").mkdir(parents=True)
    (folder / "es/report.html").write_text("<p>the report</p>")
    (folder / "talk.es.mp4").write_bytes(bytes(range(256)) * 40)
    language = {"language": "Spanish", "state": "needs_review", "why": "<b>teeth</b>", "report": "es/report.html"}
    summary = {"title": NAME, "languages": {"es": {**language, "master": "talk.es.mp4"}}}
    (folder / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "out/secret.txt").write_text("secret")
    (folder / "escape.txt").symlink_to(tmp_path / "out/secret.txt")
    (folder / ".hidden").write_text("secret")
    links.note_delivered(made)
    return made


@pytest.fixture
def client(run: Run) -> Iterator[TestClient]:
    with TestClient(app(TOKEN), base_url="http://127.0.0.1:4201", follow_redirects=False) as asking:
        yield asking


@pytest.fixture
def known(client: TestClient) -> TestClient:
    """One that has opened the address with the token."""
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


def place(run: Run, name: str) -> str:
    return f"/titles/{links.key_of(run.title.folder)}/{name}"


def test_the_token_of_its_address_is_taken_over_and_leaves_the_address(client: TestClient) -> None:
    answer = client.get(f"/?token={TOKEN}&page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=2")
    assert re.search(r"HttpOnly; Path=/; SameSite=lax", answer.headers["set-cookie"])
    assert client.get("/").status_code == 200


def test_the_password_of_this_installation_opens_it_as_a_browser_asks_for_it(client: TestClient, run: Run) -> None:
    refused = client.get(place(run, "es/report.html"))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    name, _, secret = password().partition(":")
    assert client.get(place(run, "es/report.html"), auth=(name, secret)).text == "<p>the report</p>"
    for wrong in ((name, "no"), ("", ""), ("no", secret)):
        assert client.get(place(run, "es/report.html"), auth=wrong).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Cookie": "polydub-review=no"}, 401),
        ({"Cookie": "polydub-review="}, 401),
        ({"Authorization": "Basic ?"}, 401),
        ({"Authorization": "Bearer " + TOKEN}, 401),
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example", "Cookie": f"polydub-review={TOKEN}"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Cookie": f"polydub-review={TOKEN}"}, 403),
    ],
)
def test_nobody_else_is_let_in(client: TestClient, run: Run, headers: dict[str, str], status: int) -> None:
    for where in ("/", place(run, "talk.es.mp4"), place(run, "@source"), "/?token=no", "/?token="):
        assert client.get(where, headers=headers).status_code == status


def test_a_link_from_another_page_opens_a_report(known: TestClient, run: Run) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = known.get(place(run, "es/report.html"), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("wanted", "status", "first", "length"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=100-", 206, 100, 10140),
        ("bytes=-6", 206, 250, 6),
        ("bytes=99999-", 416, 0, 0),
    ],
)
def test_players_get_the_part_of_a_film_that_they_ask_for(
    known: TestClient, run: Run, wanted: str, status: int, first: int, length: int
) -> None:
    answer = known.get(place(run, "talk.es.mp4"), headers={"Range": wanted})
    assert answer.status_code == status
    if status == 206:
        assert (len(answer.content), answer.content[0]) == (length, first)
        assert answer.headers["content-range"].endswith("/10240")
        assert answer.headers["content-type"] == "video/mp4"


def test_the_whole_of_it_and_how_much_it_is(known: TestClient, run: Run) -> None:
    assert len(known.get(place(run, "talk.es.mp4")).content) == 10240
    head = known.head(place(run, "talk.es.mp4"))
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == ("10240", "bytes")


@pytest.mark.parametrize(
    "wanted",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "es/../../secret.txt",
        "es/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/etc/passwd",
        "%2fetc/passwd",
        "escape.txt",
        ".hidden",
        "es",
        "",
        "es/report.html%00.txt",
        "x" * 5000,
        "nothing.mp4",
        "..%5csecret.txt",
    ],
)
def test_nothing_beside_a_title_s_files_is_served(known: TestClient, run: Run, wanted: str) -> None:
    answer = known.get(place(run, wanted))
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("key", ["0" * 16, "..", "x", "%2e%2e", "0" * 15 + "G"])
def test_nor_a_title_that_is_not_known(known: TestClient, key: str) -> None:
    assert known.get(f"/titles/{key}/es/report.html").status_code == 404


def test_a_title_that_is_gone_is_not_listed(known: TestClient, run: Run) -> None:
    assert "Spanish" in known.get("/").text
    shutil.rmtree(run.title.folder)
    assert "Nothing was delivered" in known.get("/").text
    assert known.get(place(run, "es/report.html")).status_code == 404


def test_the_list_shows_hostile_names_as_text_and_its_links_lead_to_the_files(known: TestClient) -> None:
    page = known.get("/")
    assert "<img" not in page.text
    assert "<b>" not in page.text
    assert "\u202e" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "to review" in page.text
    rows = page.text[page.text.index("<tbody>") :]
    found = re.findall(r'href="(/titles/[^"]+)"', rows)
    assert len(found) == 2
    assert all(known.get(where).status_code == 200 for where in found)


def test_the_source_is_played_beside_the_dub_wherever_it_lies(known: TestClient, run: Run) -> None:
    answer = known.get(place(run, "@source"), headers={"Range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, b"ftyp")
    os.unlink(run.title.video.uri)
    assert known.get(place(run, "@source")).status_code == 404


def test_links_lead_to_the_server_that_runs_or_that_the_operator_names(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, key = run.title.folder, links.key_of(run.title.folder)
    assert links.link(folder, "es/report.html") == ""
    with links.serving("http://127.0.0.1:4201"):
        assert links.link(folder, "es/a b#(1).html") == f"http://127.0.0.1:4201/titles/{key}/es/a%20b%23%281%29.html"
        monkeypatch.setenv("POLYDUB_REVIEW_URL", "https://dubs.example/")
        assert links.link(folder, "x.mp4") == f"https://dubs.example/titles/{key}/x.mp4"
        assert links.review_link(folder, "pt-BR") == f"https://dubs.example/review/{key}/pt-BR"
        monkeypatch.setenv("POLYDUB_REVIEW_URL", "javascript:alert(1)//")
        assert links.link(folder, "x.mp4") == ""
        monkeypatch.delenv("POLYDUB_REVIEW_URL")
        monkeypatch.setattr("socket.gethostname", lambda: "another")
        assert links.link(folder, "x.mp4") == ""
    monkeypatch.undo()


def test_a_server_that_is_gone_leaves_no_links(run: Run, store_folder: Path) -> None:
    with links.serving("http://127.0.0.1:4201"):
        pass
    assert links.site() == ""
