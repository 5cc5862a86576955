"""Notices of the morning reach a webhook and a mailbox; what cannot be sent is said without its address."""

from __future__ import annotations

import base64
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from configs.night import NotifySettings
from flows.night.batches import Batch
from flows.night.morning import write_morning
from flows.night.notify import notify
from tasks.services.secrets import block_name
from tests.small_files import files_no_larger_than

ROWS = [
    {"title": "a|b", "language": "es", "state": "completed", "why": "", "due": "", "seconds": 1.0, "usd": 0.0},
    {"title": "a|b", "language": "fr", "state": "failed", "why": "lipsync: no", "due": "", "seconds": 1.0, "usd": 0.5},
]
for _row in ROWS:
    _row |= {"gpu_seconds": 0.0, "notes": 2, "report": "", "link": "", "review": [], "waits_for": ""}

WAITS = {
    **ROWS[0],
    "language": "it",
    "state": "waiting",
    "why": "waits for approval of the script by ana",
    "waits_for": "script",
    "assignee": "ana",
    "until": "2026-12-02T08:00:00+00:00",
}


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs; the mail goes into the server's list."""

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            self.server.got.append(line)  # type: ignore[attr-defined]
            if verb in ("EHLO", "HELO"):
                self._say("250-here\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self._say(self.server.login)  # type: ignore[attr-defined]
            elif verb == "DATA":
                self._say("354 go on")
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    self.server.got.append(text)  # type: ignore[attr-defined]
                self._say("250 kept")
            elif verb == "QUIT":
                return self._say("221 bye")
            else:
                self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    server.got = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with serving(HTTPServer(("127.0.0.1", 0), _Hook)) as server:
        server.status = 200
        monkeypatch.setenv("POLYDUB_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/secret-path")
        yield server


@pytest.fixture
def smtp() -> Iterator[Any]:
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp)) as server:
        server.login = "235 come in"
        yield server


def batch(mail: dict[str, Any] | None = None) -> Batch:
    return Batch(id="night-1", requests=(), out="out", budget={}, notify=NotifySettings(mail=mail))  # type: ignore[arg-type]


def mail_by(server: Any, **values: Any) -> dict[str, Any]:
    where = {"host": "127.0.0.1", "port": server.server_address[1], "tls": False}
    return {**where, "sender": "polydub@example.org", "to": ["one@example.org", "two@example.org"], **values}


def test_a_webhook_is_told_the_counts_and_what_was_not_delivered(hook: Any) -> None:
    assert notify(batch(), ROWS) == []
    ((path, body),) = hook.got
    assert path == "/secret-path"
    assert body["text"] == "night-1: 1 ready, 0 to review, 1 failed of 2"
    assert body["counts"] == {"delivered": 1, "failed": 1}
    assert body["undelivered"] == [{"title": "a|b", "language": "fr", "state": "failed", "why": "lipsync: no"}]


def test_a_webhook_and_a_mail_name_what_waits_for_whom(hook: Any, smtp: Any) -> None:
    assert notify(batch(mail_by(smtp)), [*ROWS, WAITS]) == []
    ((_, body),) = hook.got
    assert body["text"] == "night-1: 1 ready, 0 to review, 1 failed, 1 waiting of 3"
    names = ("title", "language", "state", "why", "waits_for", "assignee", "until")
    assert body["waiting"] == [{name: WAITS[name] for name in names}]
    assert "| a\\|b | it | waiting | waits for approval of the script by ana |" in "\n".join(smtp.got)


def test_a_mail_carries_the_table(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYDUB_MAIL_PASSWORD", "hush")
    assert notify(batch(mail_by(smtp, user="me")), ROWS) == []
    got = "\n".join(smtp.got)
    assert "rcpt to:<two@example.org>" in got.lower()  # as each version of Python writes it
    assert "Subject: night-1: 1 ready, 0 to review, 1 failed of 2" in got
    assert "| a\\|b | fr | failed | lipsync: no |" in got


def test_what_cannot_be_sent_is_said_without_addresses_and_secrets(
    hook: Any, smtp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.status, smtp.login = 500, "535 no"
    monkeypatch.setenv("POLYDUB_MAIL_PASSWORD", "hush")
    said = notify(batch(mail_by(smtp, user="me")), ROWS)
    assert said == [
        "The webhook was not sent: the server returned status 500.",
        "The e-mail was not sent: the server returned status 535.",
    ]
    monkeypatch.delenv("POLYDUB_MAIL_PASSWORD")
    assert "Set POLYDUB_MAIL_PASSWORD in" in notify(batch(mail_by(smtp, user="me")), ROWS)[1]
    monkeypatch.setenv("POLYDUB_WEBHOOK_URL", "http://127.0.0.1:1/secret-path")
    assert notify(batch(mail_by(smtp, port=1)), ROWS) == [
        "The webhook was not sent: the server is not reachable (ConnectError).",
        "The e-mail was not sent: the server is not reachable (ConnectionRefusedError).",
    ]
    monkeypatch.setenv("POLYDUB_WEBHOOK_URL", "file:///etc/passwd")
    assert "not http or https" in notify(batch(), ROWS)[0]


def test_who_named_nobody_tells_nobody(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDUB_WEBHOOK_URL")
    assert notify(batch(), ROWS) == []
    assert hook.got == []


@pytest.mark.prefect
def test_address_and_password_may_lie_in_secret_blocks(
    prefect_api: str, hook: Any, smtp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.blocks.system import Secret
    from pydantic import SecretStr

    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    address = os.environ["POLYDUB_WEBHOOK_URL"]
    monkeypatch.delenv("POLYDUB_WEBHOOK_URL")
    for variable, value in (("HOOK_OF_OPS", address), ("MAIL_OF_OPS", "hush")):
        Secret(value=SecretStr(value)).save(block_name(variable), overwrite=True)
    told = NotifySettings(
        webhook_variable="HOOK_OF_OPS", mail=mail_by(smtp, user="me", password_variable="MAIL_OF_OPS")
    )
    assert notify(batch().model_copy(update={"notify": told}), ROWS) == []
    assert [path for path, _ in hook.got] == ["/secret-path"]
    assert any(base64.b64decode(line.split()[2]).endswith(b"hush") for line in smtp.got if line.startswith("AUTH"))


def test_a_morning_that_cannot_be_written_whole_leaves_the_tables_of_the_one_before(tmp_path: Path) -> None:
    night = batch().model_copy(update={"out": str(tmp_path)})
    rows = [{**row, "master": "", "report": "", "link": ""} for row in ROWS]
    write_morning(night, rows)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {"summary.csv", "summary.parquet", "summary.md"}
    with files_no_larger_than(8 << 10), pytest.raises(OSError, match="large"):
        write_morning(night, [{**rows[0], "why": "x" * (64 << 10)}])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
