"""The master of a title without a picture in the source's own kind of file, with its chapters, cover and tags."""

from __future__ import annotations

import base64
import json
import struct
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from configs.languages import iso639_2
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.keep.staging import staged
from tasks.media import door
from tasks.package.carried import file_tags, left_out, with_chapters
from tasks.package.sound_kinds import Kind
from tasks.package.source_tracks import covers, is_timecode
from tasks.records.facts import MediaFacts
from tasks.sound.aac import encode_lossy
from tasks.sound.channels import channels_of, layout_of, programme
from tasks.sound.loudness import Spans

#: The kind of picture, as ID3 and FLAC number it and as ffmpeg names it.
_FRONT_COVER, _FRONT = 3, "Cover (front)"

_BESIDE = ("cover", "attachment", "data")


def sound_master(
    mix_wav: Path,
    source: Path,
    facts: MediaFacts,
    kind: Kind,
    language: str,
    title: str,
    comment: str,
    preset: LoudnessPreset,
    speech: Spans,
    out: Path,
) -> tuple[str, ...]:
    """Write it.

    Args:
        mix_wav: the finished mix.
        source: the title, whose cover is taken.
        facts: of it.
        kind: what is written.
        language: BCP-47 tag of the dub.
        title: shown by players where the source has no title of its own.
        comment: the disclosure.
        preset: what a lossy encode is brought to.
        speech: where the mix speaks, for presets that measure dialogue.
        out: written whole or not at all.

    Returns:
        Notes for the user: what of the source it does not hold.
    """
    rate = next((audio.sample_rate_hz for audio in facts.audio if audio.index == media.default_track(facts)), 0)
    rate = rate if rate in kind.rates else media.SAMPLE_RATE
    how = {"f": kind.muxer, "ar": rate, "ac": channels_of(mix_wav)}
    options, said = file_tags(_renamed(facts) if kind.comments else facts, title, comment, mp4=False)
    options |= {**how, **kind.options, **_own_tags(kind, facts, language)}
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".sound-") as work:
        folder = Path(work)
        art, _ = covers(source, facts, folder, 0) if kind.cover else ([], {})
        shown = art if kind.cover == "stream" else []
        options |= {"c:v": "copy"} if shown else {}
        for number in range(len(shown)):
            options |= {f"disposition:v:{number}": "attached_pic", **media.tags(f":s:v:{number}", comment=_FRONT)}
        pictures = {"metadata_block_picture": _picture_block(art[0])} if kind.cover == "tag" and art else {}
        chapters = facts.chapters if kind.chapters == "chapters" else ()

        def write(sound: Any, part: Path) -> None:
            streams = [sound, *(media.source(path)["v:0"] for path in shown)]
            command = media.arguments(media.sink(streams, part, **options))
            media.run_ffmpeg(with_chapters(command, chapters, folder / "chapters.txt", tags=pictures))

        notes = _encoded(mix_wav, out, kind, rate, preset, speech, write)
    written = json.loads(door.answer(out, "-show_entries", "format_tags:stream_tags", "-of", "json"))
    wanted = facts.tags.keys() - {"comment", "description"}
    return (*notes, *said, *_lost(facts, kind, wanted - _tags_in(written), bool(art)))


def _renamed(facts: MediaFacts) -> MediaFacts:
    """A description is the comment in Vorbis comments, which is the disclosure's place."""
    tags = dict(facts.tags)
    theirs = tags.pop("description", "") or tags.pop("comment", "")
    return facts.model_copy(update={"tags": {**tags, **({"synopsis": theirs} if theirs else {})}})


def _encoded(
    mix_wav: Path,
    out: Path,
    kind: Kind,
    rate: int,
    preset: LoudnessPreset,
    speech: Spans,
    write: Callable[[Any, Path], None],
) -> tuple[str, ...]:
    """Write the mix; where the encode moves its peaks, until the file keeps the preset."""
    if kind.lossy:
        return encode_lossy(mix_wav, out, preset, write, speech=speech).notes
    sound = programme(mix_wav).filter("aformat", channel_layouts=layout_of(channels_of(mix_wav)))
    if rate != media.SAMPLE_RATE or "s16" in kind.options["acodec"]:
        sound = sound.filter("aresample", rate, dither_method="triangular")
    with staged(out) as part:
        write(sound, part)
    return ()


def _own_tags(kind: Kind, facts: MediaFacts, language: str) -> dict[str, Any]:
    """The language, and chapters where they are tags; of the stream where a kind keeps its tags there."""
    marks: dict[str, str] = {}
    for number, chapter in enumerate(facts.chapters if kind.chapters == "tags" else ()):
        minutes, rest = divmod(chapter.start_ms, 60_000)
        at = f"{minutes // 60:02d}:{minutes % 60:02d}:{rest / 1000:06.3f}"
        marks |= {f"CHAPTER{number:03d}": at, f"CHAPTER{number:03d}NAME": chapter.title}
    where = ":s:a:0" if kind.muxer in ("ogg", "opus") else ""
    return media.tags(where, language=iso639_2(language), **marks)


def _picture_block(path: Path) -> str:
    """A picture as Ogg's comments hold it: FLAC's picture block in base64."""
    mime = b"image/png" if path.suffix == ".png" else b"image/jpeg"
    data = path.read_bytes()
    head = struct.pack(">II", _FRONT_COVER, len(mime)) + mime + struct.pack(">I", 0)
    return base64.b64encode(head + struct.pack(">IIIII", 0, 0, 0, 0, len(data)) + data).decode()


def _tags_in(report: Mapping[str, Any]) -> set[str]:
    holders = (report.get("format", {}), *report.get("streams", []))
    return {name.lower() for holder in holders for name in holder.get("tags", {})}


def _lost(facts: MediaFacts, kind: Kind, tags: set[str], art: bool) -> tuple[str, ...]:
    notes = [f"Tags of the source that {kind.name} does not hold: {', '.join(sorted(tags))}."] if tags else []
    if facts.chapters and not kind.chapters:
        notes.append(f"{kind.name} holds no chapters: those of the source are in the M4A.")
    gone = [
        one
        for one in facts.others
        if one.kind in _BESIDE and not is_timecode(one) and not (one.kind == "cover" and art)
    ]
    return (*notes, *left_out(gone, f"the {kind.name} master"))
