"""The pages: what the queue lists, what they load, and their words in every language that they are shown in."""

from __future__ import annotations

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flows.review.catalogue import catalogues
from flows.review.listed import keys_of
from flows.review.site import app
from tasks.records.errors import BadInputError
from tests.flows.review.conftest import SAID, TOKEN, Page

ROOT = Path(str(files("flows.review")))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))


def review(page: Page) -> str:
    return page.place.replace("/api/v1/titles", "/review")


def summary(page: Page, **language: object) -> None:
    path = Path(page.run.title.folder) / "summary.json"
    found = json.loads(path.read_text())
    found["languages"]["es"] |= language
    path.write_text(json.dumps(found))


def test_a_page_loads_from_its_own_server_alone_and_runs_no_script_of_its_text(page: Page) -> None:
    for place in ("/", review(page)):
        answer = page.client.get(place)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["permissions-policy"].startswith("microphone=(self), camera=()")
        assert not re.findall(r"<script(?![^>]*(?: src=|application/json))", answer.text)
        assert not re.findall(r'(?:src|href)="(?!/)', answer.text)
        assert not re.findall(r"\son\w+=|style=", answer.text)
        for loaded in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert page.client.get(loaded).status_code == 200


def test_scripts_import_what_there_is_and_take_no_markup_from_texts() -> None:
    names = {path.name for path in SCRIPTS}
    for path in SCRIPTS:
        text = path.read_text()
        assert {found.removeprefix("./") for found in re.findall(r'from "([^"]+)"', text)} <= names
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)
        assert not re.findall(r"https?://", text)


@pytest.mark.parametrize("name", ["x.js", "..%2fsite.py", "../site.py", "page.js%00", ".css"])
def test_no_other_file_is_loaded(page: Page, name: str) -> None:
    assert page.client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("place", ["0000000000000000/es", "x/es", "KEY/fr", "KEY/ES", "KEY/..", "KEY/es/x"])
def test_there_is_no_other_page(page: Page, place: str) -> None:
    where = review(page).rsplit("/", 1)[0]
    assert page.client.get(place.replace("KEY", where) if "KEY" in place else f"/review/{place}").status_code == 404


def test_the_queue_is_of_what_is_asked_for(page: Page) -> None:
    summary(page, state="needs_review", why="<i>lips</i>")
    for asked, there in {
        "": 1,
        "?state=needs_review": 1,
        "?state=failed": 0,
        "?find=TAL": 1,
        "?language=fr": 0,
    }.items():
        text = page.client.get(f"/{asked}").text
        assert text.count('href="/review/') == there, asked
        assert "<i>" not in text


def test_a_language_that_failed_has_no_page_to_open(page: Page) -> None:
    summary(page, state="failed", master=None)
    assert 'href="/review/' not in page.client.get("/").text


def test_a_language_that_waits_shows_what_there_is_to_look_at(page: Page) -> None:
    folder = Path(page.run.title.folder)
    summary(page, state="waiting", master=None, report=None)
    (folder / "es/review").mkdir()
    shutil.move(folder / "es/script.json", folder / "es/review/script.json")
    (folder / "talk.es.mp4").unlink()
    assert 'href="/review/' in page.client.get("/").text
    text = page.client.get(review(page)).text
    assert '<video id="dub-film" preload' in text
    assert 'href="/titles/' not in text
    (folder / "es/review/mix.wav").write_bytes(b"RIFF")
    (film,) = re.findall(r'<video id="dub-film" src="([^"]+)"', page.client.get(review(page)).text)
    assert page.client.get(film).content == b"RIFF"
    assert page.texts()[0] == SAID[0]


def test_a_review_of_a_folder_lists_its_titles_alone(page: Page, tmp_path: Path) -> None:
    folder = Path(page.run.title.folder)
    assert keys_of(str(folder)) == keys_of(str(folder.parent))
    (tmp_path / "empty").mkdir()
    for nothing in ("empty", "no-such-batch"):
        with pytest.raises(BadInputError):
            keys_of(str(tmp_path / nothing) if nothing == "empty" else nothing)
    with TestClient(app(TOKEN, frozenset()), base_url="http://127.0.0.1:4201") as client:
        client.cookies.set("polydub-review", TOKEN)
        assert client.get("/api/v1/titles").json() == {"languages": []}
        assert 'href="/review/' not in client.get("/").text


def test_every_word_of_the_pages_is_in_every_catalogue() -> None:
    templates = " ".join(path.read_text() for path in ROOT.glob("*.j2"))
    scripts = " ".join(path.read_text() for path in SCRIPTS)
    used = set(re.findall(r"\bt\.(\w+)", templates)) - {"get", "format"}
    used |= set(re.findall(r'\bt\("(\w+)"', scripts))
    english = catalogues()["en"]
    assert used <= english.keys()
    for tag, words in catalogues().items():
        assert words.keys() == english.keys(), tag
        holes = {name: re.findall(r"\{\w+\}", text) for name, text in words.items()}
        assert {name: sorted(found) for name, found in holes.items()} == {
            name: sorted(re.findall(r"\{\w+\}", text)) for name, text in english.items()
        }


def test_the_words_are_those_that_the_browser_prefers_or_somebody_chose(page: Page) -> None:
    spanish = {"accept-language": "ast-ES, es;q=0.9"}
    assert 'lang="es"' in page.client.get("/", headers=spanish).text
    assert '<html lang="en"' in page.client.get("/", headers={"accept-language": "xx, *"}).text
    page.client.get("/?words=es")
    assert '<html lang="es"' in page.client.get(review(page)).text
    assert '<html lang="en"' in page.client.get("/?words=en").text
