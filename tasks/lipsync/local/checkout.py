"""Running a program of somebody's checkout in its own environment: bounded, without network, judged by its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.machine import process
from tasks.machine.gpu import gpus, leased_device
from tasks.records.errors import ProcessFailedError, ProcessTimeoutError

#: Nothing is downloaded: model hubs are told so, and proxies that nobody serves stop the rest.
_NOWHERE = "http://127.0.0.1:9"
_OFFLINE = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE),
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
_TAIL_LINES = 5


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        log: its last lines.
        error: it ended badly, or was stopped; its files may be good all the same.
    """

    log: str
    error: ProcessFailedError | ProcessTimeoutError | None = None

    @property
    def tail(self) -> str:
        """The end of the log in one line."""
        spoken = [line.strip() for line in self.log.splitlines() if line.strip()]
        return " | ".join(spoken[-_TAIL_LINES:])[-600:] or "it said nothing"

    def failed(self, what: str) -> ProcessFailedError | ProcessTimeoutError:
        """The error for a program whose files are not what they should be; stopped ones may do better later."""
        if isinstance(self.error, ProcessTimeoutError):
            return ProcessTimeoutError(f"{what}: {self.error.what}", log=self.log)
        how = self.error.what if self.error else "it ended as if all were well"
        return ProcessFailedError(f"{what}: {how} The end of its log: {self.tail}", log=self.log)


def run(
    command: Sequence[str], checkout: Path, *, deadline_s: float, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a program in its checkout; its exit status decides nothing, as these programs end well when they fail.

    Args:
        command: program and arguments.
        checkout: working directory.
        deadline_s: after which it is stopped with all its children.
        environment: further variables.

    Raises:
        MissingBackendError: the program is not there.
    """
    with leased_device(gpus()) as device_id:
        device = {"CUDA_VISIBLE_DEVICES": device_id} if device_id else {}
        variables = {**_OFFLINE, **device, **(environment or {})}
        try:
            return Ended(process.run(command, cwd=checkout, env=variables, deadline_s=deadline_s))
        except (ProcessFailedError, ProcessTimeoutError) as error:
            return Ended(str(error.data.get("log", "")), error)
