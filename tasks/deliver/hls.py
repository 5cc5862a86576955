"""HLS playlists (RFC 8216) over CMAF renditions and WebVTT files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from configs.languages import autonym
from tasks.deliver.cmaf import Rendition


@dataclass(frozen=True)
class Track:
    """A language's sound, and its subtitles.

    Attributes:
        language: BCP-47 tag.
        original: whether it is the title's own.
        synthetic: whether a machine speaks.
        sound: its rendition.
        words: whether it has subtitles.
    """

    language: str
    original: bool
    synthetic: bool
    sound: Rendition
    words: bool

    @property
    def characteristics(self) -> str:
        """The sound's marks for players, as Apple's media characteristics."""
        if self.original:
            return "public.original-content"
        return "public.translation" + (",public.machine-generated" if self.synthetic else "")


def media_playlist(rendition: Rendition) -> str:
    """The segments of a rendition."""
    lines = _head(max(one.seconds for one in rendition.segments))
    lines.append(f'#EXT-X-MAP:URI="{rendition.name}.mp4",BYTERANGE="{rendition.head_bytes}@0"')
    for one in rendition.segments:
        lines += [f"#EXTINF:{one.seconds:.6f},", f"#EXT-X-BYTERANGE:{one.bytes}@{one.offset}", f"{rendition.name}.mp4"]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def words_playlist(file: str, seconds: float) -> str:
    """One file of WebVTT, for the whole title."""
    return "\n".join([*_head(seconds), f"#EXTINF:{seconds:.6f},", file, "#EXT-X-ENDLIST", ""])


def master_playlist(pictures: Sequence[Rendition], tracks: Sequence[Track]) -> str:
    """What a player opens: every picture with a group of every language's sound, and one of its subtitles.

    Args:
        pictures: the largest first.
        tracks: the default first.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS", ""]
    for number, one in enumerate(tracks):
        lines.append(_media("AUDIO", "sound", one, number == 0, f"{one.sound.name}.m3u8", _sound_attributes(one)))
    worded = [one for one in tracks if one.words]
    for one in worded:
        extra = ['CHARACTERISTICS="public.translation,public.machine-generated"'] if one.synthetic else []
        lines.append(_media("SUBTITLES", "words", one, False, f"words-{one.language}.m3u8", ["FORCED=NO", *extra]))
    loudest = max((one.sound for one in tracks), key=lambda sound: sound.peak_bps)
    lines.append("")
    for picture in pictures:
        codecs = ",".join(dict.fromkeys([picture.codec, *(one.sound.codec for one in tracks)]))
        about = [
            f"BANDWIDTH={picture.peak_bps + loudest.peak_bps}",
            f"AVERAGE-BANDWIDTH={picture.average_bps + loudest.average_bps}",
            f"RESOLUTION={picture.about['width']}x{picture.about['height']}",
            *_frame_rate(picture),
            f'CODECS="{codecs}"',
            'AUDIO="sound"',
            *(['SUBTITLES="words"'] if worded else []),
        ]
        lines += [f"#EXT-X-STREAM-INF:{','.join(about)}", f"{picture.name}.m3u8"]
    return "\n".join([*lines, ""])


def name_of(track: Track) -> str:
    """What a viewer reads in the menu of languages."""
    name = "Original" if track.language == "und" else autonym(track.language)
    return f"{name} (original)" if track.original and track.language != "und" else name


def _media(kind: str, group: str, track: Track, default: bool, file: str, more: Iterable[str]) -> str:
    about = [
        f"TYPE={kind}",
        f'GROUP-ID="{group}"',
        f'NAME="{_quoted(name_of(track))}"',
        f'LANGUAGE="{track.language}"',
        f"DEFAULT={'YES' if default else 'NO'}",
        "AUTOSELECT=YES",
        *more,
        f'URI="{file}"',
    ]
    return f"#EXT-X-MEDIA:{','.join(about)}"


def _sound_attributes(track: Track) -> list[str]:
    return [f'CHANNELS="{track.sound.about["channels"]}"', f'CHARACTERISTICS="{track.characteristics}"']


def _frame_rate(picture: Rendition) -> list[str]:
    over, _, under = picture.about.get("frameRate", "").partition("/")
    return [f"FRAME-RATE={int(over) / int(under or 1):.3f}"] if over else []


def _head(longest_s: float) -> list[str]:
    target = max(1, math.ceil(longest_s - 0.5))  # rounded, as RFC 8216 has it
    return [
        *("#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-MEDIA-SEQUENCE:0"),
        *("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"),
    ]


def _quoted(text: str) -> str:
    return text.replace('"', "'")
