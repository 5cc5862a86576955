"""The subtitle file next to a video, by the names that players and download tools use.

``film.srt``, ``film.en.srt``, ``film.mp4.en-US.vtt``, ``film.English.srt``, ``film_en.srt``; with marks such as
``.hi``, ``.sdh``, ``.cc`` and ``.default`` (Plex, Jellyfin, Bazarr); and the same in ``Subs`` or ``Subtitles``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import langcodes

from configs.languages import LanguageError, parse_language, primary
from tasks.records.errors import BadInputError

XML_FORMATS = (".ttml", ".dfxp", ".itt", ".xml")
FORMATS = (".srt", ".vtt", ".ass", ".ssa", *XML_FORMATS, ".json")  # in this order of preference
_UNREAD = (".sub", ".idx", ".sup", ".smi", ".sbv", ".lrc", ".stl", ".scc", ".mks")
_FOLDERS = ("subs", "subtitles")
_VIDEOS = (".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".mxf", ".ogv")
_SOUNDS = (".wav", ".flac", ".mp3", ".m4a", ".m4b", ".aac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".mka")

_HEARD = frozenset({"hi", "sdh", "cc", "hoh"})  # for the deaf and hard of hearing: all words, and the sounds
_NEUTRAL = frozenset({"default", "full", "orig", "original", "sub", "subs", "subtitle", "subtitles", "caption"})
_PARTIAL = frozenset({"forced", "foreign", "sign", "signs", "song", "songs", "lyrics", "karaoke"})
_IN_PICTURE = frozenset({"forced", "foreign", "sign", "signs"})
_LINKED = "a link out of the video's folder"
_OTHER_WORDS = frozenset({"commentary", "comments", "trivia", "notes"})
#: What subtitle sites write for languages whose tags are others.
_ALIASES = {"chs": "zh-Hans", "cht": "zh-Hant", "zht": "zh-Hant", "zhs": "zh-Hans", "pob": "pt-BR", "pb": "pt-BR"}
_FARTHEST = 1000  # beyond every distance of two tags


@dataclass(frozen=True)
class Sidecar:
    """The chosen file (None if there is none), the language in its name, and notes on other files."""

    path: Path | None
    language: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """One file beside the video, as its name reads; ``refused`` says why it cannot be the script."""

    path: Path
    language: str | None = None
    heard: bool = False
    inside: bool = False
    refused: str = ""

    @property
    def linked(self) -> bool:
        return self.refused == _LINKED

    @property
    def order(self) -> tuple[bool, bool, int, str]:
        return self.inside, self.heard, FORMATS.index(self.path.suffix.lower()), self.path.name


@dataclass(frozen=True)
class _Said:
    """What a name says: language, whether sounds are in it, what makes it no whole script, and what means nothing."""

    language: str | None
    heard: bool
    partial: str
    unknown: str

    @property
    def refused(self) -> str:
        return self.partial or (f"{self.unknown!r} is no language" if self.unknown else "")


def find_sidecar(video: Path, source_language: str | None) -> Path | None:
    """The subtitles next to a video, None if there are none; see `sidecar_of`."""
    return sidecar_of(video, source_language).path


def sidecar_of(
    video: Path, source_language: str | None, forced: Collection[Path] = (), translations: Collection[Path] = ()
) -> Sidecar:
    """The subtitles next to a video, and notes on those that are not used.

    First comes the language asked for, then its nearest variant (by CLDR's distance: the same script before another),
    then no language in the name; files in other languages and those that hold only part of the words (``.forced``) are
    left alone. Within each, a plain file comes before one with sounds (``.sdh``), a file beside the video before one in
    ``Subs``, and the order is that of `FORMATS`. A JSON or XML file must name its language: it may be anything.

    Args:
        video: the video; its name may hold any character.
        source_language: BCP-47, None where it is not known: then any language will do, as long as there is one.
        forced: files that are used for the words in the picture (`forced_beside`).
        translations: files that the user brought as translations, which are no source.

    Raises:
        BadInputError: the language is not known, and the files are in several.
    """
    brought = {path.resolve() for path in translations}
    beside = (one for one in _candidates(video) if one.path.resolve() not in brought)
    found = sorted((_inside(video, one) for one in beside), key=lambda one: str(one.path))
    usable = sorted((one for one in found if not one.refused), key=lambda one: one.order)
    if source_language is None:
        chosen = _only(video, usable)
    else:
        near = [one for one in usable if _distance(source_language, one) <= _FARTHEST]
        chosen = min(near, key=lambda one: _distance(source_language, one), default=None)
    notes = _notes([one for one in found if one.path not in forced], chosen, source_language)
    return Sidecar(chosen.path, chosen.language, notes) if chosen else Sidecar(None, notes=notes)


def forced_beside(video: Path) -> dict[str, Path]:
    """Files that hold only the words in the picture (``film.es.forced.srt``), by language; empty where none is named.

    Args:
        video: the video.
    """
    found = [one for one in _candidates(video) if one.path.suffix.lower() in FORMATS[:-1]]
    partial = [one for one in found if one.refused.partition(":")[0] in _IN_PICTURE and not _inside(video, one).linked]
    return {one.language or "": one.path for one in sorted(partial, key=lambda one: one.order, reverse=True)}


def _inside(video: Path, one: _Found) -> _Found:
    """Refused where a symbolic link leads out of the video's folder, to whatever the sender of both cannot read."""
    if one.path.resolve().is_relative_to(video.parent.resolve()):
        return one
    return replace(one, refused=_LINKED)


def named_language(path: Path) -> str | None:
    """The language that a subtitle file's name gives after its last dots, None where it gives none."""
    parts = path.stem.split(".")[1:]
    for start in range(len(parts)):
        name = _read(parts[start:])
        if name.language is not None and not name.unknown:
            return name.language
    return None


def _only(video: Path, usable: Sequence[_Found]) -> _Found | None:
    untagged = [one for one in usable if one.language is None]
    languages = sorted({one.language for one in usable if one.language is not None})
    if len(languages) > 1 and not untagged:
        raise BadInputError(
            f"There are subtitles in several languages next to {video.name!r}: {', '.join(languages)}.",
            "Set the spoken language with --from, or give the file with --subtitles.",
        )
    return next(iter([*untagged, *usable]), None)


def _distance(wanted: str, one: _Found) -> int:
    """How far a file's language is from the one wanted; `_FARTHEST` where it has none, beyond it in another."""
    if one.language is None:
        return _FARTHEST
    apart = langcodes.tag_distance(wanted, one.language)
    if primary(wanted) != primary(one.language) and apart > 1:  # Norwegian has two codes, and they are one language
        return _FARTHEST + 1
    return 0 if one.language == wanted else 1 + apart


def _notes(found: Sequence[_Found], chosen: _Found | None, wanted: str | None) -> tuple[str, ...]:
    notes = []
    if chosen and chosen.language and wanted and _distance(wanted, chosen) > 10:
        notes.append(f"Subtitles: {chosen.path.name} is in {chosen.language}, the nearest language to {wanted}.")
    left = [f"{one.path.name} ({_why(one, chosen, wanted)})" for one in found if one is not chosen]
    if left:
        notes.append(f"Subtitles next to the video that are not used: {'; '.join(left)}.")
    return tuple(notes)


def _why(one: _Found, chosen: _Found | None, wanted: str | None) -> str:
    if one.refused:
        return one.refused
    if wanted is not None and _distance(wanted, one) > _FARTHEST:
        return f"in {one.language}, not {wanted}"
    return f"{chosen.path.name} has priority" if chosen else "not requested"


def _candidates(video: Path) -> Iterator[_Found]:
    """Files that are named as the video's subtitles, beside it and in its folder of subtitles."""
    beside = _names(video.parent)
    stem = unicodedata.normalize("NFC", video.stem)
    yield from _named(video, stem, video.parent, beside, inside=False)
    kinds = _VIDEOS if video.suffix.lower() in _VIDEOS else (*_VIDEOS, *_SOUNDS)  # a video's bed is no other title
    alone = not any(Path(name).suffix.lower() in kinds for name in beside if name != video.name)
    for name in beside:
        folder = video.parent / name
        if name.lower() not in _FOLDERS or not folder.is_dir():
            continue
        within = _names(folder)
        yield from _named(video, stem, folder, within, inside=True)
        if alone:
            yield from _bare(folder, (one for one in within if not _normal(one).startswith(stem)))
        for deeper in within:
            if _normal(deeper) == stem and (folder / deeper).is_dir():
                yield from _bare(folder / deeper, _names(folder / deeper))


def _named(video: Path, stem: str, folder: Path, names: Sequence[str], *, inside: bool) -> Iterator[_Found]:
    """Those whose names begin with the video's; composed and decomposed letters are the same."""
    for found in names:
        path, name = folder / found, _normal(found)
        suffix = path.suffix.lower()
        if suffix not in (*FORMATS, *_UNREAD) or not name.startswith(stem) or path == video:
            continue
        between = name[len(stem) : len(name) - len(suffix)]
        if between.lower().startswith(video.suffix.lower()):
            between = between[len(video.suffix) :]
        dotted = between.startswith(".")
        if suffix in _UNREAD:
            if (dotted or not between) and path.is_file():
                yield _Found(path, inside=inside, refused=f"{suffix[1:].upper()} is not read")
            continue
        said = _read(between[1:].split(".") if dotted else [between] if between else [])
        if suffix in (".json", ".xml") and (said.language is None or said.refused):
            continue
        if suffix == ".xml" and not _is_ttml(path):
            continue
        if between and not dotted and (said.refused or said.language is None or between[0] not in " _-(["):
            continue  # another film's: film-2.srt
        if path.is_file():
            yield _Found(path, said.language, said.heard, inside, said.refused)


def _is_ttml(path: Path) -> bool:
    """Whether an XML file looks like timed text; others lie beside films too."""
    try:
        with path.open("rb") as file:
            head = file.read(4096).replace(b"\0", b"")  # UTF-16
    except OSError:
        return False
    return re.search(rb"<(?:[A-Za-z][\w.-]*:)?tt[\s>]", head) is not None


def _bare(folder: Path, names: Iterator[str] | Sequence[str]) -> Iterator[_Found]:
    """Those that are named by language alone, ``2_English.srt``, in a folder of one film's subtitles."""
    for found in names:
        path = folder / found
        if path.suffix.lower() in FORMATS and path.is_file() and (path.suffix.lower() != ".xml" or _is_ttml(path)):
            said = _read(path.stem.split("."))
            if said.language is not None:
                yield _Found(path, said.language, said.heard, True, said.refused)


def _read(parts: Sequence[str]) -> _Said:
    """What stands after a video's name."""
    language: str | None = None
    heard, partial, unknown = False, "", []
    for word in _words(parts):
        plain = word.casefold()
        tag = _language(word)
        if plain in _HEARD and not (plain == "hi" and language is None):
            heard = True
        elif plain in _PARTIAL:
            partial = f"{plain}: only part of the words"
        elif plain in _OTHER_WORDS:
            partial = f"{plain}: not the title's own words"
        elif tag is not None and (language is None or language == "hi"):  # film.hi.en.srt is English
            heard, language = heard or language is not None, tag
        elif plain not in _NEUTRAL and not (plain.isdigit() and len(plain) < 3):
            unknown.append(word)
    return _Said(language, heard, partial, ".".join(unknown))


def _words(parts: Sequence[str]) -> Iterator[str]:
    """Each part whole where it is a language (``pt_BR``, ``Brazilian Portuguese``), else word by word."""
    for part in parts:
        plain = part.strip(" _-()[]").removesuffix("-orig")
        if _language(plain) is not None or plain.casefold() in _HEARD:
            yield plain
        else:
            yield from (word for word in re.split(r"[ _()\[\]+-]+", plain) if word)


def _language(text: str) -> str | None:
    """The tag, or the tag of a language's name in English or its own."""
    if text.casefold() in _PARTIAL | _OTHER_WORDS | _NEUTRAL | (_HEARD - {"hi"}):
        return None
    try:
        return parse_language(_ALIASES.get(text.casefold(), text))
    except LanguageError:
        pass
    if len(text) < 4 or not text.replace(" ", "").isalpha():
        return None
    try:
        return parse_language(langcodes.find(text).to_tag())
    except (LookupError, LanguageError):
        return None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
