"""Read a file's facts with ffprobe; one demultiplexing pass gives exact length, frame times and truncation."""

from __future__ import annotations

import contextlib
import json
import math
import re
import statistics
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from configs.languages import tag_of
from tasks import media
from tasks.machine import process
from tasks.media import colours, door, edit_lists, look, tracks
from tasks.records.errors import BadInputError, ProcessFailedError
from tasks.records.facts import AudioFacts, MediaFacts, PictureFacts

MAX_SIDE = 16_384
MAX_PIXELS = 1 << 28
_NO_NAME = re.compile(r"handle|core media|iso media|gpac|mainconcept|lavf|^#", re.IGNORECASE)
_CUT_SHORT = ("partial file", "ended prematurely", "truncat", "moov atom not found")
#: Frames are reordered by less than this; a time further back means that the clock jumped.
_JUMP_S = 2.0
#: A later start is reported in a note.
_TOLD_MS = 100
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
_SUPPORTED = "Give a video (MP4, MOV, MKV, WebM, MPEG ...), a recording, or a picture (PNG, JPEG)."


def probe(path: Path, language: str | None = None, longest_s: float | None = None) -> MediaFacts:
    """The facts of a source file.

    Reads every packet once without decoding (exact length, frame count, variable frame rate, truncation), and decodes
    the first and the last second.

    Args:
        path: a video, a sound file or a picture.
        language: BCP-47 tag of the speech if known: a track in this language is preferred for dubbing.
        longest_s: maximum length in seconds, nothing beyond it is read; None for no limit.

    Raises:
        BadInputError: missing, a folder, unreadable, empty, cut short, not media, without picture and sound, of zero
            length, with a clock that jumps back, assembled by an edit list, longer than ``longest_s``, or larger than
            16384 pixels a side or 2^28 pixels.
    """
    _check_file(path)
    report = _report(path)
    container = report.get("format", {})
    streams = report.get("streams", [])
    edit_lists.refuse_edits(path)
    video = next((s for s in streams if s.get("codec_type") == "video" and not _is_cover(s)), None)
    sound = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name") and s.get("channels")]
    if video is None and not sound:
        raise BadInputError(f"{path.name!r} contains no picture and no sound.", _SUPPORTED)
    still = door.is_still(path)
    if video is not None:
        _check_size(path, video)
    packets = _Packets() if still else _read_packets(path, (video or sound[0])["index"], longest_s)
    if packets.cut_short:
        raise BadInputError(f"{path.name!r} is cut short: the end of the file is missing.", "Copy or export it again.")
    if packets.jumps_at_s is not None:
        raise BadInputError(
            f"The clock of {path.name!r} jumps back after {packets.jumps_at_s:.1f} s, as in concatenated recordings.",
            "Rewrite its time stamps: `ffmpeg -fflags +genpts -i FILE -map 0 -c copy NEW.mkv`.",
        )
    start_s = _seconds(container.get("start_time"))
    frame = colours.first_frame(path, video["index"]) if video and not still else {}
    picture = _picture(video, packets, start_s, still, frame) if video else None
    duration_ms = picture.start_ms + picture.duration_ms if picture else _sound_ms(sound, packets, container)
    if not still and (not packets.count or (picture.duration_ms if picture else duration_ms) <= 0):
        raise BadInputError(f"{path.name!r} has zero length: there is nothing to dub.", "Export it again.")
    refuse_longer(path, duration_ms / 1000, longest_s)
    said = [*_warnings(picture, sound, container, duration_ms, packets), *tracks.odd_labels(sound)]
    if video and picture and not still:
        fields, field_notes = look.fields_of(path, video, frame, picture.frame_rate, duration_ms)
        picture = picture.model_copy(update={"fields": fields})
        said += [*field_notes, *_of_the_look(picture)]
    spoken = "" if picture else tracks.tags_of(container).get("language", "")  # MP3 and WAV keep it there
    audio = tuple(_audio(stream, container, duration_ms, spoken) for stream in sound)
    dubbed, why = tracks.dubbed_track(audio, language)
    used = {stream["index"] for stream in (*sound, *([video] if video else []))}
    facts = MediaFacts(
        container=container.get("format_name", ""),
        duration_ms=duration_ms,
        picture=picture,
        audio=audio,
        still=still,
        dubbed=dubbed,
        others=tracks.others_of(streams, used),
        chapters=tracks.chapters_of(report, _marks_from_s(container, start_s), duration_ms),
        tags=tracks.title_tags(container, () if picture else sound),
        timecode=tracks.timecode_of(streams, container),
        warnings=(*said, *why),
    )
    return facts.model_copy(update={"warnings": facts.warnings + _decodes(path, facts)})


def refuse_longer(path: Path, seconds: float, longest_s: float | None) -> None:
    """Raise `BadInputError` for a file that is longer than the operator allows.

    Args:
        path: the file, for the message.
        seconds: its length.
        longest_s: maximum length; None for no limit.
    """
    if longest_s is not None and seconds > longest_s:
        longest = f"{longest_s / 3600:.3g} h" if longest_s >= 3600 else f"{longest_s:.0f} s"
        raise BadInputError(
            f"{path.name!r} is longer than {longest}, the maximum for a title.",
            "Cut it into parts, or ask the operator to raise max_title_seconds in the profile  "
            "(POLYDUB_MAX_TITLE_SECONDS).",
        )


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise BadInputError(f"{path.name!r} is a folder, not a video.", "Give the file itself.")
        if not path.exists():
            raise BadInputError(f"There is no file {str(path)!r}.", "Check the path.")
        if path.is_file() and path.stat().st_size == 0:
            raise BadInputError(f"{path.name!r} is empty (0 bytes).", "Copy or export it again.")
        if not path.is_file():
            raise BadInputError(f"{path.name!r} is not a regular file.", _SUPPORTED)
        with path.open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInputError(f"{path.name!r} cannot be read: {reason}.", "Check the file's permissions.") from error


def _report(path: Path) -> dict[str, Any]:
    try:
        answer = door.answer(path, "-of", "json", "-show_format", "-show_streams", "-show_chapters")
    except ProcessFailedError as error:
        if "moov atom not found" in error.data["log"] and _is_mp4(path):
            raise BadInputError(
                f"{path.name!r} is cut short: its index (moov) is missing.", "Copy or export it again."
            ) from error
        raise BadInputError(f"{path.name!r} is not a video, a recording or a picture.", _SUPPORTED) from error
    found: dict[str, Any] = json.loads(answer.decode("utf-8", "replace"))
    return found


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in _FIRST_BOXES


def _is_cover(stream: dict[str, Any]) -> bool:
    marks = stream.get("disposition", {})
    return bool(marks.get("attached_pic") or marks.get("timed_thumbnails")) or not stream.get("codec_name")


def _check_size(path: Path, stream: dict[str, Any]) -> None:
    width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadInputError(
            f"{path.name!r} is {width}x{height}: larger than {MAX_SIDE} pixels a side or 2^28 pixels in all.",
            "Scale it down.",
        )
    if width <= 0 or height <= 0:
        raise BadInputError(f"The picture of {path.name!r} has no size: the file is damaged.", "Export it again.")


@dataclass
class _Packets:
    """Times of one stream's packets in seconds, in presentation order."""

    times: list[float] = field(default_factory=list)
    count: int = 0
    end_s: float = 0.0
    cut_short: bool = False
    jumps_at_s: float | None = None  # where the clock first jumps back
    hidden_s: float = -math.inf  # display time of the last frame that an edit list hides

    def take(self, time: str, lasts: str) -> None:
        """Add the next packet, with its time and duration as ffprobe prints them (``N/A``: unknown)."""
        self.count += 1
        if time == "N/A":
            return
        at = float(time)
        if self.jumps_at_s is None and at < self.end_s - _JUMP_S and self.times:
            self.jumps_at_s = self.read_s
        self.times.append(at)
        self.end_s = max(self.end_s, at + (0.0 if lasts == "N/A" else float(lasts)))

    def hide(self, time: str) -> None:
        """Add the next packet, which an edit list hides."""
        if time != "N/A":
            self.hidden_s = max(self.hidden_s, float(time))

    @property
    def trimmed(self) -> bool:
        """Whether frames after the last visible one are hidden."""
        return bool(self.times) and self.hidden_s > max(self.times)

    @property
    def read_s(self) -> float:
        """Seconds from the start of the first packet read to the end of the last."""
        return self.end_s - self.times[0] if self.times else 0.0

    @property
    def timed(self) -> bool:
        return len(self.times) > 0.9 * self.count and len(self.times) > 0

    @property
    def length_s(self) -> float:
        return self.end_s - self.times[0] if self.timed else 0.0


def _read_packets(path: Path, index: int, longest_s: float | None) -> _Packets:
    """The packets of a stream; `BadInputError` at the first that ends beyond ``longest_s``.

    Times that the container lacks (AVI, MPEG-PS) are derived from the decoding order.
    """
    shown = ["-show_entries", "packet=pts_time,duration_time,flags", "-of", "csv=print_section=1:item_sep=|"]
    command = door.asking(path, "-fflags", "+genpts", "-select_streams", str(index), *shown)
    found = _Packets()
    try:
        with contextlib.closing(process.stream(command, deadline_s=3600.0)) as lines:
            for line in lines:
                parts = line.split("|")
                if parts[0] != "packet":
                    found.cut_short |= any(mark in line.lower() for mark in _CUT_SHORT)
                elif len(parts) > 3 and "D" in parts[3]:
                    found.hide(parts[1])
                elif len(parts) > 3:
                    found.take(parts[1], parts[2])
                    refuse_longer(path, found.read_s, longest_s)
    except ProcessFailedError:
        found.cut_short = True
    found.times.sort()
    return found


def _picture(
    stream: dict[str, Any], packets: _Packets, container_start_s: float, still: bool, frame: dict[str, Any]
) -> PictureFacts:
    average, nominal = _rate(stream.get("avg_frame_rate")), _rate(stream.get("r_frame_rate"))
    average = average or nominal or Fraction(25)
    length_s = packets.length_s
    if packets.timed and packets.end_s <= packets.times[-1]:
        length_s += float(1 / average)  # packets without a duration: the last frame is as long as the others
    if not packets.timed and not still:
        length_s = _seconds(stream.get("duration")) or packets.count / float(average)
    start_s = packets.times[0] if packets.timed else _seconds(stream.get("start_time"))
    pixel_format = stream.get("pix_fmt", "")
    rotation, mirrored = look.turn_of(stream, frame)
    return PictureFacts(
        index=stream["index"],
        codec=stream["codec_name"],
        width=stream["width"],
        height=stream["height"],
        frame_rate=average,
        nominal_rate=nominal or average,
        variable_rate=_is_variable(packets, average),
        frames=1 if still else packets.count,
        duration_ms=0 if still else round(length_s * 1000),
        rotation=rotation,
        mirrored=mirrored,
        aspect=look.aspect_of(stream),
        colour=colours.colour_of(stream, frame),
        alpha=look.has_alpha(stream),
        dolby_vision=look.dolby_vision_of(stream),
        pixel_format=pixel_format,
        bit_depth=_bit_depth(pixel_format),
        start_ms=0 if still else max(0, round((start_s - container_start_s) * 1000)),
        trimmed=packets.trimmed,
    )


def _is_variable(packets: _Packets, average: Fraction) -> bool:
    """Whether over 1 % of the frames differ by a quarter from the median duration (times may be rounded to 1 ms)."""
    if not packets.timed or len(packets.times) < 3:
        return False
    steps = [late - early for early, late in zip(packets.times, packets.times[1:], strict=False)]
    usual = statistics.median(steps) or float(1 / average)
    odd = sum(abs(step - usual) > 0.25 * usual + 0.001 for step in steps)
    return odd > 0.01 * len(steps)


def _bit_depth(pixel_format: str) -> int:
    found = re.search(r"(9|10|12|14|16|48|64)(?:le|be)$", pixel_format)
    if not found:
        return 8
    bits = int(found.group(1))
    return 16 if bits in (48, 64) else bits


def _audio(stream: dict[str, Any], container: dict[str, Any], title_ms: int, spoken: str) -> AudioFacts:
    tags = tracks.tags_of(stream)
    seconds = _seconds(stream.get("duration")) or _seconds(container.get("duration")) or title_ms / 1000
    return AudioFacts(
        index=stream["index"],
        codec=stream["codec_name"],
        sample_rate_hz=int(stream.get("sample_rate", 0)),
        channels=int(stream["channels"]),
        duration_ms=round(seconds * 1000),
        language=tag_of(tags.get("language", "") or spoken),
        title=tags.get("title", "") or _name_in_mp4(tags.get("handler_name", "")),
        default=bool(stream.get("disposition", {}).get("default")),
        start_ms=_late_ms(stream, container),
        roles=tracks.roles_of(stream),
    )


def _name_in_mp4(handler: str) -> str:
    """A track's name from MP4's handler field; names that muxers put there do not count."""
    return "" if _NO_NAME.search(handler) else handler


def _marks_from_s(container: dict[str, Any], start_s: float) -> float:
    """Where chapters count from: of MP3 the first sound that is heard, which the encoder's delay comes before."""
    return 0.0 if container.get("format_name") == "mp3" else start_s


def _of_the_look(picture: PictureFacts) -> list[str]:
    said = []
    if picture.dolby_vision:
        profile = picture.dolby_vision
        said.append(f"The picture has Dolby Vision (profile {profile}), which is lost if the picture is re-encoded.")
    return said


def _sound_ms(sound: list[dict[str, Any]], packets: _Packets, container: dict[str, Any]) -> int:
    if not packets.count:
        return 0
    length_s = packets.length_s or _seconds(sound[0].get("duration")) or _seconds(container.get("duration"))
    return _late_ms(sound[0], container) + round(length_s * 1000)


def _late_ms(stream: dict[str, Any], container: dict[str, Any]) -> int:
    """Milliseconds by which a stream starts after its container."""
    start_s = _seconds(container.get("start_time"))
    return max(0, round((_seconds(stream.get("start_time", start_s)) - start_s) * 1000))


def _warnings(
    picture: PictureFacts | None,
    sound: list[dict[str, Any]],
    container: dict[str, Any],
    duration_ms: int,
    packets: _Packets,
) -> list[str]:
    said = []
    if not sound:
        said.append("The title has no audio track: its bed is silence.")
    if picture and picture.variable_rate:
        said.append("The picture has a variable frame rate.")
    if picture and not packets.timed and packets.count:
        said.append("The container has few frame times; a constant frame rate is assumed.")
    if picture and picture.start_ms >= _TOLD_MS:
        said.append(f"The picture starts {picture.start_ms / 1000:.2f} s after the container, and in the masters too.")
    late_ms = _dubbed_late_ms(sound, container)
    if late_ms >= _TOLD_MS:
        said.append(f"The sound starts {late_ms / 1000:.2f} s after the container; the gap is filled with silence.")
    promised_ms = round(_seconds(container.get("duration")) * 1000)
    if picture and picture.trimmed:
        said.append(f"An edit list of the source ends the picture at {duration_ms / 1000:.2f} s, and the masters too.")
        promised_ms = round(
            max((_late_ms(one, container) + 1000 * _seconds(one.get("duration")) for one in sound), default=0)
        )
    if picture and duration_ms and promised_ms > duration_ms * 1.01 + 1000:
        said.append(f"The picture ends {(promised_ms - duration_ms) / 1000:.1f} s before the container does.")
    return said


def _dubbed_late_ms(sound: list[dict[str, Any]], container: dict[str, Any]) -> int:
    tracks = [stream for stream in sound if stream.get("disposition", {}).get("default")] or sound
    return _late_ms(tracks[0], container) if tracks else 0


def _decodes(path: Path, facts: MediaFacts) -> tuple[str, ...]:
    """Decode the first and last second; failing at the start is an error, failing at the end a warning."""
    first = facts.picture.index if facts.picture else facts.audio[0].index
    if not _frames(path, first, 0.0):
        raise BadInputError(f"{path.name!r} cannot be decoded: the file is damaged or encrypted.", "Export it again.")
    if facts.duration_ms > 2000 and not _frames(path, first, facts.duration_ms / 1000 - 1.0):
        return ("The last second of the title cannot be decoded.",)
    return ()


def _frames(path: Path, index: int, start_s: float) -> int:
    seek = {"ss": start_s} if start_s else {}
    graph = media.source(path, **seek)[str(index)].output("pipe:", f="framecrc", t=1, vsync="passthrough")
    try:
        answer = process.capture(media.arguments(graph), deadline_s=300.0)
    except ProcessFailedError:
        return 0
    return sum(not line.startswith(b"#") for line in answer.splitlines())


def _rate(text: str | None) -> Fraction:
    numerator, _, denominator = (text or "0/1").partition("/")
    return Fraction(int(numerator), int(denominator)) if int(denominator or 0) else Fraction(0)


def _seconds(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0
