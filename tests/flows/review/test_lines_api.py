"""The endpoints of lines and edits: what they show, what they keep, and what they refuse."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from flows.kept.dub_lines import DubLines
from flows.review.lines import Shown
from flows.review.site import app
from tests.flows.review.conftest import SAID, TOKEN, Page


def test_languages_are_listed_worst_first_with_their_titles(page: Page) -> None:
    (row,) = page.client.get("/api/v1/titles").json()["languages"]
    assert (row["title"], row["tag"], row["state"], row["failing"]) == ("talk", "es", "completed", 0)


def test_a_line_shows_source_dub_and_what_was_measured(page: Page) -> None:
    first = page.look()["lines"][0]
    assert (first["key"], first["start_ms"], first["source"], first["text"]) == ("1-0", 300, "Good morning.", SAID[0])
    assert (first["gate"], first["pending"], first["natural_of_slot"]) == ("pass", False, 1.0)


def test_an_edit_is_kept_with_who_and_the_answer_has_what_changed(page: Page) -> None:
    answer = page.edit({"line": "2-0", "change": {"text": "Qué alegría."}})
    assert answer.status_code == 201
    (line,) = answer.json()["lines"]
    assert (line["key"], line["text"], line["machine"], line["pending"]) == ("2-0", "Qué alegría.", SAID[1], True)
    assert page.texts() == [SAID[0], "Qué alegría.", SAID[2]]
    (kept,) = page.client.get(f"{page.place}/history").json()["edits"]
    assert kept["source"] == "page"
    assert kept["who"]
    assert kept["when"]


@pytest.mark.parametrize(
    ("edit", "texts"),
    [
        ({"line": "2-0", "split_at_ms": 1600, "split_texts": ["Me alegra", "verte."]}, ["Me alegra", "verte."]),
        ({"line": "1-0", "merge_with_next": True}, [f"{SAID[0]} {SAID[1]}"]),
        ({"change": {"insert": {"start_ms": 2050, "end_ms": 2250, "text": "¡Eh!"}}}, [SAID[1], "¡Eh!"]),
    ],
)
def test_lines_are_split_merged_and_put_in(page: Page, edit: dict[str, Any], texts: list[Any]) -> None:
    answer = page.edit(edit)
    assert answer.status_code == 201, answer.text
    assert [line["text"] for line in answer.json()["lines"]] == texts
    number = answer.json()["numbers"][0]
    assert page.send("undo", {"number": number}).status_code == 201
    assert page.texts() == list(SAID)


def test_a_line_that_is_to_be_translated_shows_no_other_line_s_text(page: Page) -> None:
    insert = {"start_ms": 2050, "end_ms": 2250, "source": "Hey!"}
    assert page.edit({"change": {"insert": insert}}).status_code == 201
    assert page.texts() == [SAID[0], SAID[1], None, SAID[2]]


def test_somebody_else_s_edit_of_the_same_line_is_shown_instead_of_overwritten(page: Page) -> None:
    seen = page.look()["revision"]
    assert page.edit({"line": "2-0", "change": {"text": "Primero."}}, revision=seen).status_code == 201
    refused = page.edit({"line": "2-0", "change": {"text": "Segundo."}}, revision=seen)
    assert refused.status_code == 409
    assert [line["text"] for line in refused.json()["lines"]] == ["Primero."]
    assert [edit["number"] for edit in refused.json()["since"]] == [1]
    assert page.texts()[1] == "Primero."


def test_an_edit_of_another_line_than_others_edit_is_kept(page: Page) -> None:
    seen = page.look()["revision"]
    assert page.edit({"line": "2-0", "change": {"text": "Primero."}}, revision=seen).status_code == 201
    assert page.edit({"line": "3-0", "change": {"text": "Adiós."}}, revision=seen).status_code == 201
    assert page.texts() == [SAID[0], "Primero.", "Adiós."]


@pytest.mark.parametrize(
    "edit",
    [
        {"line": "1-0", "merge_with_next": True},
        {"line": "2-0", "split_at_ms": 1500},
        {"change": {"insert": {"start_ms": 2050, "end_ms": 2250, "text": "¡Eh!"}}},
    ],
)
def test_what_is_sent_twice_is_kept_once(page: Page, edit: dict[str, Any]) -> None:
    seen = page.look()["revision"]
    assert [page.edit(edit, revision=seen).status_code for _ in range(2)] == [201, 409]


def test_of_two_edits_the_good_one_is_not_kept_without_the_bad_one(page: Page) -> None:
    answer = page.edit({"line": "1-0", "change": {"text": "Hola."}}, {"line": "2-0", "change": {"start_ms": 99_000}})
    assert answer.status_code == 400
    assert page.texts() == list(SAID)


def test_the_cost_is_shown_before_and_nothing_is_kept(page: Page) -> None:
    body = {"revision": page.look()["revision"], "edits": [{"line": "2-0", "change": {"text": "Qué alegría."}}]}
    cost = page.send("edits/preview", body).json()
    assert (cost["spoken"], cost["translated"], cost["picture_s"]) == ([2], [], 0.8)
    assert cost["words"].startswith("1 line spoken, 0.8 s of picture")
    assert page.texts() == list(SAID)


def test_a_locked_line_keeps_what_was_seen_and_takes_no_other_text(page: Page) -> None:
    assert page.edit({"line": "1-0", "change": {"lock": True}}).status_code == 201
    refused = page.edit({"line": "1-0", "change": {"text": "Hola."}})
    assert refused.status_code == 400
    assert "locked" in refused.json()["error"]["what"]
    assert page.edit({"line": "1-0", "change": {"note": "Ask the client."}}).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"revision": "x", "edits": [{"line": "1-0", "change": {"text": "a"}}]}, 400),
        ({"revision": "", "edits": []}, 422),
        ({"edits": [{"line": "9-0", "change": {"text": "a"}}]}, 400),
        ({"edits": [{"line": "x", "change": {"text": "a"}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"text": 7}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"text": "a" * 20_001}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"text": "\u0007"}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"level_db": 900}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"nothing": 1}}]}, 400),
        ({"edits": [{"line": "1-0", "change": {"text": "a"}, "more": 1}]}, 422),
        ({"edits": [{"line": "1-0", "split_at_ms": 9999}]}, 400),
        ({"edits": [{"line": "3-0", "merge_with_next": True}]}, 400),
        ({"edits": [{"line": "1-0", "split_at_ms": 500, "merge_with_next": True}]}, 400),
    ],
)
def test_what_is_no_edit_is_refused_and_nothing_kept(page: Page, body: Any, status: int) -> None:
    if isinstance(body, dict) and "edits" in body and "revision" not in body:
        body = {"revision": page.look()["revision"], **body}
    answer = page.send("edits", body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["what"]
    assert page.texts() == list(SAID)


def test_hostile_texts_come_back_as_they_are(page: Page) -> None:
    hostile = "<script>alert(1)</script>\u202e\"'&amp;{{7*7}} " + "x" * 19_000
    assert page.edit({"line": "1-0", "change": {"text": hostile, "note": hostile}}).status_code == 201
    answer = page.client.get(page.place)
    assert answer.headers["content-type"] == "application/json"
    line = answer.json()["lines"][0]
    assert (line["text"], line["note"]) == (hostile, hostile)


JSON = {"content-type": "application/json"}
MEANT = {**JSON, "x-polydub": "page"}


@pytest.mark.parametrize(
    ("headers", "cookie", "status"),
    [
        (MEANT, False, 401),
        ({**MEANT, "authorization": "Basic bm86bm8="}, False, 401),
        (JSON, True, 403),
        ({**MEANT, "origin": "http://evil.example"}, True, 403),
        ({**MEANT, "origin": "null"}, True, 403),
        ({**MEANT, "origin": "http://127.0.0.1:9999"}, True, 403),
        ({**MEANT, "host": "evil.example"}, True, 400),
        ({**MEANT, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, True, 403),
        ({**MEANT, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True, 403),
        ({**MEANT, "sec-fetch-site": "same-site"}, True, 403),
        ({**MEANT, "content-type": "text/plain"}, True, 415),
        ({**MEANT, "content-type": "application/x-www-form-urlencoded"}, True, 415),
        ({"x-polydub": "page"}, True, 415),
        (MEANT, True, 201),
        ({**MEANT, "origin": "http://127.0.0.1:4201", "sec-fetch-site": "same-origin"}, True, 201),
    ],
)
def test_only_its_own_page_or_a_program_that_means_it_changes_anything(
    page: Page, headers: dict[str, str], cookie: bool, status: int
) -> None:
    edit = {"line": "1-0", "change": {"text": "Hola."}}
    content = json.dumps({"revision": page.look()["revision"], "edits": [edit]})
    with TestClient(app(TOKEN), base_url="http://127.0.0.1:4201") as client:
        if cookie:
            client.cookies.set("polydub-review", TOKEN)
        answer = client.post(f"{page.place}/edits", content=content, headers=headers)
    assert answer.status_code == status
    assert page.texts()[0] == ("Hola." if status == 201 else SAID[0])


def test_a_recorded_take_is_sent_and_then_used_by_an_edit(page: Page) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, 0.2 * np.sin(np.arange(8000) / 9), 16_000, format="WAV")
    headers = {"x-polydub": "page", "content-type": "application/octet-stream"}
    sent = page.client.post(f"{page.place}/recordings", content=sound.getvalue(), headers=headers)
    assert sent.status_code == 201, sent.text
    assert abs(sent.json()["duration_ms"] - 500) < 40
    answer = page.edit({"line": "2-0", "change": {"recording": sent.json()["recording"]}})
    (line,) = answer.json()["lines"]
    assert (line["recording"], line["text"]) == (sent.json()["recording"], SAID[1])
    assert page.edit({"line": "1-0", "change": {"recording": "0" * 64}}).status_code == 400
    name = sent.json()["recording"]
    (line,) = page.edit({"line": "2-0", "change": {"reset": ["recording"]}}).json()["lines"]
    assert (line["recording"], line["recordings"]) == ("", [name])  # it can be chosen again
    heard = page.client.get(f"{page.place}/recordings/{name}")
    assert (heard.headers["content-type"], heard.content[:4]) == ("audio/wav", b"RIFF")
    assert page.client.get(f"{page.place}/recordings/{'0' * 64}").status_code == 404
    assert page.client.get(f"{page.place}/recordings/..%2f..").status_code in (404, 422)


def test_a_take_that_nobody_used_is_not_shown_to_others(page: Page) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, 0.2 * np.sin(np.arange(8000) / 7), 16_000, format="WAV")
    headers = {"x-polydub": "page", "content-type": "application/octet-stream"}
    name = page.client.post(f"{page.place}/recordings", content=sound.getvalue(), headers=headers).json()["recording"]
    assert page.client.get(f"{page.place}/recordings/{name}").status_code == 404


@pytest.mark.parametrize(
    "sound",
    [b"", b"nothing", b"#EXTM3U\nhttp://evil.example/x.ts\n", b"ffconcat version 1.0\nfile /etc/passwd\n"],
)
def test_what_is_no_sound_is_not_kept(page: Page, sound: bytes) -> None:
    headers = {"x-polydub": "page", "content-type": "application/octet-stream"}
    refused = page.client.post(f"{page.place}/recordings", content=sound, headers=headers)
    assert refused.status_code == 400
    assert "recording" in refused.json()["error"]["what"]
    json_kind = {"x-polydub": "page", "content-type": "application/json"}
    assert page.client.post(f"{page.place}/recordings", content=sound, headers=json_kind).status_code == 415


def test_a_body_that_is_too_large_is_not_read(page: Page) -> None:
    assert page.send("edits", {"why": "x" * 4_100_000}).status_code == 413


@pytest.mark.parametrize("place", ["/titles/0000000000000000/es", "/titles/../es", "/titles/x/es", "/nothing"])
def test_there_is_nothing_else(page: Page, place: str) -> None:
    assert page.client.get(f"/api/v1{place}").status_code == 404
    assert page.client.get(f"{page.place[:-2]}fr").status_code == 404
    assert page.client.get(f"{page.place[:-2]}..%2f..%2fes").status_code == 404


def test_a_language_is_not_made_again_from_another_source(page: Page) -> None:
    with open(page.run.title.video.uri, "ab") as video:
        video.write(b"more")
    refused = page.send("make", {})
    assert refused.status_code == 400
    assert "another file" in refused.json()["error"]["what"]
    assert page.client.get(f"{page.place}/make").json()["state"] == "none"


def test_a_title_that_was_looked_at_is_not_read_again_and_says_what_it_would(page: Page) -> None:
    page.look()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.kept.dub_lines.lines_of", lambda title: pytest.fail("title.json was read again"))
        patch.setattr("flows.kept.same_lines.words_of", lambda text: pytest.fail("lines were looked for again"))
        drawn = list[str]()
        patch.setattr("flows.review.lines.reading_speed", lambda text, *_: drawn.append(text) or 0.0)
        assert page.edit({"line": "2-0", "change": {"text": "Otra."}}).status_code == 201
        assert drawn == ["Otra."]
        assert page.edit({"line": "3-0", "split_at_ms": 3000}).status_code == 201
        assert page.send("undo", {"number": 1}).status_code == 201
        assert page.send("fit", {"line": "3-0", "text": "Hola."}).status_code == 200
        known = page.look()["lines"]
    read = [{**line, "cps": 0} for line in Shown(DubLines(Path(page.run.title.folder), "es")).lines]
    assert [{**line, "cps": 0} for line in known] == read


def test_what_was_delivered_anew_is_read_anew(page: Page) -> None:
    page.look()
    path = Path(page.run.title.folder) / "es/script.json"
    script = json.loads(path.read_text())
    script["lines"][0]["text"] = "Muy buenas."
    path.write_text(json.dumps(script))
    assert page.texts()[0] == "Muy buenas."
    assert page.edit({"line": "2-0", "change": {"text": "Otra."}}).status_code == 201
    assert page.texts()[:2] == ["Muy buenas.", "Otra."]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ([[0, 400, "edited"], [400, 1000, "occluded"]], [[0, 400, "edited"], [400, 1000, "occluded"]]),
        (None, None),
        ([[0, 400]], None),
        ([[0, "x", "edited"]], None),
        ([[True, 1, "edited"]], None),
        ([[0, 400, "<img>" * 100]], None),
        ("edited", None),
    ],
)
def test_what_the_lip_sync_did_is_shown_as_the_delivery_has_it(page: Page, kept: Any, shown: Any) -> None:
    (Path(page.run.title.folder) / "es/lipsync.json").write_text(json.dumps({"frames": 25, "spans": kept}))
    assert page.client.get(f"{page.place}/lips").json() == {"spans": shown}


def test_a_dub_without_lips_has_no_such_lane(page: Page) -> None:
    assert page.client.get(f"{page.place}/lips").json() == {"spans": None}
