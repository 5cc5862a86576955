"""Who is let in by a Prefect server of ours: its own pages and clients, with the password; nobody else."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from typing import Any

import httpx
import pytest

from flows.service.own_origin import OwnOrigin, host_names

FOREIGN = ["http://evil.example", "https://127.0.0.1.evil.example", "http://127.0.0.1:1", "http://localhost", "null"]


def asked(headers: list[tuple[str, str]], kind: str = "http") -> list[dict[str, Any]]:
    """What the protected application sends; ``passed`` where it was asked itself."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "method": "POST", "path": "/api/flow_runs/\x1b[2J", "headers": raw}
    asyncio.run(OwnOrigin(inner, [*host_names(), "polydub.lan"])(scope, None, send))
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:4200", None),
        ("localhost:4200", "http://localhost:4200"),
        ("LOCALHOST:4200", "http://localhost:4200"),
        ("127.0.0.1:4200", "http://localhost:4200"),  # the page asks 127.0.0.1 by whatever name it was opened
        ("[::1]:4200", "http://[::1]:4200"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),  # through a tunnel
        ("polydub.lan", "https://polydub.lan"),
    ],
)
def test_own_pages_and_clients_are_let_in(host: str, origin: str | None, kind: str) -> None:
    headers = [("host", host), *([("origin", origin)] if origin else [])]
    assert asked(headers, kind) == [{"type": "passed"}]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origin", [*FOREIGN, "http://127.0.0.1:4200@evil.example", "", "ftp://127.0.0.1:4200"])
def test_pages_of_other_origins_are_refused(origin: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "uvicorn.error"):
        (first, *_) = asked([("host", "127.0.0.1:4200"), ("origin", origin)], kind)
    assert first.get("status", first.get("code")) == (403 if kind == "http" else 1008)
    assert "may not use this server" in caplog.text
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize(
    "hosts",
    [
        ["rebound.example:4200"],
        ["127.0.0.1.evil.example"],
        ["localhost."],
        ["127.0.0.1:4200", "evil.example"],
        [],
        [""],
        ["127.0.0.1:4200\x1b[2J"],
        ["2130706433"],
    ],
)
def test_foreign_names_of_this_machine_are_refused(hosts: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A page whose own name was made to point here (DNS rebinding) has no other origin: its host tells."""
    with caplog.at_level(logging.WARNING, "uvicorn.error"):
        first, body = asked([("host", host) for host in hosts])
    assert first["status"] == 400
    assert b"POLYDUB_SERVER_HOSTS" in body["body"]
    assert "\x1b" not in caplog.text


def test_a_proxys_page_is_the_servers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    page = [("host", "127.0.0.1:4200"), ("origin", "https://dubs.example.org")]
    assert asked(page)[0]["status"] == 403
    monkeypatch.setenv("PREFECT_SERVER_UI_API_URL", "https://dubs.example.org/api")
    assert asked(page) == [{"type": "passed"}]
    assert asked([("host", "dubs.example.org"), ("origin", "https://dubs.example.org")]) == [{"type": "passed"}]
    monkeypatch.setenv("POLYDUB_SERVER_HOSTS", "server, polydub-server")
    assert asked([("host", "polydub-server:4200")]) == [{"type": "passed"}]


@pytest.mark.prefect
def test_the_api_answers_its_own_clients_alone(prefect_api: str) -> None:
    token = base64.b64encode(os.environ["PREFECT_API_AUTH_STRING"].encode()).decode()
    known = {"Authorization": f"Basic {token}"}
    run = {"name": "x", "flow_id": "0190aaaa-0000-7000-8000-000000000000", "job_variables": {"command": "touch /tmp/x"}}
    with httpx.Client(base_url=f"{prefect_api}/", trust_env=False) as client:
        assert client.post("flows/filter", json={}, headers=known).status_code == 200
        assert client.post("flows/filter", json={}).status_code == 401
        assert client.get("version").status_code == 401
        wrong = {"Authorization": f"Basic {base64.b64encode(b'polydub:').decode()}"}
        assert client.post("flow_runs/", json=run, headers=wrong).status_code == 401
        for origin in FOREIGN:
            page = {"Origin": origin}
            simple = {**page, "Content-Type": "text/plain"}  # what a page may send without asking first
            answers = [
                client.post("flow_runs/", content=b"{}", headers=simple),
                client.post("flow_runs/", json=run, headers={**page, **known}),
                client.get("health", headers=page),
                client.options("flow_runs/", headers={**page, "Access-Control-Request-Method": "POST"}),
            ]
            assert [answer.status_code for answer in answers] == [403] * 4, origin
            assert not any("access-control-allow-origin" in answer.headers for answer in answers)
        rebound = client.post("flows/filter", json={}, headers={**known, "Host": "rebound.example:4200"})
        assert (rebound.status_code, "not a host name of this server" in rebound.text) == (400, True)
        own = prefect_api.removesuffix("/api")
        asks = {
            "Origin": own,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        assert client.options("flow_runs/", headers=asks).headers["access-control-allow-origin"] == own
