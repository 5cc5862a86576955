"""Ownership of output folders. A title is its source under a name, and a folder never takes a second source.

``title.json`` names the owner, from the start of a run on. A title keeps its folder. A free name goes to the one source
that asks for it; if another source has it, or several ask at once, the name is ``NAME-1a2b3c4d``, with the beginning of
the source's digest: the order of rows or runs does not change the result.
Names that differ only by case or by the composition of letters are one name. No Prefect.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.keep.staging import write_first
from tasks.records.errors import BadInputError
from tasks.records.title import Run, Title

_CARD = "title.json"
_NUMBERED = re.compile(r"(.+)-\d+", re.DOTALL)  # how earlier versions named two titles of one name
_PREVIEW = ".preview"


@dataclass(frozen=True)
class Owner:
    """The source that owns a folder; empty for a folder of unknown ownership."""

    sha256: str = ""
    path: str = ""


def owner_of(folder: Path) -> Owner | None:
    """The owner of a folder; None if it has none or does not exist."""
    try:
        source = json.loads((folder / _CARD).read_bytes())["source"]
        return Owner(str(source["sha256"]), str(source["path"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):  # not a folder, not ours, not readable
        return Owner()


def card_of(title: Title) -> dict[str, Any]:
    """What ``title.json`` says of the title's identity."""
    video = title.video
    source = {"path": title.source, "name": title.plain, "sha256": video.sha256, "bytes": video.bytes}
    return {"title": title.name, "source": source}


def take(run: Run) -> bool:
    """Claim the folder for this title; False if another source owns it."""
    folder = Path(run.title.folder)
    if owner_of(folder) is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_first(folder / _CARD, json.dumps(card_of(run.title), indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise BadInputError(
                f"The output folder {folder} cannot be written: {error.strerror}.", "Choose another --out."
            ) from error
    owner = owner_of(folder)
    return owner is not None and owner.sha256 == run.title.video.sha256


def hold(run: Run) -> None:
    """Check that this title owns its folder.

    Raises:
        BadInputError: another source owns it.
    """
    if not take(run):
        raise BadInputError(
            f"The folder {run.title.folder} belongs to another video.",
            "Run the command again: this one gets a folder of its own.",
        )


def taken(runs: Sequence[Run]) -> list[Run]:
    """Claim the runs' folders; a run whose folder another process claimed first gets another one.

    Raises:
        BadInputError: as `named`, or a folder cannot be written.
    """
    while True:
        runs = named(runs)
        if all([take(run) for run in runs]):
            return list(runs)


def named(runs: Sequence[Run]) -> list[Run]:
    """Runs with their final names and folders, one per title: a video that is listed twice is dubbed once.

    Args:
        runs: all of a request or batch, named after their files.

    Raises:
        BadInputError: a video is listed twice under one name, with other subtitles or settings.
    """
    rivals: defaultdict[tuple[Path, str], set[str]] = defaultdict(set)
    for run in runs:
        for name in _names(run.title):
            rivals[_out(run), folded(name)].add(run.title.video.sha256)
    shelves = {out: _Shelf(out) for out in {_out(run) for run in runs}}
    titles: dict[tuple[Path, str], Run] = {}
    for run in runs:
        shelf, out = shelves[_out(run)], _out(run)
        alone = [name for name in _names(run.title) if len(rivals[out, folded(name)]) == 1]
        name = shelf.own(run.title) or next((name for name in alone if shelf.is_free(name)), "")
        if not name:
            raise BadInputError(f"No folder in {out} is free for {run.title.source}", "Choose another --out.")
        run = _renamed(run, name, shelf)
        before = titles.get((out, folded(name)))
        titles[out, folded(name)] = _together(before, run) if before else run
    return list(titles.values())


class _Shelf:
    """The folders of titles in an output folder, by name."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._entries: defaultdict[str, list[str]] = defaultdict(list)
        self._numbered: defaultdict[str, list[str]] = defaultdict(list)
        with contextlib.suppress(OSError):
            for entry in sorted(os.listdir(out)):
                self._entries[folded(entry)].append(entry)
                if numbered := _NUMBERED.fullmatch(entry):
                    self._numbered[folded(numbered[1])].append(entry)

    def own(self, title: Title) -> str:
        """The name of the folder that the title owns; empty if it has none."""
        sha256, plain = title.video.sha256, _names(title)[0]
        for entry in (entry for name in _names(title) for entry in self._called(name)):
            if (owner := owner_of(self._out / entry)) and owner.sha256 == sha256:
                return entry
        for entry in self._numbered[folded(plain)]:
            if (owner := owner_of(self._out / entry)) and owner.sha256 == sha256 and _is_called(owner, title):
                return entry
        return ""

    def is_free(self, name: str) -> bool:
        """Whether no source has the name."""
        return all(owner_of(self._out / entry) is None for entry in self._called(name))

    def was_delivered(self, title: Title) -> bool:
        """Whether another video with the same path was delivered under the title's plain name."""
        path = title.source
        if not Path(path).is_absolute():  # it may have been typed in another folder
            return False
        owners = (owner_of(self._out / entry) for entry in self._called(_names(title)[0]))
        return any(owner and owner.path == path and owner.sha256 != title.video.sha256 for owner in owners)

    def _called(self, name: str) -> list[str]:
        return sorted(self._entries[folded(name)], key=lambda entry: entry != name)


def _names(title: Title) -> list[str]:
    """Candidate names of a title, best first; the last is unique."""
    plain = title.plain or title.name
    preview = _PREVIEW if title.preview_ms else ""
    digest = title.video.sha256
    return [f"{plain}{mark}{preview}" for mark in ("", f"-{digest[:8]}", f"-{digest[:16]}", f"-{digest}")]


def _renamed(run: Run, name: str, shelf: _Shelf) -> Run:
    title = run.title
    renamed: tuple[str, ...] = ()
    if shelf.was_delivered(title):
        renamed = (f"{Path(title.source).name} was replaced by another video: it is dubbed again, as {name}.",)
    elif folded(name) != folded(_names(title)[0]):
        renamed = (f"Another video is called {title.plain or title.name} too: this one is delivered as {name}.",)
    notes = tuple(dict.fromkeys((*renamed, *title.notes)))
    title = title.model_copy(update={"name": name, "folder": str(_out(run) / name), "notes": notes})
    return run.model_copy(update={"title": title})


def _together(first: Run, second: Run) -> Run:
    """One run of a video that is listed twice, in all the languages."""
    one, other = first.title, second.title
    both = {*one.languages} & {*other.languages}
    same = all(
        (
            first.profile == second.profile,
            one.preview_ms == other.preview_ms,
            one.preview_start_ms == other.preview_start_ms,
            one.source_language == other.source_language,
            _digests([one.subtitles, one.bed]) == _digests([other.subtitles, other.bed]),
            all(one.dubs[tag].sha256 == dub.sha256 for tag, dub in other.dubs.items() if tag in one.dubs),
            all(
                one.translations[tag].sha256 == own.sha256
                for tag, own in other.translations.items()
                if tag in one.translations
            ),
            not any((tag in one.translations) != (tag in other.translations) for tag in both),
            not any((tag in one.dubs) != (tag in other.dubs) for tag in both),
        )
    )
    if not same:
        raise BadInputError(
            f"{other.source} is the same video as {one.source}, but with other subtitles or settings, "
            "and both would be one title",
            "List it once, or give one of them another name.",
        )
    listed = "is listed twice" if one.source == other.source else f"is the same video as {one.source}"
    title = one.model_copy(
        update={
            "languages": tuple(dict.fromkeys((*one.languages, *other.languages))),
            "dubs": {**other.dubs, **one.dubs},
            "translations": {**other.translations, **one.translations},
            "consent": tuple(dict.fromkeys((*one.consent, *other.consent))),
            "notes": tuple(dict.fromkeys((*one.notes, f"{other.source} {listed}: it is dubbed once."))),
        }
    )
    return first.model_copy(update={"title": title})


def _digests(assets: Iterable[Any]) -> list[str]:
    return [asset.sha256 if asset else "" for asset in assets]


def _is_called(owner: Owner, title: Title) -> bool:
    return folded(Path(owner.path).stem) == folded(Path(title.source).stem)


def _out(run: Run) -> Path:
    return Path(run.title.folder).parent


def folded(name: str) -> str:
    """The name in the form in which file systems may compare it: NFC, case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
