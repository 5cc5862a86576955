"""The Prefect server of a command-line run: the user's own, or a temporary one started while Prefect is imported."""

from __future__ import annotations

import base64
import contextlib
import errno
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
    """Provide a server for the block: that of ``PREFECT_API_URL`` or the active Prefect profile, else a temporary one.

    Prefect must not have been imported yet, because it reads its settings on import. Starting the temporary server and
    importing Prefect each take some seconds of CPU; they run in parallel.

    The temporary server listens on loopback, has its own password, and serves this process only.

    Raises:
        TransientError: the user's server does not answer, or the temporary one did not start.
        BadInputError: the user's server requires another password.
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
    # Its logs are not needed, and Prefect would try for a minute to send the last ones after the server has ended.
    ours = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": password, "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    with service([*command, "--log-level", "error", "--lifespan", "on"], env=env) as alive, environment(ours):
        import prefect.main  # takes seconds, while the server starts
        from prefect.events.worker import EventsWorker

        prefect.context.refresh_global_settings_context()  # it may refer to an earlier temporary server
        wait_until(lambda: answers(f"{api}/health") or not alive(), deadline_s=_STARTUP_S)
        if not alive() or not answers(f"{api}/health"):
            raise TransientError("The temporary Prefect server did not start.", "Try again, or start `polydub up`.")
        try:
            yield
        finally:
            # Otherwise its event sender survives and blocks that of the next temporary server.
            EventsWorker.drain_all(timeout=_LAST_EVENTS_S, at_exit=False)


def require_port(host: str, port: int) -> None:
    """Check that a server can listen there.

    Raises:
        BadInputError: another program does, it is not allowed, or the address is not one of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInputError(
                f"Port {port} is already in use.", "Choose another --port, or stop the program that uses it."
            ) from error
        raise BadInputError(
            f"No server can listen at {host}, port {port}: {error.strerror}.", "Choose another."
        ) from error


def answers(url: str) -> bool:
    """Whether a server responds to a GET with 200."""
    return _status(url) == 200


def _check(api: str) -> None:
    if not answers(f"{api}/health"):
        raise TransientError(
            f"No Prefect server answers at {api}.",
            "Start it (`polydub up`), or unset PREFECT_API_URL to run without it.",
        )
    if _status(f"{api}/version", os.environ.get("PREFECT_API_AUTH_STRING", "")) == 401:
        raise asks_for_a_password(api)


def asks_for_a_password(api: str) -> BadInputError:
    """The error for a client without the server's password."""
    return BadInputError(
        f"The Prefect server at {api} requires another password than the one known here.",
        "Set PREFECT_API_AUTH_STRING to its password: `polydub up` prints where it is stored.",
    )


def _status(url: str, password: str = "") -> int:
    """Status code of the response to a GET; 0 if there is none."""
    headers = {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"} if password else {}
    try:
        return exchange("GET", url, wait_s=2, headers=headers, follow_redirects=True).status
    except NoAnswerError:
        return 0


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the duration of the block."""
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
    """Settings that keep a command-line run small and its output readable; the user's own take precedence."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "7")  # four minutes: SQLite under load returns 503
