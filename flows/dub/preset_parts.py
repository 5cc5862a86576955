"""What of a title each file of a delivery preset holds, for its content credentials. No Prefect."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePath

from tasks.sign.statement import ROLES, Role
from tasks.sign.task import Part, role_of


def parts_of(places: Iterable[str], title: str, tags: Collection[str], *, shared: bool, kind: str) -> dict[str, Part]:
    """What each file holds.

    Args:
        places: of the files, below the preset's folder.
        title: name of the title, with which many of them begin.
        tags: BCP-47 tags of the languages that they are of.
        shared: all languages have one picture, be it the source's or another.
        kind: of preset; players and indexes of a ``streaming`` one name places in its files.
    """
    return {place: _part(place, title, tags, shared=shared, kind=kind) for place in places}


def _part(place: str, title: str, tags: Collection[str], *, shared: bool, kind: str) -> Part:
    name = place.replace(f"{title}.", "", 1) if PurePath(place).name.startswith(f"{title}.") else place
    languages = tuple(tag for tag in tags if re.search(rf"(?:^|[./-]){re.escape(tag)}(?:[./]|$)", name))
    if kind != "streaming":
        return Part(_role(name), languages or tuple(tags))
    own = "/" in place  # a language with a picture of its own has a folder of its own
    if PurePath(place).name.startswith("video-"):
        return Part("picture", languages if own else tuple(tags), plain=not own and not shared, beside=True)
    return Part("mix" if languages else "original", languages, beside=True)


def _role(name: str) -> Role:
    said = PurePath(name).stem.rpartition(".")[2]
    return next((role for role in ROLES if role == said), role_of(name))
