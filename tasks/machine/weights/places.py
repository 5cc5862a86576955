"""The folders and packages that hold models. Packages with weights are data: located and read, never imported."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from configs.models import Model


def user_folder() -> Path | None:
    """The user's folder of models (``POLYDUB_MODELS``), with one subfolder for each model."""
    named = os.environ.get("POLYDUB_MODELS")
    return Path(named).expanduser().absolute() if named else None


def cache_folder() -> Path:
    """The cache of downloaded and assembled models, with one subfolder for each model."""
    return _cache().absolute() / "polydub" / "models"


def package_file(named: str) -> Path | None:
    """A file in an installed package, ``"package:path"``; None if either is missing."""
    package, _, path = named.partition(":")
    try:
        found = Path(str(importlib.metadata.distribution(package).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return found if found.is_file() else None


def kept(model: Model) -> list[Path]:
    """The model's files in the cache of the package that uses it."""
    found: list[Path] = []
    for pattern in model.kept:
        if pattern.startswith("{"):
            root, _, rest = pattern.partition("/")
            found += sorted(_ROOTS[root]().expanduser().glob(rest))
        elif file := package_file(pattern):
            found.append(file)
    return found


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def _tts() -> Path:
    home = os.environ.get("TTS_HOME") or os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home) / "tts"


def _hub() -> Path:
    return Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or _cache() / "huggingface") / "hub")


_ROOTS = {
    "{cache}": _cache,
    "{torch}": lambda: Path(os.environ.get("TORCH_HOME") or _cache() / "torch"),
    "{hub}": _hub,
    "{tts}": _tts,
}
