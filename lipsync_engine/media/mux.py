"""Join a picture with a dub, and copy a picture that nothing was changed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from lipsync_engine.media import video
from lipsync_engine.media.opening import opened
from lipsync_engine.media.staging import staged

#: Codecs that players expect in an MP4.
_COPYABLE = {"h264", "hevc", "av1", "vp9", "mpeg4"}


def copy_picture(source: Path, out: Path, facts: video.VideoFacts) -> bool:
    """The source picture alone as MP4: packets as they are where MP4 can hold them, else encoded again.

    Args:
        source: the title.
        out: MP4.
        facts: of the title's picture.

    Returns:
        Whether the packets were copied.
    """
    container, stream = video.open_picture(source)
    with container:
        codec = stream.codec_context.name
    if codec in _COPYABLE and not facts.rotation:
        _assemble(source, None, out)
        return True
    with video.Writer(out, facts) as writer:
        for frame in video.read(source, facts):
            writer.write_frame(frame)
    return False


def add_sound(picture: Path, audio: Path, out: Path, *, bitrate: int = 192_000, seconds: float | None = None) -> None:
    """Picture packets as they are, sound as AAC, on the clock of what is rendered. ``out`` appears when whole.

    Args:
        picture: as rendered, frames at the times of the source: a picture that starts late does so with its sound.
        audio: its sound is encoded.
        out: MP4.
        bitrate: of the sound, bits a second.
        seconds: of the sound at most; ``None`` for all.
    """
    _assemble(picture, audio, out, bitrate, seconds)


def _assemble(
    picture: Path, audio: Path | None, out: Path, bitrate: int = 192_000, seconds: float | None = None
) -> None:

    import av

    with staged(out) as part:
        source, stream = video.open_picture(picture)
        with source, av.open(str(part), "w", format="mp4") as target:
            copied = target.add_stream_from_template(stream)
            starts = 0 if audio else source.start_time or 0  # what is rendered has its times already
            origin = round(Fraction(starts, 1_000_000) / (stream.time_base or 1))
            sound = _encoder(target, audio, bitrate) if audio else None
            step = max(1, round(1 / ((stream.average_rate or 25) * stream.time_base)))
            for packet in _due(source.demux(stream), step):
                packet.pts = None if packet.pts is None else packet.pts - origin
                packet.dts -= origin
                packet.stream = copied
                target.mux(packet)
            if sound is not None and audio is not None:
                _encode_sound(audio, target, sound, seconds)


def _due(packets: Iterable[Any], step: int) -> Iterator[Any]:
    """Packets with their times of decoding, which Matroska leaves out of the first ones where frames are reordered."""
    waiting: list[Any] = []
    for packet in packets:
        if packet.size and packet.dts is None:
            waiting.append(packet)
        elif packet.size:
            for back, early in enumerate(reversed(waiting), start=1):
                early.dts = packet.dts - back * step
            yield from (*waiting, packet)
            waiting.clear()
    for packet in waiting:
        packet.dts = packet.pts
        yield packet


def _encoder(target: Any, audio: Path, bitrate: int) -> Any:

    with opened(audio) as container:
        first = container.streams.audio[0]
        rate = first.rate if first.rate in (44100, 48000) else 48000
        layout = "mono" if first.channels == 1 else "stereo"
    stream = target.add_stream("aac", rate=rate, layout=layout)
    stream.bit_rate = bitrate
    return stream


def _encode_sound(audio: Path, target: Any, stream: Any, seconds: float | None) -> None:

    import av

    codec = stream.codec_context
    resampler = av.AudioResampler(format="fltp", layout=codec.layout, rate=codec.sample_rate, frame_size=1024)
    with opened(audio) as container:
        for frame in container.decode(container.streams.audio[0]):
            if seconds is not None and frame.time is not None and frame.time >= seconds:
                break
            frame.pts = None
            for block in resampler.resample(frame):
                target.mux(stream.encode(block))
        for block in resampler.resample(None):
            target.mux(stream.encode(block))
    target.mux(stream.encode(None))
