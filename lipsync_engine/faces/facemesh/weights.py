"""Where the weights of the face networks lie: MediaPipe's own files, each known by its SHA-256.

They are read as data; the package that carries them is never imported. Looked for in this order:

1. ``$POLYDUB_MODELS/face-mesh``;
2. ``$XDG_CACHE_HOME/polydub/models/face-mesh`` (``~/.cache`` where that is not set), where ``polydub models fetch
   face-mesh`` brings them;
3. an installed ``mediapipe`` up to 0.10.21 (later ones carry no models).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: Name of the folder that holds them.
FOLDER = "face-mesh"
#: SHA-256 of each file.
FILES = {
    "face_landmark_with_attention.tflite": "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    "face_detection_full_range_sparse.tflite": "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    "face_detection_short_range.tflite": "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
}
_MODULES = {"face_landmark_with_attention.tflite": "face_landmark"}


class ModelError(ValueError):
    """A face network's file is missing, is another one, or has parts that are not known here."""


def content_of(name: str) -> bytes:
    """One of ``FILES``.

    Raises:
        ModelError: it is nowhere, or is another file than the one that this engine knows.
    """
    for path in _places(name):
        if path.is_file():
            content = path.read_bytes()
            if sha256(content).hexdigest() != FILES[name]:
                raise ModelError(f"{path} is not the {name} of MediaPipe 0.10.21; remove it and fetch it again")
            return content
    raise ModelError(
        f"{name}, a face network, is not on this machine: run `polydub models fetch {FOLDER}`, "
        f"or put it into {next(_places(name)).parent}"
    )


def digest() -> str:
    """The weights in eight digits, for keys of what is made with them."""
    return sha256("".join(FILES.values()).encode()).hexdigest()[:8]


def _places(name: str) -> Iterator[Path]:
    if named := os.environ.get("POLYDUB_MODELS"):
        yield Path(named).expanduser() / FOLDER / name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    yield cache / "polydub" / "models" / FOLDER / name
    try:
        package = distribution("mediapipe")
    except PackageNotFoundError:
        return
    yield Path(str(package.locate_file(f"mediapipe/modules/{_MODULES.get(name, 'face_detection')}/{name}")))
