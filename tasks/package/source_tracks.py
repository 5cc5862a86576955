"""The source's own tracks in the multi-track master: each with its language, name and marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.languages import autonym
from tasks import media
from tasks.package.language_tags import TrackName
from tasks.records.errors import ProcessFailedError
from tasks.records.facts import MediaFacts, OtherTrack

#: Subtitles that Matroska takes as they are, and text that becomes SubRip.
_SUBTITLES = {"subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}
_TEXT = {"mov_text", "eia_608", "text", "subviewer", "microdvd", "mpl2", "jacosub", "sami", "realtext", "stl", "pjs"}
#: Sound that Matroska does not take as it is.
_NO_SOUND = {"pcm_bluray", "pcm_dvd", "pcm_alaw", "pcm_mulaw", "adpcm_ima_qt", "qdm2", "qdmc", "qcelp", "s302m"}
#: Cover art by codec: the name and type of its attachment.
COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
#: Marks that Matroska has flags for.
_FLAGS = ("default", "dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "descriptions")


@dataclass
class Kept:
    """Streams of the source for the multi-track master, how to write them, and what to tell."""

    streams: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    names: list[TrackName] = field(default_factory=list)
    attached: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def own_audio(original: Any, facts: MediaFacts, original_language: str) -> Kept:
    """Every audio track, copied; the one that was dubbed is named after the language that was heard in it.

    Args:
        original: the opened source.
        facts: as probed.
        original_language: BCP-47 tag of the source script, ``und`` where unknown.
    """
    kept = Kept()
    dubbed = media.default_track(facts)
    marked = any(audio.default for audio in facts.audio)
    known = any({"original", "dub"} & {*audio.roles} for audio in facts.audio)
    for number, audio in enumerate(facts.audio):
        chosen = audio.index == dubbed
        language = original_language if chosen and audio.language == "und" else audio.language
        flags = {*audio.roles, *(["default"] if audio.default or (chosen and not marked) else [])}
        flags |= {"original"} if chosen and not known else set()
        kept.names.append(TrackName(audio.title or _name(language, chosen), language))
        kept.streams.append(original[str(audio.index)])
        kept.options[f"disposition:a:{number}"] = _marks(flags)
        if audio.codec in _NO_SOUND:
            kept.options[f"c:a:{number}"] = "flac"
            kept.notes.append(f"Audio track {number + 1} ({audio.codec}) is FLAC in the multi-track master: lossless.")
    return kept


def own_subtitles(original: Any, facts: MediaFacts, first: int) -> tuple[Kept, list[OtherTrack]]:
    """Subtitles that Matroska can hold, numbered from ``first`` on, and those that it cannot.

    Args:
        original: ffmpeg input of the source.
        facts: of the source.
        first: number of the first subtitle track in the master.
    """
    kept, lost = Kept(), []
    for track in (one for one in facts.others if one.kind == "subtitle"):
        if track.codec not in _SUBTITLES | _TEXT:
            lost.append(track)
            continue
        number = first + len(kept.streams)
        kept.streams.append(original[str(track.index)])
        kept.names.append(TrackName(track.title or _name(track.language, False), track.language))
        kept.options[f"disposition:s:{number}"] = _marks({*track.roles, *(["default"] if track.default else [])})
        kept.options[f"c:s:{number}"] = "copy" if track.codec in _SUBTITLES else "srt"
        if track.codec in _TEXT:
            kept.notes.append(f"A subtitle track of the source ({track.codec}) is SubRip in the multi-track master.")
    return kept, lost


def own_attachments(original: Any, facts: MediaFacts) -> Kept:
    """Attachments with a name and a type, such as fonts."""
    kept = Kept()
    for track in (one for one in facts.others if one.kind == "attachment" and one.name and one.mime):
        number = len(kept.streams)
        kept.streams.append(original[str(track.index)])
        kept.options |= media.tags(f":s:t:{number}", filename=track.name, mimetype=track.mime)
    return kept


def covers(source: Path, facts: MediaFacts, folder: Path, first: int) -> tuple[list[Path], dict[str, Any]]:
    """Cover art as files to attach, and options that say what they are (attachments from number ``first`` on).

    Args:
        source: the title's file.
        facts: of it.
        folder: where the pictures are written.
        first: number of the first attachment in the master.
    """
    files: list[Path] = []
    options: dict[str, Any] = {}
    for track in (one for one in facts.others if one.kind == "cover" and one.codec in COVERS):
        name, mime = COVERS[track.codec]
        path = folder / f"{len(files)}-{name}"
        one = media.source(source)[str(track.index)]
        try:
            media.run_ffmpeg(media.sink(one, path, c="copy", f="image2", update=1, vframes=1))
        except ProcessFailedError:
            continue
        shown = name if not files else path.name
        options |= media.tags(f":s:t:{first + len(files)}", filename=shown, mimetype=mime)
        files.append(path)
    return files, options


def homeless(facts: MediaFacts) -> Iterator[OtherTrack]:
    """What Matroska has no place for, or we have no way to put there."""
    for track in facts.others:
        named = track.kind == "attachment" and track.name and track.mime
        art = track.kind == "cover" and track.codec in COVERS
        if track.kind != "subtitle" and not named and not art and not (track.kind == "data" and is_timecode(track)):
            yield track


def is_timecode(track: OtherTrack) -> bool:
    """Time code and chapters are kept as what they mean."""
    return track.codec in ("tmcd", "bin_data", "text")


def _marks(flags: set[str]) -> str:
    return "+".join(name for name in _FLAGS if name in flags) or "0"


def _name(language: str, original: bool) -> str:
    name = "Original" if language == "und" and original else "Track" if language == "und" else autonym(language)
    return f"{name} (original)" if original and language != "und" else name
