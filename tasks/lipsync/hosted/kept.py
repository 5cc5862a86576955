"""Stored results of hosted jobs: kept so that they are not paid for twice, until they are old."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tasks.keep.locks import locked_if_free
from tasks.keep.store import store_root


def jobs_folder(chosen: str = "") -> Path:
    """The folder of paid jobs; ``lipsync-jobs`` in the store unless another is chosen."""
    return Path(chosen).expanduser() if chosen else store_root() / "lipsync-jobs"


def prune_jobs(unused_s: float, folder: Path | None = None) -> int:
    """Remove the jobs whose result has not been used for a time; the same inputs are paid for again after that.

    A requested job without a result is kept regardless of age, because it is recorded nowhere else.

    Args:
        unused_s: minimum seconds since the last use.
        folder: of the jobs; None for the store's.

    Returns:
        Number of removed jobs.
    """
    gone = 0
    for job in (folder or jobs_folder()).glob("??/*/"):
        with locked_if_free(job / "lock") as free:
            pending = (job / "job.json").exists() and not (job / "receipt.json").exists()
            if free and not pending and time.time() - (job / "lock").stat().st_mtime > unused_s:
                shutil.rmtree(job)
                gone += 1
    return gone
