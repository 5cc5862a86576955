"""A DASH manifest (ISO/IEC 23009-1) over the same renditions: ffmpeg's, with what it does not write."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from collections.abc import Sequence

from tasks.deliver.cmaf import Rendition
from tasks.deliver.hls import Track, name_of

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_ROLE = "urn:mpeg:dash:role:2011"
_TIMESCALE = 1_000_000


def manifest(tree: xml.Element, pictures: Sequence[Rendition], tracks: Sequence[Track]) -> bytes:
    """The manifest as UTF-8: exact times of segments, BCP-47 tags, roles, names, and subtitles.

    Args:
        tree: as ffmpeg wrote it for these renditions in this order; changed.
        pictures: the rungs.
        tracks: the languages.
    """
    xml.register_namespace("", _NAMESPACE)
    xml.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")
    tree.set("profiles", "urn:mpeg:dash:profile:isoff-main:2011")
    period = tree.find(_name("Period"))
    assert period is not None
    for extra in ("ProgramInformation", "ServiceDescription"):
        for parent in (tree, period):
            for one in parent.findall(_name(extra)):
                parent.remove(one)
    renditions = [*pictures, *(track.sound for track in tracks)]
    for one in tree.iter(_name("Representation")):
        _exact(one, renditions[int(one.attrib["id"])])
    sets = period.findall(_name("AdaptationSet"))
    sets[0].attrib.pop("lang", None)
    for track, adaptation in zip(tracks, sets[1:], strict=True):
        adaptation.set("lang", track.language)
        _described(adaptation, track, "main" if track.original else "dub")
    for number, track in enumerate((one for one in tracks if one.words), start=len(sets)):
        adaptation = xml.SubElement(
            period,
            _name("AdaptationSet"),
            {"id": str(number), "contentType": "text", "mimeType": "text/vtt", "lang": track.language},
        )
        _described(adaptation, track, "subtitle")
        file = xml.SubElement(
            adaptation, _name("Representation"), {"id": f"words-{track.language}", "bandwidth": "256"}
        )
        xml.SubElement(file, _name("BaseURL")).text = f"words-{track.language}.vtt"
    xml.indent(tree)
    text: bytes = xml.tostring(tree, "utf-8", xml_declaration=True)
    return text + b"\n"


def _exact(representation: xml.Element, rendition: Rendition) -> None:
    base = representation.find(_name("BaseURL"))
    listed = representation.find(_name("SegmentList"))
    assert base is not None
    assert listed is not None
    base.text = f"{rendition.name}.mp4"
    representation.set("bandwidth", str(rendition.peak_bps))
    for attribute in ("duration", "startNumber"):
        listed.attrib.pop(attribute, None)
    listed.set("timescale", str(_TIMESCALE))
    times = xml.Element(_name("SegmentTimeline"))
    for number, one in enumerate(rendition.segments):
        length = round(one.seconds * _TIMESCALE)
        xml.SubElement(times, _name("S"), {**({} if number else {"t": "0"}), "d": str(length)})
    listed.insert(1, times)


def _described(adaptation: xml.Element, track: Track, role: str) -> None:
    """Role and label, in the order of the schema: before what the set holds."""
    adaptation.insert(0, xml.Element(_name("Role"), {"schemeIdUri": _ROLE, "value": role}))
    label = xml.Element(_name("Label"))
    label.text = name_of(track)
    adaptation.insert(1, label)


def _name(local: str) -> str:
    return f"{{{_NAMESPACE}}}{local}"
