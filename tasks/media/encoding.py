"""Re-encoding of a picture that cannot be copied: the same look, in a format that players support."""

from __future__ import annotations

from typing import Any

from tasks import media
from tasks.records.facts import Colour, PictureFacts

#: Visually lossless; this encode happens only where a copy is impossible.
CRF = 16
#: Far below what is seen, for a picture that is encoded once more.
INTERMEDIATE_CRF = 8
_EVEN = {"width": "ceil(iw/2)*2", "height": "ceil(ih/2)*2"}
_HEVC: dict[str, Any] = {"c:v:0": "libx265", "preset": "fast", "pix_fmt": "yuv420p10le", "tag:v:0": "hvc1"}
#: Fixed, because the number of threads changes x265's output.
_X265_THREADS = "pools=4:frame-threads=2"
#: OpenCV's number of the instruction set (cvdef.h).
_AVX_512 = 13
_RGB = ("rgb", "bgr", "gbr", "0rgb", "0bgr", "argb", "abgr", "pal8")


def encoded(
    stream: Any, picture: PictureFacts, *, progressive: bool = False, crf: int = CRF
) -> tuple[Any, dict[str, Any], str]:
    """The video stream for the encoder, the encoder's options, and a description of the result.

    PQ and HLG are kept, in 10-bit HEVC with their HDR metadata; everything else becomes 8-bit H.264. Fields stay
    fields, unless ``progressive`` is set or the picture is rotated: then each field becomes a frame (bwdif), so that
    motion stays as smooth. ffmpeg's own rotation would put fields across rows, so interlaced pictures are rotated
    here.

    Args:
        stream: decoded frames, as ffmpeg-python names them, of an input opened with `opened`.
        picture: its facts, as probed.
        progressive: deinterlace.
        crf: quality, lower is better.
    """
    fields = picture.fields != "progressive"
    turned = _turned_fields(picture)
    split = fields and (progressive or picture.colour.hdr or turned)
    said = []
    if fields:
        stream = stream.filter("setfield", mode=picture.fields)
    if split:
        stream = stream.filter("bwdif", mode="send_field", parity=picture.fields, deint="all")
        said.append("deinterlaced, one frame for each field (bwdif)")
    for name, how in _upright(picture) if turned else ():
        stream = stream.filter(name, **how)
    stream = stream.filter("scale", **_conversion(picture, interlaced=fields and not split)).filter("pad", **_EVEN)
    if picture.colour.hdr:
        return (
            stream,
            hdr_options(picture.colour, crf),
            ", ".join(["HEVC (Main 10)", *said, *_kept(picture), *lost(picture)]),
        )
    options = {**h264_options(crf), **_rgb_tags(picture)}
    if fields and not split:
        options |= {"flags:v": "+ilme+ildct+bitexact", "x264-params": ":".join((f"{picture.fields}=1", *_same_bytes()))}
        said.append(f"interlaced as it was ({_FIRST[picture.fields]} field first)")
    return stream, options, ", ".join([f"H.264 (CRF {crf})", *said, *lost(picture)])


def opened(picture: PictureFacts) -> dict[str, Any]:
    """Options of the input for `encoded`."""
    return {"noautorotate": None} if _turned_fields(picture) else {}


def _turned_fields(picture: PictureFacts) -> bool:
    return picture.fields != "progressive" and bool(picture.rotation or picture.mirrored)


def _upright(picture: PictureFacts) -> list[tuple[str, dict[str, Any]]]:
    turns: dict[int, list[tuple[str, dict[str, Any]]]] = {
        90: [("transpose", {"dir": "clock"})],
        180: [("hflip", {}), ("vflip", {})],
        270: [("transpose", {"dir": "cclock"})],
    }
    return [*turns.get(picture.rotation, []), *([("hflip", {})] if picture.mirrored else [])]


_FIRST = {"tff": "top", "bff": "bottom"}


def _conversion(picture: PictureFacts, *, interlaced: bool) -> dict[str, Any]:
    """Options of the conversion to 4:2:0: fields separately, RGB by BT.709, limited range."""
    how: dict[str, Any] = {"interl": 1 if interlaced else 0, "flags": "bicubic+accurate_rnd+full_chroma_int"}
    if picture.pixel_format.startswith(_RGB):
        how |= {"out_color_matrix": "bt709"}
    return {**how, "out_range": "tv"}


def _rgb_tags(picture: PictureFacts) -> dict[str, str]:
    tags = {"color_range": "tv"}
    if picture.pixel_format.startswith(_RGB):
        tags |= {"colorspace": "bt709"}
    return tags


def h264_options(crf: int = CRF, preset: str = "medium") -> dict[str, Any]:
    """The encoder's options of every other picture: eight bits of H.264."""
    encoder = {"c:v:0": "libx264", "preset": preset, "pix_fmt": "yuv420p"}
    same = {"x264-params": ":".join(_same_bytes())} if _same_bytes() else {}
    return {**encoder, "crf": crf, "threads": media.ENCODER_THREADS, **same}


def _same_bytes() -> tuple[str, ...]:
    """What x264 needs to make the same bytes of the same picture: its AVX-512 code does not always; AVX2 is as fast."""
    import cv2

    return ("asm=AVX2",) if cv2.checkHardwareSupport(_AVX_512) else ()


def intermediate_options() -> dict[str, Any]:
    """The same for a picture that is encoded once more: hardly compressed, and fast."""
    return h264_options(INTERMEDIATE_CRF, "veryfast")


def hdr_options(colour: Colour, crf: int = CRF) -> dict[str, Any]:
    """The encoder's options for PQ or HLG in 10-bit HEVC, with HDR10 metadata."""
    params = ["log-level=error", _X265_THREADS, "repeat-headers=1"]
    if colour.mastering:
        params.append(f"master-display={colour.mastering}")
    if colour.light:
        params.append(f"max-cll={colour.light}")
    if colour.transfer == "smpte2084":
        params.append("hdr10=1")
    return {**_HEVC, "crf": crf, "x265-params": ":".join(params), "color_range": "tv", **colour_tags(colour)}


def colour_tags(colour: Colour) -> dict[str, str]:
    """The encoder's options for the same colour tags, as far as they are known."""
    tags = {"color_primaries": colour.primaries, "color_trc": colour.transfer, "colorspace": colour.matrix}
    return {name: value for name, value in tags.items() if value}


def _kept(picture: PictureFacts) -> list[str]:
    curve = "PQ" if picture.colour.transfer == "smpte2084" else "HLG"
    figures = " with its mastering display" if picture.colour.mastering else ""
    return [f"{curve}{figures} kept"]


def lost(picture: PictureFacts) -> list[str]:
    """What `encoded` reduces or drops: bit depth, chroma, transparency, Dolby Vision."""
    bits, less = 10 if picture.colour.hdr else 8, []
    chroma = next((name for name in ("444", "422") if name in picture.pixel_format), "")
    if picture.pixel_format.startswith(_RGB):
        chroma = "RGB"
    if picture.bit_depth > bits or chroma:
        was = f"{picture.bit_depth} bit {_CHROMA.get(chroma, chroma or '4:2:0')}"
        less.append(f"{bits} bit 4:2:0 (it was {was})")
    if picture.alpha:
        less.append("without its transparency")
    if picture.dolby_vision:
        less.append("without Dolby Vision")
    return less


_CHROMA = {"444": "4:4:4", "422": "4:2:2"}
