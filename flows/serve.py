"""A Prefect server and worker on this machine, bound to loopback, and the deployments that they run."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from rich.console import Console

from flows.deploy import QUIET, register
from flows.pools import CPU_POOL, GPU_POOL
from flows.server import answers
from tasks.errors import BadInputError, PolydubError, TransientError
from tasks.lipsync.device import gpus
from tasks.process import stream, wait_until

_PREFECT = (sys.executable, "-m", "prefect")
_ALWAYS_S = 10 * 365 * 86400.0
#: Who holds which slot outlives the server, and a waiter looks for a free one every two seconds instead of thirty.
SERVER_SETTINGS = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
}


def serve(port: int) -> None:
    """Run server and worker until interrupted.

    Raises:
        BadInputError: the port is taken.
        TransientError: the server did not answer within two minutes.
    """
    console = Console(stderr=True)
    api = f"http://127.0.0.1:{port}/api"
    if answers(f"{api}/health"):
        raise BadInputError(f"Something answers at port {port} already.", "Choose another --port, or stop it.")
    ended = threading.Event()
    # The page asks the server where its API is; told nothing, it says port 4200 whatever the port.
    environment = {"PREFECT_API_URL": api, "PREFECT_SERVER_UI_API_URL": api}
    _in_background(
        ["server", "start", "--host", "127.0.0.1", "--port", str(port)],
        {**SERVER_SETTINGS, **environment},
        console,
        ended,
    )
    if not wait_until(lambda: answers(f"{api}/health") or ended.is_set(), deadline_s=120) or ended.is_set():
        raise TransientError("The Prefect server did not start.", "Its last lines stand above.")
    os.environ["PREFECT_API_URL"] = api
    if password := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        os.environ["PREFECT_API_AUTH_STRING"] = password  # we and the workers are its clients
    register(None)
    for pool in (CPU_POOL, GPU_POOL) if gpus() else (CPU_POOL,):
        _in_background(["worker", "start", "--pool", pool], environment, console, ended)
    console.print(f"Prefect UI: http://127.0.0.1:{port}")
    console.print(f"To run against it: export PREFECT_API_URL={api}")
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")


def _in_background(
    arguments: Sequence[str], environment: dict[str, str], console: Console, ended: threading.Event
) -> None:
    def watch() -> None:
        try:
            for line in stream([*_PREFECT, *arguments], deadline_s=_ALWAYS_S, env={**QUIET, **environment}):
                if "ERROR" in line or "Error" in line:
                    console.print(line, markup=False)
        except PolydubError as error:
            console.print(str(error), markup=False)
        ended.set()

    threading.Thread(target=watch, name=arguments[0], daemon=True).start()
