"""The audit log of the review server: who changed what, and who was refused; one JSON object a line, only appended.

What was decided stands in the records themselves; this says from where, and what was tried.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from pathlib import Path

from tasks.keep.store import store_root

_LARGEST = 50_000_000  # bytes; then the one before goes


def audit_file() -> Path:
    """Where it is: beside the store's records, on this machine."""
    return store_root() / "review-audit.jsonl"


def note(who: str, role: str, peer: str, asked: tuple[str, str], status: int) -> None:
    """Add a line.

    Args:
        who: asked; empty for nobody who is known.
        role: theirs.
        peer: address that they came from.
        asked: method and path.
        status: of the answer.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    method, path = asked
    line = {"time": now, "who": who, "role": role, "from": peer, "method": method, "path": path[:500], "status": status}
    target = audit_file()
    with contextlib.suppress(OSError):  # a full disk stops no request: the record itself tells who decided
        if target.exists() and target.stat().st_size > _LARGEST:
            target.replace(target.with_suffix(".1.jsonl"))
        file = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
        finally:
            os.close(file)
