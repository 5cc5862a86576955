"""Links to deliverables as the review server serves them (`polydub serve`): browsers block ``file:`` on web pages.

A delivered title's folder has a key, its digest, under which the store knows it: a link names no path. The server's
address is ``POLYDUB_REVIEW_URL``, else that of the server which runs on this machine with this store.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.keep.places import place_of
from tasks.keep.store import Store, store_at, store_place, text_sha256
from tasks.records.title import Run

_FOLDER, _SITE = "delivered", "review-site"
_HERE = "0"  # the one server of a store on a machine
_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Delivered:
    """A delivered title: its folder, and the source as the user has it (a path, or a URL of the store)."""

    folder: Path
    source: str


def note_delivered(run: Run) -> None:
    """Have the store know a delivered title's folder by its key."""
    place, _ = place_of(run.store)
    facts = {"folder": run.title.folder, "source": run.title.video.uri, "run": run.model_dump(mode="json")}
    known = json.dumps(facts).encode()
    if place.read(name := _file(key_of(run.title.folder))) != known:
        place.write(name, known)


def delivered() -> dict[str, Delivered]:
    """The delivered titles whose folders are still there, by key, the latest first."""
    place, _ = place_of(store_place())
    keys = [Path(name).stem for name in reversed(place.names(_FOLDER))]
    return {key: title for key in keys if (title := delivered_title(key)) is not None}


def delivered_title(key: str) -> Delivered | None:
    """The title of that key; None for one that is not known, or whose folder is no longer there."""
    if not _NAME.fullmatch(key):
        return None
    place, _ = place_of(store_place())
    try:
        known = json.loads(place.read(_file(key)) or b"")
        title = Delivered(Path(known["folder"]), str(known["source"]))
        return title if (title.folder / "summary.json").is_file() else None
    except (ValueError, KeyError, TypeError, OSError):
        return None


def asked_run(key: str) -> Run | None:
    """The run that delivered the title of that key last, as it was asked for; None where that is not known."""
    if not _NAME.fullmatch(key):
        return None
    place, _ = place_of(store_place())
    try:
        return Run.model_validate(json.loads(place.read(_file(key)) or b"")["run"])
    except (ValueError, KeyError, TypeError):
        return None


def link(folder: str | Path, place: str) -> str:
    """The address of a deliverable; empty where no server shows it.

    Args:
        folder: the title's.
        place: in it.
    """
    base = site()
    return f"{base}/titles/{key_of(str(folder))}/{quoted(place)}" if base else ""


def review_link(folder: str | Path, language: str) -> str:
    """The address of the page where a dub is edited and approved; empty where no server shows it.

    Args:
        folder: the title's.
        language: BCP-47 tag of the dub.
    """
    base = site()
    return f"{base}/review/{key_of(str(folder))}/{quoted(language)}" if base else ""


def key_of(folder: str) -> str:
    """The key of a title's folder: 16 hexadecimal digits of its digest."""
    return text_sha256(folder.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))[:16]


def quoted(place: str) -> str:
    """A relative path as part of an address."""
    return quote(place.encode("utf-8", "surrogateescape"))


def site() -> str:
    """The review server's address, without a slash at its end; empty where there is none."""
    named = os.environ.get("POLYDUB_REVIEW_URL", "").rstrip("/")
    if named:
        return named if named.startswith(("http://", "https://")) else ""
    known: dict[str, Any] = _store().read_note(_SITE, _HERE) or {}
    here = known.get("host") == socket.gethostname() and Path(f"/proc/{known.get('pid')}").exists()
    return str(known["url"]) if here else ""


@contextlib.contextmanager
def serving(url: str) -> Iterator[None]:
    """Have links lead to a server of this process, in the block."""
    store = _store()
    store.write_note(_SITE, _HERE, {"url": url, "host": socket.gethostname(), "pid": os.getpid()})
    try:
        yield
    finally:
        known = store.read_note(_SITE, _HERE) or {}
        if known.get("pid") == os.getpid():
            store.write_note(_SITE, _HERE, None)


def _store() -> Store:
    return store_at(store_place())


def _file(key: str) -> str:
    return f"{_FOLDER}/{key}.json"
