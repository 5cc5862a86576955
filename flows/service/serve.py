"""`polydub up`: a Prefect server and worker on this machine, bound to loopback, with their deployments."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from flows.dub.pools import CPU_POOL, GPU_POOL
from flows.printed import Console
from flows.service.deploy import QUIET, refused_night, register
from flows.service.login import password, password_file
from flows.service.server import answers, environment, require_port
from tasks.keep.store import store_root
from tasks.machine.gpu import gpus
from tasks.machine.process import service, wait_until
from tasks.records.errors import BadInputError, TransientError

_PREFECT = (sys.executable, "-m", "prefect")
_SERVER = (sys.executable, "-m", "flows.cli", "server")
_REVIEW = (sys.executable, "-m", "flows.cli", "serve")
_AGAIN_S = 2.0
_SERVER_S = 300.0  # its first start creates a database
_STOP_S = 15.0  # a worker stops its runs
#: Leases of slots survive the server, and waiters poll for a free slot every two seconds instead of thirty.
SERVER_SETTINGS = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
}


def serve(port: int) -> None:
    """Run server and worker until interrupted.

    Raises:
        BadInputError: the port cannot be used.
        TransientError: the server did not answer within five minutes.
    """
    console = Console(stderr=True)
    api = f"http://127.0.0.1:{port}/api"
    require_port("127.0.0.1", port)
    reports = _beside(port)
    # The page gets the API's address from the server, which reports port 4200 unless this is set.
    quiet = {**QUIET, "PREFECT_API_URL": api, "PREFECT_SERVER_UI_API_URL": api}
    with _Programs(console) as programs:
        console.print(f"Starting the Prefect server at port {port} ...", markup=False, highlight=False)
        programs.keep("server", ["--port", str(port)], {**SERVER_SETTINGS, **quiet}, _SERVER)
        wait_until(lambda: answers(f"{api}/health") or bool(programs.ended), deadline_s=_SERVER_S)
        if programs.ended or not answers(f"{api}/health"):
            log = programs.log("server")
            raise TransientError("The Prefect server did not start.", f"See its log: {log}.")
        known = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": password()}  # to the server's clients alone
        console.print("Registering flows, pools and limits ...")
        with environment(known):
            register(None)
            refused = refused_night()
        programs.keep("review", ["--port", str(reports)], {}, _REVIEW)
        console.print("Starting workers ...")
        for pool in (CPU_POOL, GPU_POOL) if gpus() else (CPU_POOL,):
            programs.keep(pool, ["worker", "start", "--pool", pool], {**quiet, **known})
        if refused:
            console.print(f"The nightly schedule will not run. {refused}", soft_wrap=True, markup=False)
        _tell(console, port, reports, api)
        signal.signal(signal.SIGTERM, lambda *_: programs.stopping.set())
        try:
            programs.stopping.wait()
        except KeyboardInterrupt:
            console.print("Stopping.")


def _beside(port: int) -> int:
    """The port of the reports: the next one, or any if another program has that."""
    try:
        require_port("127.0.0.1", port + 1)
        return port + 1
    except (BadInputError, OverflowError):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])


def _tell(console: Console, port: int, reports: int, api: str) -> None:
    kept = not os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    lines = [f"Prefect UI: http://127.0.0.1:{port}", f"Reports and masters: http://127.0.0.1:{reports}"]
    if kept:
        lines += [
            f"The page asks for a password. Enter all of: {password()}",
            "That of the reports asks for its two parts: the name before the colon, and what is after it.",
            f"It is stored in {password_file()}, readable only by you; `polydub` finds it there.",
        ]
    else:
        lines.append("The page asks for a password: all of PREFECT_SERVER_API_AUTH_STRING.")
    lines.append(f"To use this server: export PREFECT_API_URL={api}")
    if kept:
        lines.append(f"For Prefect's own commands also: export PREFECT_API_AUTH_STRING=$(cat '{password_file()}')")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


class _Programs:
    """Prefect's programs, restarted whenever they end, until the block ends. Their output goes to log files.

    Attributes:
        stopping: set when they should end.
        ended: names of programs that ended by themselves, once for each time.
    """

    def __init__(self, console: Console) -> None:
        self.stopping = threading.Event()
        self.ended: list[str] = []
        self._console = console
        self._threads: list[threading.Thread] = []
        self._folder = store_root() / "logs"
        self._folder.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """The log file of a program."""
        return self._folder / f"{name}.log"

    def keep(
        self, name: str, arguments: Sequence[str], environment: dict[str, str], program: Sequence[str] = ()
    ) -> None:
        """Run ``prefect ARGUMENTS``, or another program, and restart it whenever it ends.

        Args:
            name: of the program, for messages and its log.
            arguments: of ``prefect``.
            environment: further variables.
            program: a command line instead of ``prefect``.
        """
        command = [*(program or _PREFECT), *arguments]
        thread = threading.Thread(target=self._run, args=(name, command, environment), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        while not self.stopping.is_set():
            with service(command, env=environment, log=self.log(name), stop_s=_STOP_S) as alive:
                while alive() and not self.stopping.wait(0.5):
                    pass
            if not self.stopping.is_set():
                self.ended.append(name)
                self._console.print(f"{name} ended and is restarted; see {self.log(name)}", soft_wrap=True)
                self.stopping.wait(_AGAIN_S)

    def __enter__(self) -> _Programs:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()
