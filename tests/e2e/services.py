"""Programs that a test needs for a while: Polydub's own server and worker among them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.service.server import answers
from tasks.machine.process import wait_until

PASSWORD = "someone:a-password-of-these-tests"


def environment(folder: Path, store: Path, port: int, password: str = PASSWORD) -> dict[str, str]:
    """Of `polydub up` at a port and of its clients, Prefect's own among them; nothing of another server's.

    Args:
        folder: of its Prefect home.
        store: where finished work is.
        port: of loopback.
        password: of the server; empty: the one that it makes.
    """
    known = ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING") if password else ()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        **dict.fromkeys(known, password),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "POLYDUB_STORE": str(store),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def running(command: Sequence[str | Path], log: Path, env: Mapping[str, str] = os.environ, **how: Any) -> Iterator[Any]:
    """A program that is asked to stop at the end, and made to after 40 seconds; what it says goes to the log."""
    with log.open("w") as file:
        child = subprocess.Popen(command, env=env, stdout=file, stderr=file, start_new_session=True, **how)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=40)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A Postgres server of the Debian package on a free port, as its own user where the tests run as root."""
    port, data = free_port(), folder / "data"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "initdb").parent]
    how: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        how |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    init = [found[-1] / "initdb", "-D", data, "-U", "prefect", "--auth=trust"]
    subprocess.run(init, check=True, capture_output=True, **how)
    settings = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
    command = [found[-1] / "postgres", "-D", data, *(part for setting in settings for part in ("-c", setting))]
    make = [found[-1] / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect"]
    with running(command, Path(tempfile.mkstemp(prefix="postgres-", suffix=".log")[1]), **how):
        made = wait_until(lambda: not subprocess.run(make, capture_output=True, check=False).returncode, deadline_s=60)
        assert made, "Postgres did not start"
        yield port


@contextlib.contextmanager
def up(port: int, env: Mapping[str, str], log: Path) -> Iterator[None]:
    """`polydub up` until the block ends; then nothing of it is left."""
    with running([sys.executable, "-m", "flows.cli", "up", "--port", str(port)], log, env) as child:
        ready = wait_until(lambda: "Prefect UI" in log.read_text() or child.poll() is not None, deadline_s=240)
        assert ready, log.read_text()
        assert child.poll() is None, log.read_text()
        yield
    assert wait_until(lambda: not answers(f"http://127.0.0.1:{port}/api/health"), deadline_s=30)
