"""The engine's jobs as its child process does them, without starting one for each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.lipsync.native_job import JOBS


def engine_here(patch: pytest.MonkeyPatch, *places: str) -> None:
    """Have modules of `tasks.lipsync` do the engine's jobs in this process; what passes is JSON all the same."""
    for place in places:
        patch.setattr(f"tasks.lipsync.{place}.engine_job", _done_here)


def _done_here(words: dict[str, Any], *_: object, **__: object) -> dict[str, Any]:
    words = json.loads(json.dumps(words))
    done: dict[str, Any] = json.loads(json.dumps(JOBS[words["job"]](words)))
    return done
