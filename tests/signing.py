"""Keys that tests sign with, and what a reader of the library says of a file."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from configs.credentials import CredentialsSettings
from tasks.sign.trial import new_chain


def chain(folder: Path, name: str = "Example Dubbing", *, begins_in: int = -1, lasts: int = 30) -> CredentialsSettings:
    """A test chain, valid from so many days from now on, for so many days."""
    since = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=begins_in)
    new_chain(folder, name, since, since + datetime.timedelta(days=lasts))
    return CredentialsSettings(
        key=str(folder / "key.pem"), certificate=str(folder / "certificate.pem"), trust=(str(folder / "trust.pem"),)
    )


def foreign_read(path: Path, trust: str = "", sidecar: Path | None = None) -> dict[str, Any]:
    """The manifest store as the library's own reader gives it, none of our code between."""
    import c2pa

    settings = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": trust} if trust else {}}
    with path.open("rb") as file:
        reader = c2pa.Reader(None, file, sidecar.read_bytes() if sidecar else None, c2pa.Context.from_dict(settings))
        store: dict[str, Any] = json.loads(reader.json())
    return store


def active(store: dict[str, Any]) -> dict[str, Any]:
    """The manifest that counts."""
    manifest: dict[str, Any] = store["manifests"][store["active_manifest"]]
    return manifest


def said(store: dict[str, Any], label: str) -> dict[str, Any]:
    """An assertion of it."""
    return next(one["data"] for one in active(store)["assertions"] if one["label"] == label)
