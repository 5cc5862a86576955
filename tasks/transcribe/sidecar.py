"""Subtitle files that lie beside a video: which of them is the source script."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from configs.languages import LanguageError, parse_language, primary
from tasks.errors import BadInputError

#: In order of preference: our JSON carries words and speakers; WebVTT and ASS may name speakers; SubRip cannot.
SUFFIXES = (".json", ".vtt", ".ass", ".ssa", ".srt")
#: Without a language in its name a JSON file could be anything.
_UNTAGGED = (".vtt", ".ass", ".ssa", ".srt")


def find_sidecar(video: Path, source_language: str | None) -> Path | None:
    """The subtitles of a video's own language, ``NAME.LANG.srt`` or ``NAME.srt`` beside it; None where there are none.

    Order: the language exactly as asked (``en-GB``), then another form of it (``en``, ``en-US``), then a file without
    a language; of equals, `SUFFIXES` decides, then the name. Names are compared as text, never as patterns, and
    whatever the letter case or Unicode composition.

    Args:
        video: the title's file.
        source_language: BCP-47 tag, or None: then the language of the only one there is.

    Raises:
        BadInputError: ``source_language`` is None and files of several languages lie there.
    """
    found = _candidates(video)
    tags = sorted({tag for tag, _ in found if tag})
    if source_language is None and len({primary(tag) for tag in tags}) > 1:
        raise BadInputError(
            f"{video.name!r} has subtitles in several languages beside it ({', '.join(tags)}).",
            "Say which one is spoken: --from " + tags[0] + ", or name the file: --subtitles FILE.",
        )
    wanted = source_language or (tags[0] if tags else None)
    ranked = sorted((_rank(tag, wanted), SUFFIXES.index(path.suffix.lower()), path.name, path) for tag, path in found)
    return next((path for rank, _, _, path in ranked if rank < 3), None)


def sidecar_language(path: Path) -> str | None:
    """The language that a subtitle file's name carries (``talk.pt-br.srt``: ``pt-BR``); None where it carries none."""
    middle = path.stem.rpartition(".")[2] if "." in path.stem else ""
    try:
        return parse_language(middle) if middle and not middle.isdigit() else None
    except LanguageError:
        return None


def _candidates(video: Path) -> list[tuple[str | None, Path]]:
    """(language in the name, file) for every subtitle file named after the video."""
    stem = _folded(video.stem)
    found: list[tuple[str | None, Path]] = []
    try:
        neighbours = sorted(video.parent.iterdir())
    except OSError:
        return []
    for path in neighbours:
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES or not path.is_file():
            continue
        name = _folded(path.name)[: -len(suffix)]
        if name == stem and suffix in _UNTAGGED:
            found.append((None, path))
        elif name.startswith(stem + ".") and "." not in name[len(stem) + 1 :] and (tag := sidecar_language(path)):
            found.append((tag, path))
    return found


def _rank(tag: str | None, wanted: str | None) -> int:
    if tag is None:
        return 2
    if tag == wanted:
        return 0
    return 1 if wanted and primary(tag) == primary(wanted) else 3


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
