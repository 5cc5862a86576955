"""Masters: a localised MP4 for one language, and one MKV with every language over the untouched picture."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.languages import autonym, iso639_2
from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.machine import process
from tasks.media.encoding import encoded, opened
from tasks.package.carried import file_tags, left_out, with_chapters
from tasks.package.language_tags import TrackName, tag_matroska, tag_mp4
from tasks.package.source_tracks import (
    COVERS,
    Kept,
    covers,
    homeless,
    is_timecode,
    own_attachments,
    own_audio,
    own_subtitles,
)
from tasks.package.stored import Stored, stored_picture
from tasks.package.trimmed import end_picture
from tasks.package.ttml_tracks import is_ttml, text_of
from tasks.records.disclosure import statement
from tasks.records.errors import ProcessFailedError
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress, silent

VERSION = 2

#: Picture codecs that players accept in MP4; others are encoded.
_IN_MP4 = {"h264", "hevc", "av1", "mpeg4", "vp9"}
#: Fields of GB 45438-2025 beside the label itself.
_AIGC = ("ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
#: What an edit list hides, from this on, is noted where it shows.
_TOLD_S = 0.1


@dataclass(frozen=True)
class DubTrack:
    """One language's sound and subtitles for the multi-track master.

    Attributes:
        language: BCP-47 tag.
        audio_m4a: AAC on the title's clock.
        subtitles_srt: UTF-8 SubRip; None, or a file without cues, for none.
        synthetic: whether a machine speaks.
    """

    language: str
    audio_m4a: Path
    subtitles_srt: Path | None = None
    synthetic: bool = True


def disclosure(language: str, *, synthetic_speech: bool, altered_picture: bool) -> str:
    """The machine-readable mark of synthetic content, as JSON for a file's comment (EU 2024/1689, article 50).

    Args:
        language: BCP-47 tags of the dubs, separated by spaces.
        synthetic_speech: whether a machine speaks.
        altered_picture: whether mouths were changed to match.
    """
    mark = {
        "dubbed": language.split(),
        "synthetic_speech": synthetic_speech,
        "altered_picture": altered_picture,
        "statement": statement(synthetic_speech=synthetic_speech, altered_picture=altered_picture),
        "law": "Regulation (EU) 2024/1689, article 50",
    }
    return json.dumps(mark, ensure_ascii=False, sort_keys=True)


def package_master(
    picture: Path,
    facts: MediaFacts,
    audio_m4a: Path,
    subtitles_srt: Path | None,
    language: str,
    title: str,
    out_mp4: Path,
    *,
    synthetic_speech: bool = True,
    altered_picture: bool = False,
    source: Path | None = None,
    aigc: bool = False,
    progress: Progress = silent,
) -> tuple[str, ...]:
    """One language's MP4: picture and dub copied, subtitles, language tags, disclosure; its index is at the front.

    Of a title without a picture it is an M4A, without subtitles. Cover art is copied.

    Args:
        picture: the lip-synced render, or the source; its own sound is left out. A rotation mark is kept.
        facts: of the source (its length).
        audio_m4a: the encoded mix.
        subtitles_srt: UTF-8 SubRip in the dub's language, or None.
        language: BCP-47 tag of the dub.
        title: shown by players where the source has no title of its own.
        out_mp4: written whole or not at all.
        synthetic_speech: False for a recorded dub.
        altered_picture: whether ``picture`` was lip-synced.
        source: the title as it came, whose cover art is kept; None where ``picture`` is that.
        aigc: with the tag of GB 45438-2025 (China), without a producer: its code is the operator's to add.
        progress: called with the share that is done.

    Returns:
        Notes for the user: where the picture had to be encoded, and why.
    """
    video = stored_picture(picture, trimmed=facts.picture.trimmed) if facts.picture else None
    track = TrackName(f"{autonym(language)} (dub)", language)
    words = TrackName(autonym(language), language)
    options: dict[str, Any] = {"f": "ipod" if facts.sound_only else "mp4", "movflags": "+faststart", "acodec": "copy"}
    comment = disclosure(language, synthetic_speech=synthetic_speech, altered_picture=altered_picture)
    tagged_so, notes = file_tags(facts, title, comment, mp4=True)
    options |= {**tagged_so, **_stream_tags("a", 0, track, handler=True), "disposition:a:0": "default"}
    art = [one for one in facts.others if one.kind == "cover" and one.codec in COVERS]
    if aigc:
        field = json.dumps({"Label": "1", **dict.fromkeys(_AIGC, "")})
        options |= {"movflags": "+faststart+use_metadata_tags", **media.tags("", AIGC=field)}
    beside = [one for one in facts.others if one.kind in ("cover", "attachment", "data") and not is_timecode(one)]
    notes = (*notes, *left_out([one for one in beside if one not in art], "the masters"))
    streams: list[Any] = []
    if video is not None:
        shown, how, remarks = _picture_for_mp4(picture, video, facts)
        if facts.picture and facts.picture.alpha and how["c:v:0"] == "copy":
            remarks = (*remarks, "The picture's transparency is not in the masters: MP4 has no place for it.")
        streams.append(shown)
        options |= how
        notes = (*notes, *remarks)
        if facts.timecode:
            options |= {"write_tmcd": 1, **media.tags(":s:v:0", timecode=facts.timecode)}
    streams.append(media.source(audio_m4a)["a:0"])
    tagged = [track]
    for number, cover in enumerate(art, start=1 if facts.picture else 0):
        streams.append(media.source(source or picture)[str(cover.index)])
        options |= {f"c:v:{number}": "copy", f"disposition:v:{number}": "attached_pic"}
    if subtitles_srt is not None and _has_cues(subtitles_srt) and not facts.sound_only:
        streams.append(media.source(subtitles_srt, f="srt", sub_charenc="UTF-8")["s:0"])
        options |= {"scodec": "mov_text", **_stream_tags("s", 0, words, handler=True)}
        tagged.append(words)
    with staged(out_mp4) as part, scratch(out_mp4, ".txt") as marks:
        command = with_chapters(
            media.arguments(media.sink(streams, part, **options), report=True), facts.chapters, marks
        )
        media.run_ffmpeg(command, duration_ms=facts.duration_ms, progress=progress)
        tag_mp4(part, tagged)
        if facts.picture and video and video.behind and options.get("c:v:0") == "copy":
            end_picture(part, facts.picture.duration_ms - 1)  # times are rounded
    return notes


def package_multi(
    source: Path,
    facts: MediaFacts,
    tracks: Sequence[DubTrack],
    original_language: str,
    out_mkv: Path,
    *,
    title: str = "",
    picture: Path | None = None,
    progress: Progress = silent,
) -> tuple[str, ...]:
    """One MKV: all of the source that it can hold, stream-copied, every dub and every subtitle, tagged and named.

    The source's tracks keep their languages, names and marks. The track that was dubbed is the default where the source
    marks none.

    Args:
        source: the title as it came.
        facts: as probed.
        tracks: the dubs, in the order of the tracks.
        original_language: BCP-47 tag of the source, ``und`` where unknown.
        out_mkv: written whole or not at all.
        title: shown by players where the source has no title of its own.
        picture: the upright picture of a source that is stored turned, which Matroska's players do not agree on.
        progress: called with the share that is done.

    Returns:
        Notes for the user: what of the source is not in it, or not as it was.
    """
    comment = disclosure(
        " ".join(track.language for track in tracks),
        synthetic_speech=any(track.synthetic for track in tracks),
        altered_picture=False,
    )
    with tempfile.TemporaryDirectory(dir=out_mkv.parent, prefix=".multi-") as folder, staged(out_mkv) as part:

        def pack(*, whole: bool) -> tuple[str, ...]:
            made = _multi(source, facts, tracks, original_language, picture, Path(folder), whole=whole)
            tags, remarks = file_tags(facts, title, comment, mp4=False)
            command = media.arguments(media.sink(made.streams, part, **made.options, **tags), report=True)
            command = with_chapters(command, facts.chapters, Path(folder) / "chapters.txt", made.attached)
            media.run_ffmpeg(command, duration_ms=facts.duration_ms, progress=progress)
            tag_matroska(part, made.names)
            return (*made.notes, *remarks)

        try:
            return pack(whole=True)
        except ProcessFailedError as error:
            if not facts.others:
                raise
            why = str(error).splitlines()[-1][:200]
            notes = pack(whole=False)
            return (*notes, f"They could not be written ({why}).")


def _multi(
    source: Path,
    facts: MediaFacts,
    tracks: Sequence[DubTrack],
    original_language: str,
    picture: Path | None,
    folder: Path,
    *,
    whole: bool,
) -> Kept:
    """The streams of the multi-track master in order; ``whole``: the source's subtitles, covers and attachments too."""
    original = media.on_clock(source, fflags="+genpts")
    made = own_audio(original, facts, original_language)
    made.options |= {"f": "matroska", "write_crc32": 0, "c": "copy", "cluster_time_limit": 2000}
    for number, name in enumerate(made.names):
        made.options |= _stream_tags("a", number, name)
    if facts.picture:
        shown, how, said = _multi_picture(source, facts, picture)
        made.streams.insert(0, shown)
        beside = {"timecode": facts.timecode} if facts.timecode else {}
        beside |= {"alpha_mode": "1"} if facts.picture.alpha and facts.picture.codec in ("vp8", "vp9") else {}
        made.options |= how | (media.tags(":s:v:0", **beside) if beside else {})
        made.notes += said
    for number, dub in enumerate(tracks, start=len(facts.audio)):
        made.names.append(TrackName(f"{autonym(dub.language)} (dub)", dub.language))
        made.streams.append(media.source(dub.audio_m4a)["a:0"])
        made.options |= _stream_tags("a", number, made.names[-1])
        made.options[f"disposition:a:{number}"] = "dub" if number else "default+dub"
    with_words = [dub for dub in tracks if dub.subtitles_srt and _has_cues(dub.subtitles_srt)]
    for number, dub in enumerate(with_words):
        assert dub.subtitles_srt is not None
        made.names.append(TrackName(autonym(dub.language), dub.language))
        made.streams.append(media.source(dub.subtitles_srt, f="srt", sub_charenc="UTF-8")["s:0"])
        made.options |= _stream_tags("s", number, made.names[-1])
        made.options |= {f"disposition:s:{number}": "0", f"c:s:{number}": "srt"}
    if whole:
        _add_the_rest(made, original, source, facts, len(with_words), folder)
    else:
        made.notes.extend(left_out(facts.others, "the multi-track master"))
    return made


def _multi_picture(
    source: Path, facts: MediaFacts, upright: Path | None
) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """The source's picture as it is stored, or the upright one; how to write it, and notes."""
    stored = stored_picture(upright or source, trimmed=facts.picture is not None and facts.picture.trimmed)
    shown, how, said = copied_picture(upright or source, stored, facts)
    if stored.timed and stored.hidden_s >= _TOLD_S:
        hidden = f"An edit list of the source hides the {stored.hidden_s:.2f} s before its first frame, which Matroska "
        said = (*said, hidden + "cannot: the multi-track master begins with them.")
    if stored.timed and stored.behind:
        more = f"{stored.behind} frame{'s' * (stored.behind > 1)}"
        said = (
            *said,
            f"The picture of the multi-track master ends {more} later: shown ones are made from what follows.",
        )
    return shown, how, said


def _add_the_rest(made: Kept, original: Any, source: Path, facts: MediaFacts, first: int, folder: Path) -> None:
    """The source's subtitles (numbered from ``first``), attachments and covers."""
    words, lost = own_subtitles(original, facts, first)
    unread = []
    for track in filter(is_ttml, facts.others):
        if (text := text_of(source, track, folder)) is None:
            unread.append(track)
            continue
        words.options |= {f"c:s:{first + len(words.streams)}": "srt"}
        words.streams.append(media.source(text, f="srt", sub_charenc="UTF-8")["s:0"])
        words.names.append(TrackName(track.title or autonym(track.language), track.language))
        words.notes.append("A subtitle track of the source (TTML) is SubRip in the multi-track master.")
    for number, name in enumerate(words.names, first):
        made.options |= _stream_tags("s", number, name)
    files = own_attachments(original, facts)
    art, named = covers(source, facts, folder, len(files.streams))
    made.streams += [*words.streams, *files.streams]
    made.options |= {**words.options, **files.options, **named}
    made.attached += art
    made.names += words.names
    others = [track for track in homeless(facts) if not is_ttml(track)]
    made.notes += [*words.notes, *left_out([*lost, *unread, *others], "the multi-track master")]


def stream_hash(path: Path, stream: str = "v:0") -> str:
    """SHA-256 over the packets of one stream: equal for stream copies, whatever the container."""
    graph = media.source(path)[stream].output("pipe:", c="copy", f="streamhash", hash="sha256")
    return process.capture(media.arguments(graph), deadline_s=3600).decode().strip().rpartition("=")[2]


def _picture_for_mp4(picture: Path, stored: Stored, facts: MediaFacts) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """The picture's stream where the source has it on the player's clock, how to write it, and notes."""
    if stored.codec in _IN_MP4:
        stream, how, notes = copied_picture(picture, stored, facts)
        return stream, {**how, **({"tag:v:0": "hvc1"} if stored.codec == "hevc" else {})}, notes
    return _encoded(picture, stored, facts, f"Players do not take {stored.codec} in MP4: the picture was encoded to ")


def copied_picture(picture: Path, stored: Stored, facts: MediaFacts) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """A picture as it is stored, as far as its packets say when they are shown; else encoded.

    Args:
        picture: the file.
        stored: how the picture lies in it.
        facts: of the title: when its picture begins.

    Returns:
        The stream on the player's clock, options that write it as the first picture, and notes for the user.
    """
    if stored.timed:
        stream = media.on_clock(picture, _start_s(facts) - stored.start_s, fflags="+genpts")[str(stored.index)]
        ends = {"bsf:v:0": f"noise=drop='gte(n,{stored.packets})'"} if stored.packets is not None else {}
        return stream, {"c:v:0": "copy", **ends}, ()
    note = f"The container does not say when the frames of its {stored.codec} picture are shown: it was encoded to "
    return _encoded(picture, stored, facts, note)


def _encoded(picture: Path, stored: Stored, facts: MediaFacts, why: str) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    assert facts.picture is not None
    start = f"PTS-STARTPTS+{_start_s(facts):.3f}/TB"
    stream = media.on_clock(picture, **opened(facts.picture))[str(stored.index)].filter("setpts", start)
    stream, how, made = encoded(stream, facts.picture)
    return stream, {**how, "vsync": "passthrough", "enc_time_base": -1}, (f"{why}{made}.",)


def upright_picture(source: Path, facts: MediaFacts, out_mkv: Path, progress: Progress = silent) -> tuple[str, ...]:
    """The picture of a title that is stored turned or mirrored, encoded upright; without sound.

    Args:
        source: the title as it came.
        facts: as probed.
        out_mkv: written whole or not at all.
        progress: called with the share that is done.

    Returns:
        Notes for the user.
    """
    why = "Matroska's players do not agree on rotated pictures: that of the multi-track master was encoded upright to "
    shown, how, notes = _encoded(source, stored_picture(source), facts, why)
    with staged(out_mkv) as part:
        graph = media.sink([shown], part, f="matroska", write_crc32=0, **how)
        media.run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)
    return notes


def _start_s(facts: MediaFacts) -> float:
    return facts.picture.start_ms / 1000 if facts.picture else 0.0


def _stream_tags(kind: str, number: int, track: TrackName, *, handler: bool = False) -> dict[str, Any]:
    name = {"handler_name": track.padded_for_mp4()} if handler else {"title": track.padded_for_matroska()}
    return media.tags(f":s:{kind}:{number}", language=iso639_2(track.language, bibliographic=not handler), **name)


def _has_cues(srt: Path) -> bool:
    return "-->" in srt.read_text("utf-8-sig")
