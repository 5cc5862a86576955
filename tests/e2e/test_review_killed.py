"""The review server is killed in the middle of edits, and of making a dub: nothing is lost, or kept twice."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from flows.kept import links
from tests.e2e.services import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LINES, KILLS = 6, 3
POLYDUB = (sys.executable, "-m", "flows.cli")


class Server:
    """A review server that can be killed, with all that it started, and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.env = {**plain, "POLYDUB_STORE": str(folder / "store"), "PREFECT_HOME": str(folder / "prefect")}
        self.folder, self.port, self.token = folder, free_port(), ""
        self.child: subprocess.Popen[bytes] | None = None
        self.place = f"api/v1/titles/{links.key_of(str(folder / 'out/talk'))}/es"

    def start(self) -> None:
        log = self.folder / "review.log"
        with log.open("w") as out:
            command = [*POLYDUB, "review", str(self.folder / "out"), "--no-open", "--port", str(self.port)]
            self.child = subprocess.Popen(command, env=self.env, stdout=out, stderr=out, start_new_session=True)
        end = time.monotonic() + 120
        while True:
            assert time.monotonic() < end, log.read_text()
            if found := re.search(r"token=(\S+)", log.read_text()):
                self.token = found[1]
                try:
                    self.ask()
                    return
                except OSError:
                    pass
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def ask(self, where: str = "", body: Any = None) -> Any:
        headers = {"Content-Type": "application/json", "X-Polydub": "test", "Cookie": f"polydub-review={self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{self.place}{where}", data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("killed")
    picture, sound = "testsrc2=size=160x120:rate=25:duration=4", "sine=440:sample_rate=48000:duration=4"
    encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", str(folder / "talk.mp4")]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *encode]
    subprocess.run(command, check=True)
    cues = (f"{n}\n00:00:0{n // 2},{n % 2}00 --> 00:00:0{n // 2},{n % 2}90\nLine {n}.\n" for n in range(1, LINES + 1))
    (folder / "talk.en.srt").write_text("\n".join(cues))
    found = Server(folder)
    run = ["run", str(folder / "talk.mp4"), "--to", "es", "--profile", "fake", "--out", str(folder / "out")]
    subprocess.run([*POLYDUB, *run], check=True, env=found.env, capture_output=True)
    found.start()
    yield found
    found.kill()


def test_of_edits_none_is_lost_and_none_is_kept_twice(server: Server) -> None:
    keys = [line["key"] for line in server.ask()["lines"]]
    before = len(server.ask("/history?latest=1000")["edits"])
    for turn in range(KILLS):
        bodies = [
            {"revision": server.ask()["revision"], "edits": [{"line": key, "change": {"text": f"Vez {turn}."}}]}
            for key in keys
        ]
        for number, body in enumerate(bodies):
            if number == turn + 1:  # after it was sent, before anybody reads the answer
                _send_and_hang_up(server, body)
                server.kill()
                server.start()
            _sent_until_it_is_answered(server, body)
        assert {line["text"] for line in server.ask()["lines"]} == {f"Vez {turn}."}
    assert len(server.ask("/history?latest=1000")["edits"]) == before + KILLS * len(keys)


def test_a_dub_that_was_being_made_is_made_when_it_is_asked_for_again(server: Server) -> None:
    folder = server.folder / "out/talk"
    revision, master = server.ask()["revision"], folder / "talk.es.mp4"
    change = {"line": "2-0", "change": {"text": "Después del golpe."}}
    server.ask("/edits", {"revision": revision, "edits": [change]})
    server.ask("/make", {})
    _until(lambda: server.ask("/make")["state"] == "running")
    server.kill()
    assert master.stat().st_size > 1000  # the one before, or the whole new one
    server.start()
    assert server.ask("/make")["state"] == "none"
    assert [line["text"] for line in server.ask()["lines"]].count("Después del golpe.") == 1
    server.ask("/make", {})
    assert _until(lambda: (made := server.ask("/make"))["state"] in ("made", "failed") and made)["state"] == "made"
    script = json.loads((folder / "es/script.json").read_text())
    assert [line["text"] for line in script["lines"]].count("Después del golpe.") == 1
    assert server.ask("/make")["up_to_date"]


def _sent_until_it_is_answered(server: Server, body: Any) -> None:
    for _ in range(3):
        try:
            server.ask("/edits", body)
            return
        except urllib.error.HTTPError as refused:
            if refused.code != 409:  # else it was kept before
                raise
            return
        except (OSError, HTTPException):
            continue


def _send_and_hang_up(server: Server, body: Any) -> None:
    """A request whose answer nobody waits for."""
    data = json.dumps(body).encode()
    head = (
        f"POST /{server.place}/edits HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        f"X-Polydub: test\r\nCookie: polydub-review={server.token}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head.encode() + data)


def _until(true: Any, seconds: float = 300) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found
