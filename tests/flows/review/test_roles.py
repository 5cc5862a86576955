"""Who may do what on the review server: tries that are refused, who is named in records, what is logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from flows.cli import app as commands
from flows.kept import links
from flows.kept.dub_lines import DubLines
from flows.review import changes
from flows.review.audit import audit_file
from flows.review.people import new_token, new_user, people, revoke, tokens_file
from flows.review.site import app
from flows.service.login import password
from tasks.records.errors import BadInputError
from tasks.records.title import Run
from tests.flows.review.conftest import TOKEN

HOST = "http://127.0.0.1:4201"
READ, DECIDE, EDIT, LOCK = "read", "decide", "edit", "lock"


class Tries:
    """Requests as somebody makes them."""

    def __init__(self, client: TestClient, run: Run) -> None:
        self.client, self.folder = client, Path(run.title.folder)
        self.place = f"/api/v1/titles/{links.key_of(run.title.folder)}/es"

    def make(self, what: str, **headers: str) -> int:
        """The status of a try."""
        sent = {"x-polydub": "test", **headers}
        if what == READ:
            return self.client.get(self.place, headers=sent).status_code
        body: dict[str, Any] = {"verdict": "approved", "lock": what == LOCK}
        if what == EDIT:
            revision = self.client.get(self.place, headers={"cookie": f"polydub-review={TOKEN}"}).json()["revision"]
            body = {"revision": revision, "edits": [{"line": "1-0", "change": {"note": "n"}}]}
        return self.client.post(
            f"{self.place}/{'edits' if what == EDIT else 'decisions'}", json=body, headers=sent
        ).status_code

    def dub(self) -> DubLines:
        return DubLines(self.folder, "es")


@pytest.fixture
def site(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Tries]]:
    clients: list[TestClient] = []

    def opened(peer: str = "127.0.0.1", **environment: str) -> Tries:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        client = TestClient(app(TOKEN), base_url=HOST, follow_redirects=False, client=(peer, 50000))
        clients.append(client)
        return Tries(client, run)

    yield opened
    for client in clients:
        client.close()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


ALLOWED = {
    "viewer": {READ},
    "reviewer": {READ, DECIDE},
    "editor": {READ, DECIDE, EDIT},
    "owner": {READ, DECIDE, EDIT, LOCK},
}


@pytest.mark.parametrize("role", ALLOWED)
@pytest.mark.parametrize("what", [READ, DECIDE, EDIT, LOCK])
def test_each_role_may_what_those_before_it_may_and_one_thing_more(
    site: Callable[..., Tries], role: str, what: str
) -> None:
    tries = site()
    status = tries.make(what, **bearer(new_token("ana", role)))
    assert status == ((200 if what == READ else 201) if what in ALLOWED[role] else 403)


def test_who_is_nobody_here_is_refused(site: Callable[..., Tries]) -> None:
    tries = site()
    token, ended = new_token("ana", "owner"), new_token("old", "owner", days=-1)
    revoked = new_token("gone", "owner")
    revoke("gone")
    kept = people()[0].sha256
    refused: dict[str, dict[str, str]] = {
        "nothing": {},
        "an empty token": bearer(""),
        "another token": bearer(token[:-1] + ("a" if token[-1] != "a" else "b")),
        "the digest that is kept": bearer(kept),
        "a token that ended": bearer(ended),
        "a token that was revoked": bearer(revoked),
        "the server's own token, which is for browsers": bearer(TOKEN),
        "a token as a password": {"authorization": token},
        "a name of a proxy that there is not": {"x-forwarded-user": "ana"},
        "half a character": bearer("\\ud800"),
        "a cookie of nobody": {"cookie": "polydub-review=x"},
    }
    assert {who: tries.make(READ, **headers) for who, headers in refused.items()} == dict.fromkeys(refused, 401)
    assert tries.make(READ, **bearer(token)) == 200
    foreign = {**bearer(token), "origin": "http://evil.example"}
    assert tries.make(EDIT, **foreign) == 403
    assert tries.make(READ, **{**bearer(token), "host": "evil.example"}) in (400, 403, 421)
    assert tries.make(EDIT, **{**bearer(token), "x-polydub": ""}) == 403


def test_a_token_in_the_address_becomes_a_cookie_and_the_record_names_its_person(site: Callable[..., Tries]) -> None:
    tries = site()
    answer = tries.client.get(f"/?token={new_token('ana', 'editor')}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert tries.client.get("/api/v1/me").json() == {"who": "ana", "role": "editor"}
    assert (tries.make(EDIT), tries.make(DECIDE)) == (201, 201)
    dub = tries.dub()
    assert [edit.who for edit in dub.edits.records] == ["ana"]
    assert [(one.who, one.source) for one in dub.decisions.records] == [("ana", "page")]


def test_who_has_the_password_is_the_owner(site: Callable[..., Tries]) -> None:
    tries = site()
    tries.client.auth = tuple(password().split(":", 1))  # type: ignore[assignment]
    assert tries.client.get("/api/v1/me").json()["role"] == "owner"


def test_a_proxy_s_word_counts_only_from_where_the_operator_says_it_comes(site: Callable[..., Tries]) -> None:
    new_user("ana@example.org", "reviewer")
    named = {"x-remote-user": "ana@example.org"}
    on = {"POLYDUB_REVIEW_PROXY": "10.0.0.7", "POLYDUB_REVIEW_PROXY_HEADER": "X-Remote-User"}
    assert site(peer="10.0.0.7").make(READ, **named) == 401  # not turned on
    proxy = site(peer="10.0.0.7", **on)
    assert (proxy.make(READ, **named), proxy.make(DECIDE, **named), proxy.make(EDIT, **named)) == (200, 201, 403)
    assert proxy.make(READ, **{"x-remote-user": "somebody@example.org"}) == 401
    assert proxy.make(READ, **{"x-forwarded-user": "ana@example.org"}) == 401
    assert site(peer="10.0.0.8", **on).make(READ, **named) == 401
    assert proxy.dub().decisions.records[0].who == "ana@example.org"


def test_the_log_has_what_was_changed_and_what_was_refused(site: Callable[..., Tries]) -> None:
    tries, token = site(), new_token("ana", "reviewer")
    tries.make(READ, **bearer(token))
    tries.make(DECIDE, **bearer(token))
    tries.make(EDIT, **bearer(token))
    tries.make(READ, **bearer("polydub-guessed"))
    lines = [json.loads(line) for line in audit_file().read_text().splitlines()]
    assert [(line["who"], line["role"], line["method"], line["status"]) for line in lines] == [
        ("ana", "reviewer", "POST", 201),
        ("ana", "reviewer", "POST", 403),
        ("", "", "GET", 401),
    ]
    assert "guessed" not in audit_file().read_text()
    assert audit_file().stat().st_mode & 0o77 == 0


def test_tokens_are_kept_as_digests_where_only_their_user_reads_them(run: Run) -> None:
    done = CliRunner().invoke(commands, ["tokens", "new", "ana", "--role", "reviewer", "--days", "30"])
    token = done.output.strip()
    kept = tokens_file().read_text()
    assert (done.exit_code, token.startswith("polydub-"), token in kept) == (0, True, False)
    assert tokens_file().stat().st_mode & 0o77 == 0
    listed = CliRunner().invoke(commands, ["tokens", "list"]).output
    assert "ana  reviewer  token" in listed
    assert CliRunner().invoke(commands, ["tokens", "new", "ana"]).exit_code == 2
    assert CliRunner().invoke(commands, ["tokens", "new", "bo", "--role", "king"]).exit_code == 2
    assert CliRunner().invoke(commands, ["tokens", "revoke", "ana"]).exit_code == 0
    assert CliRunner().invoke(commands, ["tokens", "revoke", "ana"]).exit_code == 2


def test_a_damaged_list_of_people_lets_nobody_in(site: Callable[..., Tries]) -> None:
    tries, token = site(), new_token("ana", "owner")
    tokens_file().write_text('[{"name": "ana", "role": "emperor"}]')
    assert tries.make(READ, **bearer(token)) == 401
    assert tries.make(READ, cookie=f"polydub-review={TOKEN}") == 200
    with pytest.raises(BadInputError, match="is no list of people"):
        people()


def test_what_somebody_else_changed_comes_as_an_event(site: Callable[..., Tries]) -> None:
    tries, token = site(), new_token("ana", "editor")
    key, got = links.key_of(str(tries.folder)), list[str]()

    async def listen() -> None:
        async def is_gone() -> bool:
            if len(got) == 1:
                await anyio.to_thread.run_sync(lambda: tries.make(EDIT, **bearer(token)))
            return len(got) == 3

        async for event in changes.changes(lambda: changes.state_of(key, "es"), is_gone, look_s=0.0, silent_s=0.0):
            got.append(event)

    anyio.run(listen)
    first, second, third = got
    assert json.loads(first.partition("data: ")[2])["edits"] == 0
    assert json.loads(second.partition("data: ")[2])["edited_by"] == "ana"
    assert third == ": nothing new\n\n" or json.loads(third.partition("data: ")[2])["edits"] == 2
