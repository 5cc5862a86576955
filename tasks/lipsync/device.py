"""One lip-sync job a GPU at a time on this host: a file lock that the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.errors import PolydubError
from tasks.meter import device_time
from tasks.process import capture

_POLL_S = 0.2


def gpus() -> list[str]:
    """The indices of this host's CUDA devices, without loading torch."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    try:
        listed = capture([program, "--query-gpu=index", "--format=csv,noheader"]).decode()
    except PolydubError:
        return []
    return [line.strip() for line in listed.splitlines() if line.strip()]


@contextlib.contextmanager
def leased_device(devices: Sequence[str], folder: Path | None = None) -> Iterator[str]:
    """Hold one of the devices; wait while all are taken.

    Args:
        devices: their names; none at all yields ``""`` at once.
        folder: where the lock files lie; on a local file system, shared by every process of the host.
    """
    if not devices:
        yield ""
        return
    folder = folder or Path(tempfile.gettempdir()) / "polydub-devices"
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for device in devices:
            with (folder / f"{device}.lock").open("a+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                with device_time(device):
                    yield device
                return
        time.sleep(_POLL_S)
