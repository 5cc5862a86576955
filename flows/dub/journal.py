"""Structured logs: with ``POLYDUB_LOG=json`` runs log to stderr, one JSON object per line. No Prefect.

Each has ``time`` (UTC), ``level``, ``event``, ``batch``, ``title``, ``language`` and ``step`` (or "" in its place);
steps add ``state``, ``seconds``, ``hits`` and ``parts``; what a library logs has ``message`` and ``logger``.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run, language_of
from tasks.words.visible import visible

_OURS = ("flows", "tasks", "lipsync_engine")
_here: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar("polydub_here", default=None)


def is_json() -> bool:
    """Whether logs are asked for as JSON."""
    return os.environ.get("POLYDUB_LOG") == "json"


@contextlib.contextmanager
def journal(run: Run) -> Iterator[None]:
    """Log what a branch of a run does, or its shared part, while the block runs, where that is asked for."""
    if not is_json():
        yield
        return
    _collect_libraries()
    here = {"batch": run.batch, "title": run.title.name, "language": language_of(run), "step": ""}
    token = _here.set(here)

    def listen(event: StepEvent) -> None:
        if not event.is_of(run) or event.state == "progress":
            return
        here["step"] = event.step
        facts: dict[str, Any] = {"state": event.state, "seconds": round(event.seconds, 3)}
        facts |= {"hits": event.hits, "parts": event.parts} if event.parts else {}
        facts |= {"message": event.message} if event.message else {}
        _say("error" if event.state == "failed" else "info", "step", here, facts)

    try:
        with listening(listen):
            _say("info", "begun", here, {})
            yield
            _say("info", "ended", here | {"step": ""}, {})
    finally:
        _here.reset(token)


class _Lines(logging.Handler):
    """Formats log records of libraries as JSON lines with title, language and step."""

    def emit(self, record: logging.LogRecord) -> None:
        facts = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            facts["traceback"] = logging.Formatter().formatException(record.exc_info)
        _say(record.levelname.lower(), "log", _here.get() or {}, facts)


def _collect_libraries() -> None:
    """Once a process: warnings of every library, and what our own packages say from INFO on."""
    root = logging.getLogger()
    if any(isinstance(handler, _Lines) for handler in root.handlers):
        return
    root.addHandler(_Lines())
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def _say(level: str, event: str, here: dict[str, str], facts: dict[str, Any]) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    where = {name: here.get(name, "") for name in ("batch", "title", "language", "step")}
    line = {"time": now, "level": level, "event": event, **where, **facts}
    sys.stderr.write(visible(json.dumps(line, ensure_ascii=False)) + "\n")
    sys.stderr.flush()
