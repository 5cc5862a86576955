"""CMAF renditions that HLS and DASH share: one file each, cut by ffmpeg, and where its segments lie in it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.languages import iso639_2
from tasks import media
from tasks.records.errors import ProcessFailedError

_MPD = "{urn:mpeg:dash:schema:mpd:2011}"
#: A rest at the end, whose bit rate says nothing.
_SHORT_S = 0.5


@dataclass(frozen=True)
class Segment:
    """A segment of a rendition: how long it is, and its bytes in the file."""

    seconds: float
    offset: int
    bytes: int


@dataclass(frozen=True)
class Rendition:
    """One picture or sound of a package.

    Attributes:
        kind: ``video`` or ``audio``.
        name: of its files, without their endings.
        language: BCP-47 tag of a sound; empty for a picture.
        codec: as RFC 6381 names it.
        about: attributes of its representation in DASH: width, height, frame rate, channels.
        head_bytes: of its initialisation segment.
        segments: in order.
    """

    kind: str
    name: str
    language: str
    codec: str
    about: dict[str, str]
    head_bytes: int
    segments: tuple[Segment, ...]

    @property
    def seconds(self) -> float:
        """Of the whole."""
        return sum(one.seconds for one in self.segments)

    @property
    def peak_bps(self) -> int:
        """Bit rate of its densest segment; never below that of the whole."""
        whole = [one for one in self.segments if one.seconds > _SHORT_S] or self.segments
        return max(self.average_bps, *(round(8 * one.bytes / one.seconds) for one in whole))

    @property
    def average_bps(self) -> int:
        """Bit rate of the whole."""
        return round(8 * sum(one.bytes for one in self.segments) / self.seconds)


@dataclass(frozen=True)
class Sound:
    """A sound of the package: its file, encoded for delivery, and its language (BCP-47)."""

    path: Path
    language: str
    name: str


def cut(
    pictures: Sequence[Path], sounds: Sequence[Sound], segment_s: float, duration_ms: int, folder: Path
) -> tuple[tuple[Rendition, ...], xml.Element]:
    """Cut renditions into segments without encoding them.

    Args:
        pictures: rungs of one ladder, the largest first.
        sounds: each in a language of its own.
        segment_s: a segment ends at the first key frame after so long.
        duration_ms: of the title.
        folder: where ``NAME.mp4`` of each rendition and nothing else is left.

    Returns:
        The renditions, pictures first, and DASH's manifest as ffmpeg wrote it.
    """
    streams = [media.source(path)["v:0"] for path in pictures] + [media.source(one.path)["a:0"] for one in sounds]
    sets = [f"id=0,streams={','.join(str(number) for number in range(len(pictures)))}"]
    sets += [f"id={number + 1},streams={len(pictures) + number}" for number in range(len(sounds))]
    languages: dict[str, str] = {}
    for number, one in enumerate(sounds):
        languages |= media.tags(f":s:a:{number}", language=iso639_2(one.language, bibliographic=False))
    how: dict[str, Any] = {
        "f": "dash",
        "c": "copy",
        "map_metadata": -1,
        "single_file": 1,
        "hls_playlist": 1,
        "use_template": 0,
        "use_timeline": 1,
        "seg_duration": f"{segment_s:g}",
        "dash_segment_type": "mp4",
        "single_file_name": "$RepresentationID$.mp4",
        "adaptation_sets": " ".join(sets),
    }
    manifest = folder / "ffmpeg.mpd"
    media.run_ffmpeg(media.sink(streams, manifest, **how, **languages), duration_ms=duration_ms)
    tree = xml.fromstring(manifest.read_text("utf-8"))
    names = [(path.stem, "") for path in pictures] + [(one.name, one.language) for one in sounds]
    found = [_rendition(tree, number, *names[number], folder) for number in range(len(names))]
    for path in (manifest, folder / "master.m3u8"):
        path.unlink(missing_ok=True)
    return tuple(found), tree


def _rendition(tree: xml.Element, number: int, name: str, language: str, folder: Path) -> Rendition:
    about = next(one.attrib for one in tree.iter(f"{_MPD}Representation") if one.get("id") == str(number))
    head, segments = _segments(folder / f"media_{number}.m3u8")
    if not segments:
        raise ProcessFailedError(f"ffmpeg cut no segment of {name}.")
    kind = about["mimeType"].partition("/")[0]
    if kind == "video":
        name = f"video-{min(int(about['width']), int(about['height']))}"
    (folder / f"{number}.mp4").rename(folder / f"{name}.mp4")
    (folder / f"media_{number}.m3u8").unlink()
    if about["codecs"] in ("hvc1", "hev1"):  # ffmpeg 5.1 says no more; the manifest's own element is mended, too
        with (folder / f"{name}.mp4").open("rb") as file:
            about["codecs"] += _hevc_profile(file.read(head))
    return Rendition(kind, name, language, about["codecs"], dict(about), head, segments)


def _hevc_profile(head: bytes) -> str:
    """What follows ``hvc1`` in the codec's name (ISO/IEC 14496-15, annex E), from the ``hvcC`` box of a head."""
    at = head.find(b"hvcC") + 4
    if at < 4 or len(head) < at + 13:
        return ""
    first, flags, limits, level = head[at + 1], head[at + 2 : at + 6], head[at + 6 : at + 12], head[at + 12]
    space = ("", "A", "B", "C")[first >> 6]
    compatible = int(f"{int.from_bytes(flags, 'big'):032b}"[::-1], 2)
    tier = "H" if first & 0x20 else "L"
    constraints = "".join(f".{byte:X}" for byte in limits.rstrip(b"\0"))
    return f".{space}{first & 0x1F}.{compatible:X}.{tier}{level}{constraints}"


def _segments(playlist: Path) -> tuple[int, tuple[Segment, ...]]:
    """Bytes of the head, and the segments, of a media playlist that ffmpeg wrote."""
    text = playlist.read_text("utf-8")
    head = re.search(r'#EXT-X-MAP:.*BYTERANGE="(\d+)@0"', text)
    found = re.findall(r"#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)", text)
    segments = tuple(Segment(float(seconds), int(offset), int(size)) for seconds, size, offset in found)
    return int(head[1]) if head else 0, segments
