"""A Prefect server and worker on this machine, bound to loopback, and the deployments that they run."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import flows
from flows.server import answers
from tasks.errors import BadInputError, PolydubError, TransientError
from tasks.process import run, stream, wait_until

POOL = "polydub"
_PREFECT = (sys.executable, "-m", "prefect")
_ALWAYS_S = 10 * 365 * 86400.0
_QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


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
    _in_background(["server", "start", "--host", "127.0.0.1", "--port", str(port)], environment, console, ended)
    if not wait_until(lambda: answers(f"{api}/health") or ended.is_set(), deadline_s=120) or ended.is_set():
        raise TransientError("The Prefect server did not start.", "Its last lines stand above.")
    os.environ["PREFECT_API_URL"] = api
    register(None, None)
    _in_background(["worker", "start", "--pool", POOL], environment, console, ended)
    console.print(f"Prefect UI: http://127.0.0.1:{port}")
    console.print(f"To run against it: export PREFECT_API_URL={api}")
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")


def register(cron: str | None, manifest: str | None) -> None:
    """Create the work pool and the deployments at the server of ``PREFECT_API_URL``; idempotent.

    Args:
        cron: when ``dub-nightly`` runs; None leaves it unscheduled.
        manifest: what it reads; needed with ``cron``.

    Raises:
        BadInputError: no server is named, or a schedule without a manifest.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise BadInputError("PREFECT_API_URL is not set.", "Start a server with `polydub up`, and export what it says.")
    if cron and not manifest:
        raise BadInputError("A schedule needs a manifest.", "Add --manifest FILE.")
    file = Path(flows.__file__).resolve().parent.parent / "deployments" / "prefect.yaml"
    if not file.exists():
        raise BadInputError("deployments/prefect.yaml is not beside the installed flows.", "Run from a checkout.")
    if POOL not in _prefect("work-pool", "ls"):
        _prefect("work-pool", "create", POOL, "--type", "process")
    deploy = ("--no-prompt", "deploy", "--prefect-file", str(file))
    for flow in ("dub-title", "dub-language", "dub-batch"):
        _prefect(*deploy, "--name", f"{flow}/polydub")
    if cron:
        schedule = ("--cron", cron, "--param", f"manifest={Path(str(manifest)).absolute()}")
        _prefect(*deploy, "--name", "dub-nightly/polydub", *schedule)


def _prefect(*arguments: str) -> str:
    return run([*_PREFECT, *arguments], deadline_s=180, env=_QUIET)


def _in_background(
    arguments: Sequence[str], environment: dict[str, str], console: Console, ended: threading.Event
) -> None:
    def watch() -> None:
        try:
            for line in stream([*_PREFECT, *arguments], deadline_s=_ALWAYS_S, env={**_QUIET, **environment}):
                if "ERROR" in line or "Error" in line:
                    console.print(line, markup=False)
        except PolydubError as error:
            console.print(str(error), markup=False)
        ended.set()

    threading.Thread(target=watch, name=arguments[0], daemon=True).start()
