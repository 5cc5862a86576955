"""The video of a page, by yt-dlp where the user has installed it and the operator allows it.

It is a program of its own: which machines it asks for the video is its matter, so that only the page is held to the
operator's list. It gets the address by its standard input, no settings of the user's, and an empty folder.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from configs.sources import SourceSettings
from tasks.machine import process
from tasks.records.errors import BadInputError, MissingBackendError, ProcessFailedError, TransientError
from tasks.services.addresses import Address
from tasks.words.visible import name_part

_PROGRAM = "yt-dlp"


def fetch_page(address: Address, settings: SourceSettings, part: Path) -> str:
    """Have it fetch one video.

    Args:
        address: of a page on an allowed host.
        settings: what the operator allows.
        part: where the file goes.

    Returns:
        The file's name, safe to use.

    Raises:
        BadInputError: it found none, or one that is too large.
        MissingBackendError: it is not installed.
        TransientError: it did not end in time.
    """
    if shutil.which(_PROGRAM) is None:
        raise MissingBackendError(
            f"{address.shown} is a page, and {_PROGRAM} is not installed.", "Install it, or give the file's address."
        )
    most = int(settings.largest_gb * (1 << 30))
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=".page-") as work:
        folder = Path(work)
        command = [_PROGRAM, "--ignore-config", "--no-playlist", "--no-progress", "--no-cache-dir", "--no-mtime"]
        command += ["--downloader", "native", "--max-filesize", str(most), "--restrict-filenames"]
        command += ["--socket-timeout", f"{settings.wait_s:.0f}", "--paths", str(folder)]
        command += ["--output", "%(title).150B.%(ext)s", "--batch-file", "-"]
        try:
            process.run(command, deadline_s=settings.within_s, cwd=folder, stdin=f"{address.url}\n".encode())
        except ProcessFailedError:
            raise BadInputError(
                f"{_PROGRAM} found no video at {address.shown}.", f"Try `{_PROGRAM}` with it by hand."
            ) from None
        except TransientError:
            raise TransientError(f"{_PROGRAM} did not fetch {address.shown} in time.", "Try again.") from None
        found = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        if len(found) != 1 or not 0 < found[0].stat().st_size <= most:
            raise BadInputError(
                f"{_PROGRAM} brought {len(found)} files from {address.shown}, or one of the wrong size.",
                "Give the address of one video.",
            )
        found[0].rename(part)
        return name_part(found[0].name).strip(". ")[-200:]
