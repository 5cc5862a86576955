"""One lip-sync job at a time on each GPU of this host: a file lock that the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.keep.locks import locked_if_free
from tasks.machine.meter import device_time
from tasks.machine.process import capture
from tasks.records.errors import PolydubError

_POLL_S = 0.2


def gpus() -> list[str]:
    """This host's CUDA devices by UUID, the one with most free memory first, without loading torch.

    If ``CUDA_VISIBLE_DEVICES`` is set, only the devices that it names.
    """
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    try:
        listed = capture([program, "--query-gpu=memory.free,uuid,index", "--format=csv,noheader,nounits"]).decode()
    except PolydubError:
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in listed.splitlines() if line.count(",") == 2]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    named = None if visible is None else [name.strip() for name in visible.split(",")]
    usable = [(_mebibytes(free), uuid) for free, uuid, index in rows if named is None or {uuid, index} & set(named)]
    return [uuid for _, uuid in sorted(usable, key=lambda device: -device[0])]


def _mebibytes(text: str) -> int:
    """Free memory in MiB as printed by nvidia-smi; devices that share the host's memory print ``[N/A]``."""
    return int(text) if text.isdigit() else 0


@contextlib.contextmanager
def leased_device(devices: Sequence[str], folder: Path | None = None) -> Iterator[str]:
    """Lease one of the devices; wait while all are taken.

    Args:
        devices: their names, the preferred one first; an empty list yields ``""`` at once.
        folder: folder of the lock files, on a local file system, shared by all processes of the host; None: that of
            ``POLYDUB_DEVICES``, else one in the folder for temporary files.
    """
    if not devices:
        yield ""
        return
    named = os.environ.get("POLYDUB_DEVICES")
    folder = folder or (Path(named) if named else Path(tempfile.gettempdir()) / "polydub-devices")
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for device in devices:
            with locked_if_free(folder / f"{device}.lock") as free:
                if free:
                    with device_time(device):
                        yield device
                    return
        time.sleep(_POLL_S)
