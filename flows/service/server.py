"""The Prefect server of a command-line run: the user's own, or a temporary one started while Prefect is imported."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import sys
from collections.abc import Iterator

from flows.service.login import fresh_password, log_in, named_server
from tasks.machine.process import service, wait_until
from tasks.records.errors import BadInputError, TransientError
from tasks.services.http import NoAnswerError, exchange

_STARTUP_S = 180.0
_LAST_EVENTS_S = 10.0


@contextlib.contextmanager
def prefect_server() -> Iterator[None]:
    """Have a server for the block: of ``PREFECT_API_URL`` (or of the active Prefect profile), else a temporary one.

    Prefect must not have been imported yet: it reads its settings then. Its temporary server needs some seconds of CPU;
    so does importing it here; both happen at once.

    The temporary one listens at loopback, has a password of its own, and is asked by this process alone.

    Raises:
        TransientError: the named server does not answer, or the temporary one did not start.
        BadInputError: the named server asks for another password.
    """
    _quiet()
    log_in()
    if named := os.environ.get("PREFECT_API_URL"):
        _check(named)
    if named_server():
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    factory = ("--factory", "flows.service.own_origin:app")
    command = [sys.executable, "-m", "uvicorn", *factory, "--host", "127.0.0.1", "--port", str(port)]
    env = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    env |= {"PREFECT_SERVER_API_AUTH_STRING": (password := fresh_password()), "PREFECT_SERVER_UI_API_URL": api}
    # Nobody will read its logs, and Prefect would try for a minute to send the last ones after the server is gone.
    ours = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": password, "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    with service([*command, "--log-level", "error", "--lifespan", "on"], env=env) as alive, environment(ours):
        import prefect.main  # takes seconds, while the server starts
        from prefect.events.worker import EventsWorker

        prefect.context.refresh_global_settings_context()  # it may know an earlier temporary server
        wait_until(lambda: answers(f"{api}/health") or not alive(), deadline_s=_STARTUP_S)
        if not alive() or not answers(f"{api}/health"):
            raise TransientError("The temporary Prefect server did not start.", "Try again, or start `polydub up`.")
        try:
            yield
        finally:
            # Its sender of events outlives it otherwise, and keeps those of the next temporary server from theirs.
            EventsWorker.drain_all(timeout=_LAST_EVENTS_S, at_exit=False)


def answers(url: str) -> bool:
    """Whether a server answers a GET with 200."""
    return _status(url) == 200


def _check(api: str) -> None:
    if not answers(f"{api}/health"):
        raise TransientError(
            f"No Prefect server answers at {api}.", "Start it (`polydub up`), or unset PREFECT_API_URL to do without."
        )
    if _status(f"{api}/version", os.environ.get("PREFECT_API_AUTH_STRING", "")) == 401:
        raise asks_for_a_password(api)


def asks_for_a_password(api: str) -> BadInputError:
    """What is said to a client that the server does not let in."""
    return BadInputError(
        f"The Prefect server at {api} asks for a password, and not for the one known here.",
        "Set PREFECT_API_AUTH_STRING as it is there: `polydub up` says where it is kept.",
    )


def _status(url: str, password: str = "") -> int:
    """Of the answer to a GET; 0 where there is none."""
    headers = {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"} if password else {}
    try:
        return exchange("GET", url, wait_s=2, headers=headers, follow_redirects=True).status
    except NoAnswerError:
        return 0


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Variables for the length of a block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _quiet() -> None:
    """Settings that keep a command-line run small and its terminal readable; the user's own win."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "7")  # four minutes: SQLite under load answers "later" (503)
