"""What of the source is delivered beside picture and sound: tags and chapters; and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks import media
from tasks.media import door
from tasks.records.facts import Chapter, MediaFacts, OtherTrack

#: Tags that ffmpeg writes into MP4, by its own names.
_IN_MP4 = {
    *("title", "artist", "album", "album_artist", "composer", "copyright", "date", "genre", "description", "synopsis"),
    *("show", "season_number", "episode_id", "episode_sort", "network", "keywords", "grouping", "lyrics", "track"),
}
_KINDS = {
    "subtitle": "subtitle track",
    "cover": "cover art",
    "picture": "further picture",
    "sound": "unreadable audio track",
    "attachment": "attachment",
    "data": "data track",
}


def file_tags(facts: MediaFacts, title: str, comment: str, *, mp4: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Options that write the source's tags and our comment, and notes on tags that the container cannot hold.

    The source's own comment makes room for the disclosure: it becomes the description, where there is none.

    Args:
        facts: of the source.
        title: shown by players where the source has no title of its own.
        comment: the disclosure.
        mp4: for MP4; else for Matroska, which holds any tag.
    """
    tags = {"title": title, **facts.tags}
    theirs = tags.pop("comment", "")
    tags.setdefault("description", theirs)
    tags = {name: value for name, value in tags.items() if value}
    kept = {name: value for name, value in tags.items() if not mp4 or name in _IN_MP4}
    lost = sorted(set(tags) - set(kept)) + (["comment"] if theirs and tags.get("description") != theirs else [])
    where = "the masters" if mp4 else "the multi-track master"
    notes = (f"Tags of the source that are not in {where}: {', '.join(lost)}.",) if lost else ()
    return {"map_metadata:g": -1, "map_metadata:s": -1, **media.tags("", **kept, comment=comment)}, notes


def with_chapters(
    arguments: list[str],
    chapters: Sequence[Chapter],
    beside: Path,
    attached: Sequence[Path] = (),
    tags: Mapping[str, str] | None = None,
) -> list[str]:
    """A command line of ffmpeg that writes these chapters and no others, and attaches files.

    Args:
        arguments: with every input and one output.
        chapters: on the player's clock.
        beside: a file for them that stays until ffmpeg is done.
        attached: files, in order.
        tags: of the first stream, too long for a command line.
    """
    after = len(arguments) - arguments[::-1].index("-i") + 1
    more = ["-map_chapters", "-1"]
    if chapters or tags:
        lines = "".join(f"{name}={_escaped(value)}\n" for name, value in (tags or {}).items())
        beside.write_text(f";FFMETADATA1\n{lines}" + "".join(_section(chapter) for chapter in chapters), "utf-8")
        rules = [word for name, value in door.rules(beside, "ffmetadata").items() for word in (f"-{name}", value)]
        more = [*rules, "-i", door.url(beside), "-map_chapters", str(arguments.count("-i"))]
        more += ["-map_metadata:s:a:0", f"{arguments.count('-i')}:g"] if tags else []
    more += [word for path in attached for word in ("-attach", door.url(path))]
    return [*arguments[:after], *more, *arguments[after:]]


def left_out(tracks: Iterable[OtherTrack], where: str) -> tuple[str, ...]:
    """A note that names tracks which are not in a file."""
    named = [_named(track) for track in tracks]
    return (f"Of the source, not in {where}: {', '.join(named)}.",) if named else ()


def _named(track: OtherTrack) -> str:
    what = _KINDS[track.kind]
    label = track.name or track.title or (track.language if track.language != "und" else "")
    inside = ", ".join(part for part in (track.codec, label[:40]) if part)
    return f"{what} ({inside})" if inside else what


def _section(chapter: Chapter) -> str:
    times = f"START={chapter.start_ms}\nEND={chapter.end_ms}"
    return f"[CHAPTER]\nTIMEBASE=1/1000\n{times}\ntitle={_escaped(chapter.title)}\n"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "=;#\\\n" else char for char in text)
