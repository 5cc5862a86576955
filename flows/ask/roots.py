"""The files that a manifest may name: below its own folder, the working folder, or the allowed roots."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tasks.records.errors import BadInputError

#: File name endings of videos, for folders and patterns.
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".m4v", ".avi", ".webm", ".mpg", ".mpeg", ".mxf", ".ts", ".mts", ".wmv"})


@dataclass(frozen=True)
class Roots:
    """The base folder of relative paths, and the folders that paths must stay in after resolving symbolic links."""

    folder: Path
    allowed: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path, here: bool = True) -> Roots:
        """Those of ``POLYDUB_ROOTS`` (separated as in ``PATH``), else the folder, and the working one if ``here``."""
        named = [part for part in os.environ.get("POLYDUB_ROOTS", "").split(os.pathsep) if part]
        allowed = [Path(part).expanduser() for part in named] or [folder, *([Path.cwd()] if here else [])]
        return cls(folder, tuple(path.resolve() for path in allowed))

    def path(self, text: str) -> Path:
        """A path of the manifest; it need not exist.

        Raises:
            BadInputError: it is outside the roots, or not a path.
        """
        try:
            path = self.folder / Path(text).expanduser()
            real = path.resolve()
            path.exists()  # a name that is too long
        except (OSError, ValueError, RuntimeError) as error:  # an embedded NUL, a loop of links, no such user
            raise BadInputError(f"{text!r} is not a file name.", "Check the path.") from error
        if not any(real.is_relative_to(root) for root in self.allowed):
            raise BadInputError(
                f"{text!r} is outside the allowed folders ({', '.join(map(str, self.allowed))}).",
                "Move such files, or add their folder to POLYDUB_ROOTS.",
            )
        return path


def videos_of(roots: Roots, text: str) -> list[Path]:
    """The videos that a file, a folder or a pattern names, in natural order (2 before 10).

    Raises:
        BadInputError: there is none, or it is outside the roots.
    """
    path = roots.path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [entry for entry in path.iterdir() if is_video(entry)]
        missing = f"the folder {text!r} contains no video"
    elif any(sign in text for sign in "*?["):
        pattern = Path(text).expanduser()
        base = Path(pattern.anchor) if pattern.is_absolute() else roots.folder
        try:
            found = [entry for entry in base.glob(str(pattern.relative_to(pattern.anchor))) if is_video(entry)]
        except (ValueError, NotImplementedError, OSError, RecursionError) as error:
            raise BadInputError(f"{text!r} is not a file name pattern", "Check the path.") from error
        missing = f"no video matches {text!r}"
    else:
        raise BadInputError(f"the file {text!r} does not exist", "Check the path.")
    if not found:
        raise BadInputError(missing, "Check the path.")
    return [roots.path(str(entry)) for entry in sorted(found, key=_natural)]


def is_video(path: Path) -> bool:
    """Whether a file is a video by its name; hidden files are not."""
    return path.suffix.lower() in VIDEOS and not path.name.startswith(".") and path.is_file()


def _natural(path: Path) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", str(path).lower()) if part]
