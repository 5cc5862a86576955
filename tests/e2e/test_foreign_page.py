"""A web page of another origin, open in a browser on this machine, gets nothing from the server and starts nothing.

The page even knows the password: its origin alone keeps it out. `tests/flows/test_own_origin.py` needs no browser.
"""

from __future__ import annotations

import base64
import functools
import http.server
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.services import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "someone:a-password-of-this-test"
TOKEN = "Basic " + base64.b64encode(PASSWORD.encode()).decode()
FLOW = '{"name": "planted"}'
#: What a page can try: each answers with what it could read, or with why not.
TRIES = """async ([api, token, body]) => {
  const told = (ask) => ask().then((answer) => `read ${answer.status}`, () => "blocked");
  const socket = () => new Promise((done) => {
    const s = new WebSocket(api.replace("http", "ws") + "/events/in");
    s.onopen = () => done("open"); s.onerror = () => done("blocked");
  });
  const headers = {"Content-Type": "application/json", "Authorization": token};
  return {
    read: await told(() => fetch(api + "/admin/version")),
    "read with the password": await told(() => fetch(api + "/admin/version", {headers})),
    create: await told(() => fetch(api + "/flows/", {method: "POST", headers, body})),
    "create blindly": await told(() => fetch(api + "/flows/", {method: "POST", mode: "no-cors", body})),
    socket: await socket(),
  };
}"""
FORM = """([api, body]) => new Promise((done) => {
  const frame = document.createElement("iframe"); frame.name = "hole"; document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {action: api + "/flows/", method: "POST", enctype: "text/plain", target: "hole"});
  const field = document.createElement("input"); field.name = body.slice(0, -2) + '", "x": "'; field.value = '"}';
  form.append(field); document.body.append(form);
  frame.onload = () => done("answered"); form.submit();
})"""


@dataclass
class Served:
    """A Prefect server of ours and what it has said."""

    port: int
    log: Path

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def flows(self) -> list[str]:
        """Names of all flows, asked with the password."""
        answer = httpx.post(f"{self.api}/flows/filter", json={}, headers={"Authorization": TOKEN}, timeout=60)
        return [flow["name"] for flow in answer.raise_for_status().json()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(free_port(), tmp_path / "server.log")
    command = [sys.executable, "-m", "uvicorn", "--factory", "flows.service.own_origin:app", "--host", "127.0.0.1"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_UI_API_URL": served.api,
    }
    with served.log.open("wb") as log:
        process = subprocess.Popen([*command, "--port", str(served.port)], env=environment, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try:
                if httpx.get(f"{served.api}/health", timeout=10).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield served
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[str]:
    """The address of a page that is somebody else's."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><title>cats</title><body>cats")
    site = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), site) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{page.server_port}/"
        page.shutdown()


@pytest.fixture
def browser() -> Iterator[Any]:
    """The installed Chromium; there ``rebound.example`` is this machine."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="`make test-all` installs it")
    chromium = shutil.which("chromium")
    assert chromium, "`make test-all` installs Chromium"
    rules = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", rules])
        yield found
        found.close()


def test_a_page_of_another_origin_reads_nothing_and_starts_nothing(server: Served, foreign: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(foreign)
    assert page.evaluate(TRIES, [server.api, TOKEN, FLOW]) == {
        "read": "blocked",
        "read with the password": "blocked",
        "create": "blocked",
        "create blindly": "read 0",  # an opaque answer: the page cannot tell what became of it
        "socket": "blocked",
    }
    assert page.evaluate(FORM, [server.api, FLOW]) == "answered"
    assert server.flows() == []
    said = server.log.read_text()
    assert f"Refused POST '/api/flows/': A page of '{foreign.rstrip('/')}' may not use this server." in said
    assert "Refused GET '/api/admin/version'" in said


def test_a_name_that_was_made_to_point_here_gets_nothing(server: Served, browser: Any) -> None:
    page = browser.new_page()
    answer = page.goto(f"http://rebound.example:{server.port}/")
    assert answer.status == 400
    api = f"http://rebound.example:{server.port}/api"
    tried = page.evaluate(TRIES, [api, TOKEN, FLOW])
    assert {name: tried[name] for name in ("read", "read with the password", "create")} == dict.fromkeys(
        ("read", "read with the password", "create"), "read 400"
    )
    assert tried["socket"] == "blocked"
    assert server.flows() == []
    assert f"'rebound.example:{server.port}' is not a host name of this server" in server.log.read_text()


def test_its_own_page_is_let_in(server: Served, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    tried = page.evaluate(TRIES, [server.api, TOKEN, FLOW])
    assert tried["read"] == "read 401"
    assert tried["read with the password"] == "read 200"
    assert tried["create"] == "read 201"
    assert server.flows() == ["planted"]
