"""The Prefect server of a command-line run: the user's own, or a temporary one started while Prefect is imported."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import TransientError
from tasks.process import service, wait_until

_STARTUP_S = 180.0


@contextlib.contextmanager
def prefect_server() -> Iterator[None]:
    """Have a server for the block: of ``PREFECT_API_URL`` (or of the active Prefect profile), else a temporary one.

    Prefect must not have been imported yet: it reads its settings then. Its temporary server needs some seconds of CPU;
    so does importing it here; both happen at once.

    Raises:
        TransientError: the named server does not answer, or the temporary one did not start.
    """
    _quiet()
    named = os.environ.get("PREFECT_API_URL")
    if named and not answers(f"{named}/health"):
        raise TransientError(
            f"No Prefect server answers at {named}.", "Start it (`polydub up`), or unset PREFECT_API_URL to do without."
        )
    if named or _profile_names_a_server():
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    factory = ("--factory", "prefect.server.api.server:create_app")
    command = [sys.executable, "-m", "uvicorn", *factory, "--host", "127.0.0.1", "--port", str(port)]
    env = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    with service([*command, "--log-level", "error", "--lifespan", "on"], env=env) as alive:
        os.environ["PREFECT_API_URL"] = api
        # Nobody will read its logs, and Prefect would try for a minute to send the last ones after the server is gone.
        os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"
        import prefect.main  # noqa: F401  # takes seconds, while the server starts

        try:
            wait_until(lambda: answers(f"{api}/health") or not alive(), deadline_s=_STARTUP_S)
            if not alive() or not answers(f"{api}/health"):
                raise TransientError("The temporary Prefect server did not start.", "Try again, or start `polydub up`.")
            yield
        finally:
            del os.environ["PREFECT_API_URL"], os.environ["PREFECT_LOGGING_TO_API_ENABLED"]


def answers(url: str) -> bool:
    """Whether a server answers a GET with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _profile_names_a_server() -> bool:
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    try:
        profiles = tomllib.loads((home / "profiles.toml").read_text("utf-8"))
        return "PREFECT_API_URL" in profiles["profiles"][profiles["active"]]
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError):
        return False


def _quiet() -> None:
    """Settings that keep a command-line run small and its terminal readable; the user's own win."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "7")  # four minutes: SQLite under load answers "later" (503)
