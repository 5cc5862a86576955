"""The files that a manifest may name: below its own folder, the working folder, or the allowed roots."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.records.errors import BadInputError

#: File name endings of videos, for folders and patterns.
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".m4v", ".avi", ".webm", ".mpg", ".mpeg", ".mxf", ".ts", ".mts", ".wmv"})
#: Of sound without a picture, likewise.
SOUNDS = frozenset({".wav", ".flac", ".mp3", ".m4a", ".m4b", ".aac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".mka"})
#: Between the name of a video and what a sound file beside it is of it.
_PARTS = tuple("._- ")


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
    """The titles that a file, a folder or a pattern names, in natural order (2 before 10).

    Sound files are titles too, unless they are called like a video beside them (``film.wav``, ``film_es.wav``): then
    they are its bed or its dub. A pattern that names their ending takes them all.

    Raises:
        BadInputError: there is none, or it is outside the roots.
    """
    path = roots.path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = titles_among(path.iterdir())
        missing = f"the folder {text!r} contains no video and no sound"
    elif any(sign in text for sign in "*?["):
        pattern = Path(text).expanduser()
        base = Path(pattern.anchor) if pattern.is_absolute() else roots.folder
        try:
            matched = list(base.glob(str(pattern.relative_to(pattern.anchor))))
            named = pattern.suffix.lower() in SOUNDS
            found = [entry for entry in matched if is_title(entry)] if named else titles_among(matched)
        except (ValueError, NotImplementedError, OSError, RecursionError) as error:
            raise BadInputError(f"{text!r} is not a file name pattern", "Check the path.") from error
        missing = f"no video and no sound matches {text!r}"
    else:
        raise BadInputError(f"the file {text!r} does not exist", "Check the path.")
    if not found:
        raise BadInputError(missing, "Check the path.")
    return [roots.path(str(entry)) for entry in sorted(found, key=_natural)]


def is_title(path: Path) -> bool:
    """Whether a file is a video or sound by its name; hidden files are not."""
    return path.suffix.lower() in VIDEOS | SOUNDS and not path.name.startswith(".") and path.is_file()


def titles_among(paths: Iterable[Path]) -> list[Path]:
    """Videos, and sound files that belong to none of the videos beside them."""
    found = [path for path in paths if is_title(path)]
    return [path for path in found if path.suffix.lower() in VIDEOS or not _is_of_a_video(path)]


def _is_of_a_video(sound: Path) -> bool:
    """Whether a video in the same folder has the sound's name, or its beginning."""
    name = sound.stem.casefold()
    videos = (entry.stem.casefold() for entry in sound.parent.iterdir() if entry.suffix.lower() in VIDEOS)
    return any(name == video or name.startswith(tuple(f"{video}{part}" for part in _PARTS)) for video in videos)


def _natural(path: Path) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", str(path).lower()) if part]
