"""The sound of a title as a page draws it: the loudest sample of each 20 ms, computed once and kept in the store."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from flows.kept import links
from flows.kept.branches import shared_work
from flows.kept.dub_lines import DubLines
from tasks.keep.assets import path_of
from tasks.keep.digests import Digests
from tasks.keep.folder import Folder
from tasks.keep.store import step_key, store_root
from tasks.records.errors import PolydubError
from tasks.report.plots import peaks

BIN_MS = 20
LANES = ("source", "dub", "bed")
_KIND = "peaks"


def lane(key: str, dub: DubLines, name: str) -> bytes | None:
    """Peaks of a lane, a byte each: 0 to 255, the lane's loudest.

    Args:
        key: the title's.
        dub: the language.
        name: one of `LANES`.

    Returns:
        None where there is no such sound.
    """
    path = _sound(key, dub, name)
    if path is None:
        return None
    try:
        digest, _ = Digests(Folder(store_root())).of(path)
        note = step_key(_KIND, 1, inputs={"sound": digest, "bin": str(BIN_MS)})
        kept = dub.store.read_note(_KIND, note)
        if isinstance(kept, str):
            return base64.b64decode(kept)
        found = np.round(peaks(path, BIN_MS) * 255).astype(np.uint8).tobytes()
    except (OSError, RuntimeError, ValueError):  # gone meanwhile, or no sound file
        return None
    dub.store.write_note(_KIND, note, base64.b64encode(found).decode())
    return found


def _sound(key: str, dub: DubLines, name: str) -> Path | None:
    if name == "source":
        asked = links.asked_run(key)
        work = shared_work(asked) if asked is not None else None
        try:
            return path_of(work.dialogue) if work is not None else None
        except (PolydubError, OSError):
            return None
    path = dub.folder / dub.language / {"dub": "dialogue.wav", "bed": "bed.wav"}[name]
    return path if path.is_file() else None
