"""A download that goes on where it stopped. Who is asked, and what for, is the caller's."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

#: Opens the response to a GET with these headers, as httpx streams one.
Opening = Callable[[Mapping[str, str]], AbstractContextManager[Any]]
_PARTIAL, _NOTHING_LEFT = 206, 416


class TooLargeError(Exception):
    """More came than is allowed."""


def continued(
    opening: Opening,
    part: Path,
    progress: Callable[[float], None],
    *,
    same: str = "",
    most_bytes: float = math.inf,
    ends: float = math.inf,
) -> None:
    """Fetch what is missing of a file. What came before a break stays in ``part``.

    Args:
        opening: sends the request; raises for a status that is no content.
        part: what came so far.
        progress: called with the share done, 0 to 1.
        same: tag or date of the file that ``part`` is the beginning of: another file is fetched from its start.
        most_bytes: maximum size.
        ends: when time is up, on the clock of `time.monotonic`.

    Raises:
        TooLargeError: it is larger.
        TimeoutError: time is up.
    """
    begun = part.stat().st_size if part.exists() else 0
    asked = {"Accept-Encoding": "identity"}
    if begun:
        asked |= {"Range": f"bytes={begun}-", **({"If-Range": same} if same else {})}
    with opening(asked) as answer:
        if answer.status_code == _NOTHING_LEFT:
            return  # the download is complete already
        going_on = answer.status_code == _PARTIAL
        if going_on and not answer.headers.get("Content-Range", f"bytes {begun}-").startswith(f"bytes {begun}-"):
            part.unlink(missing_ok=True)
            raise ConnectionError("another part came than was asked for")
        total = (begun if going_on else 0) + int(answer.headers.get("Content-Length") or 0)
        if total > most_bytes:
            raise TooLargeError
        with part.open("ab" if going_on else "wb") as target:
            for block in answer.iter_raw():  # written as received, so that nothing is lost if the connection breaks
                if target.tell() + len(block) > most_bytes:
                    raise TooLargeError
                if time.monotonic() > ends:
                    raise TimeoutError
                target.write(block)
                progress(min(1.0, target.tell() / total) if total else 0.0)
