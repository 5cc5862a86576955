"""How media is opened: as the one file that was named, in a real container, and nothing that leads elsewhere.

FFmpeg would as well follow a playlist (HLS, DASH, IMF, ``concat``) to any file of the machine or the network, draw text
as a picture (``tty``), or take a name apart as a protocol. Content decides what a file is, whatever its name says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Demuxers that take everything from the file they are given.
CONTAINERS = (
    "mov,matroska,mpegts,mpeg,avi,asf,flv,live_flv,ogg,mxf,gxf,rm,wtv,dv,nut,gif,apng,yuv4mpegpipe,"
    "m4v,h264,hevc,av1,obu,ivf,vc1,mpegvideo,mjpeg,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,"
    "wav,w64,aiff,caf,au,flac,mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,amr,ape,wv,tta,tak,mpc,mpc8,oma,voc"
)
#: Options of every input, as FFmpeg names them.
RULES = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}


def opened(path: Path) -> Any:
    """An open container for reading.

    Raises:
        av.FFmpegError: missing, no media, or of a kind that is not opened.
    """
    import av

    return av.open(f"file:{path.absolute()}", options=dict(RULES))


def picture_of(container: Any) -> Any | None:
    """The first moving picture of an open container, cover art and thumbnails left out; ``None`` where none is."""
    from av.stream import Disposition

    aside = Disposition.attached_pic | Disposition.timed_thumbnails
    return next((stream for stream in container.streams.video if not stream.disposition & aside), None)
