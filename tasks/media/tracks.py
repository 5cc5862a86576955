"""The contents of a file other than its picture: audio tracks, subtitles, covers, attachments, chapters, tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from configs.languages import display_name, primary, tag_of
from tasks.records.facts import AudioFacts, Chapter, OtherTrack

#: Dispositions of tracks that are not the title's own dialogue.
_BESIDE = {"comment", "visual_impaired", "hearing_impaired", "descriptions", "karaoke", "clean_effects"}
_BESIDE_BY_NAME = re.compile(
    r"comment(ar|aire)|kommentar|comentari|коммент|audio.?d[eé]scri|descriptive|described|h[oö]rfilm", re.IGNORECASE
)
#: Tags that describe the title; the others describe how the file was made.
_KEPT_TAGS = (
    "title artist album album_artist composer performer copyright date genre comment description synopsis show "
    "season_number episode_id episode_sort network publisher keywords grouping track disc lyrics location"
)
_LONGEST_TAG = 2000
_CODE = re.compile(r"[a-z]{1,3}([-_][a-z0-9]{1,8})*", re.IGNORECASE)
_SAID = {"hearing_impaired": "for the hard of hearing", "visual_impaired": "audio description", "comment": "commentary"}


def roles_of(stream: Mapping[str, Any]) -> tuple[str, ...]:
    """The dispositions other than default, by ffmpeg's names."""
    marks = stream.get("disposition", {})
    return tuple(name for name, on in marks.items() if on and name not in ("default", "attached_pic"))


def tags_of(holder: Mapping[str, Any]) -> dict[str, str]:
    """Tags by lower-case name, without control characters."""
    return {name.lower(): _clean(str(value)) for name, value in holder.get("tags", {}).items()}


def title_tags(container: Mapping[str, Any], sound: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
    """The tags that describe the title.

    Args:
        container: as ffprobe prints it.
        sound: audio streams of a title without a picture: Ogg keeps the tags there.
    """
    found = {**(tags_of(sound[0]) if sound else {}), **tags_of(container)}
    return {name: found[name][:_LONGEST_TAG] for name in _KEPT_TAGS.split() if found.get(name)}


def timecode_of(streams: Iterable[Mapping[str, Any]], container: Mapping[str, Any]) -> str:
    """The time code of the first frame, from any place where containers store it; empty for none."""
    found = (tags_of(holder).get("timecode", "") for holder in (*streams, container))
    return next((code for code in found if re.fullmatch(r"\d\d:\d\d:\d\d[:;.]\d\d", code)), "")


def chapters_of(report: Mapping[str, Any], start_s: float, duration_ms: int) -> tuple[Chapter, ...]:
    """Chapters on the player's clock, in order, within the title.

    Args:
        report: as printed by ffprobe.
        start_s: start of the container, seconds.
        duration_ms: length of the title, milliseconds.
    """
    marks = []
    for chapter in report.get("chapters", []):
        start, end = (round((float(chapter[name]) - start_s) * 1000) for name in ("start_time", "end_time"))
        start, end = max(0, start), min(end, duration_ms) if duration_ms else end
        if start < end:
            marks.append(Chapter(start_ms=start, end_ms=end, title=tags_of(chapter).get("title", "")[:_LONGEST_TAG]))
    return tuple(sorted(marks, key=lambda one: one.start_ms))


def others_of(streams: Iterable[Mapping[str, Any]], used: set[int]) -> tuple[OtherTrack, ...]:
    """Every stream that is neither the picture nor a usable audio track."""
    kinds = {"video": "picture", "audio": "sound", "subtitle": "subtitle", "attachment": "attachment"}
    found = []
    for stream in streams:
        if stream["index"] in used:
            continue
        tags, marks = tags_of(stream), stream.get("disposition", {})
        cover = marks.get("attached_pic") or marks.get("timed_thumbnails")
        kind = "cover" if cover else kinds.get(stream.get("codec_type", ""), "data")
        found.append(
            OtherTrack(
                index=stream["index"],
                kind=kind,  # type: ignore[arg-type]
                codec=stream.get("codec_name") or stream.get("codec_tag_string", ""),
                language=tag_of(tags.get("language", "")),
                title=tags.get("title", "")[:_LONGEST_TAG],
                default=bool(marks.get("default")),
                roles=roles_of(stream),
                name=tags.get("filename", "")[:_LONGEST_TAG],
                mime=tags.get("mimetype", ""),
            )
        )
    return tuple(found)


def dubbed_track(tracks: Sequence[AudioFacts], language: str | None) -> tuple[int | None, tuple[str, ...]]:
    """The track to dub, and notes on the choice.

    Commentary, audio description and the like are chosen only if there is nothing else; among the others the one in
    the source language, else the default, else the first.

    Args:
        tracks: audio tracks of the title.
        language: BCP-47 tag given for the source; None if none was given.

    Returns:
        Its stream index (None without sound), and notes.
    """
    if not tracks:
        return None, ()
    plain = [one for one in tracks if not _is_beside(one)] or list(tracks)
    spoken = [one for one in plain if language and primary(one.language) == primary(language)]
    exact = [one for one in spoken if one.language == language]
    chosen = _first(exact or spoken or plain)
    return chosen.index, _notes_on(tracks, chosen, language, matches=bool(spoken), alone=len(plain) == 1)


def odd_labels(streams: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note for each language label that is not a code, with the language it is read as."""
    said = []
    for number, stream in enumerate(streams, 1):
        label = tags_of(stream).get("language", "")
        meant = tag_of(label)
        if label and meant == "und" and label != "und":
            said.append(f"Audio track {number} is labelled {label[:40]!r}, which is not a language: it is tagged und.")
        elif label and not _CODE.fullmatch(label):
            said.append(f"Audio track {number} is labelled {label[:40]!r}: it is tagged {meant}.")
    return said


def _is_beside(track: AudioFacts) -> bool:
    return bool(_BESIDE & {*track.roles}) or bool(_BESIDE_BY_NAME.search(track.title)) or track.language == "zxx"


def _first(tracks: Sequence[AudioFacts]) -> AudioFacts:
    return next((one for one in tracks if one.default), tracks[0])


def _notes_on(
    tracks: Sequence[AudioFacts], chosen: AudioFacts, language: str | None, *, matches: bool, alone: bool
) -> tuple[str, ...]:
    name = f"audio track {tracks.index(chosen) + 1} ({_description(chosen)})"
    named = {one.language for one in tracks} - {"und", "mul"}
    if language and not matches and named:
        many = "No audio track is" if len(tracks) > 1 else "The audio track is not"
        return (f"{many} tagged {display_name(language)} ({language}), the source language: {name} is dubbed.",)
    if len(tracks) == 1:
        return ()
    marked = "it is the default" if chosen.default else "it is the first"
    others = "the others are commentary, audio description or the like" if alone else marked
    why = "it is in the source language" if language and matches else others
    return (f"Of {len(tracks)} audio tracks, {name} is dubbed: {why}.",)


def _description(track: AudioFacts) -> str:
    roles = [_SAID[role] for role in track.roles if role in _SAID]
    language = display_name(track.language) if track.language != "und" else "no language"
    return ", ".join([language, *roles, *([f'"{track.title[:40]}"'] if track.title else [])])


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).strip()
