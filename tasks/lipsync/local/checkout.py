"""Runs a program of a third-party checkout in its own environment: with a deadline, offline, judged by its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.machine import process
from tasks.machine.gpu import gpus, leased_device
from tasks.records.errors import ProcessFailedError, ProcessTimeoutError

#: Nothing is downloaded: model hubs are set to offline, and dead proxies block everything else.
_NOWHERE = "http://127.0.0.1:9"
_OFFLINE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE),
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
_TAIL_LINES = 5


@dataclass(frozen=True)
class Ended:
    """The outcome of a program.

    Attributes:
        log: its last lines.
        error: it failed or was stopped; its files may be good nevertheless.
    """

    log: str
    error: ProcessFailedError | ProcessTimeoutError | None = None

    @property
    def tail(self) -> str:
        """The last lines of the log as one line."""
        spoken = [line.strip() for line in self.log.splitlines() if line.strip()]
        return " | ".join(spoken[-_TAIL_LINES:])[-600:] or "no output"

    def failed(self, what: str) -> ProcessFailedError | ProcessTimeoutError:
        """The error for a program whose files are wrong; transient if it was stopped."""
        if isinstance(self.error, ProcessTimeoutError):
            return ProcessTimeoutError(f"{what}: {self.error.what}", log=self.log)
        how = self.error.what if self.error else "it exited without an error."
        return ProcessFailedError(f"{what}: {how} Last output: {self.tail}", log=self.log)


def run(
    command: Sequence[str], checkout: Path, *, deadline_s: float, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a program in its checkout; its exit status is ignored, because these programs also exit with 0 on failure.

    Args:
        command: program and arguments.
        checkout: working directory.
        deadline_s: seconds after which it is stopped with all its children.
        environment: further variables.

    Raises:
        MissingBackendError: the program does not exist.
    """
    with leased_device(gpus()) as device_id:
        device = {"CUDA_VISIBLE_DEVICES": device_id} if device_id else {}
        variables = {**_OFFLINE, **device, **(environment or {})}
        try:
            return Ended(process.run(command, cwd=checkout, env=variables, deadline_s=deadline_s))
        except (ProcessFailedError, ProcessTimeoutError) as error:
            return Ended(str(error.data.get("log", "")), error)
