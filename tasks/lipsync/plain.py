"""Normalises a title for lip sync: progressive, upright, no hidden frames, and the sound of the dubbed track."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks import media
from tasks.keep.staging import staged
from tasks.lipsync.choose import lipsyncing
from tasks.lipsync.finish import Finishing
from tasks.lipsync.tracker import NoTracker
from tasks.media.encoding import INTERMEDIATE_CRF, encoded, opened
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress
from tasks.records.title import Run

#: Codecs that MOV stores with exact times; others go into Matroska, whose times are whole milliseconds.
_IN_MOV = {"h264", "hevc", "mpeg4", "prores", "mjpeg", "mpeg2video", "dvvideo"}


def takes_as_it_is(run: Run, facts: MediaFacts) -> bool:
    """Whether lip sync works on the title itself, or on nothing."""
    idle = isinstance(lipsyncing(run.profile.lipsync).tracker, NoTracker) and not Finishing.of(run.profile)
    return idle or is_plain(facts)


def is_plain(facts: MediaFacts) -> bool:
    """Whether the title can be used as it is."""
    sounds = [track.index for track in facts.audio]
    sounds += [track.index for track in facts.others if track.kind == "sound"]
    first = min(sounds, default=None)
    return not _to_encode(facts) and facts.dubbed in (None, first)


def make_plain(video: Path, facts: MediaFacts, out: Path, progress: Progress) -> tuple[str, ...]:
    """Write the normalised title.

    Args:
        video: the title.
        facts: as probed.
        out: MOV or Matroska by content, written atomically.
        progress: called with the share done, 0 to 1.

    Returns:
        Notes for the user.
    """
    assert facts.picture is not None
    reading = opened(facts.picture) if _to_encode(facts) else {}
    shown = media.on_clock(video, **reading)[str(facts.picture.index)]
    options: dict[str, Any] = {"c:v:0": "copy"}
    notes: tuple[str, ...] = ()
    if _to_encode(facts):
        shown, options, made = encoded(shown, facts.picture, progressive=True, crf=INTERMEDIATE_CRF)
        options |= {"vsync": "passthrough", "enc_time_base": -1}
        notes = (f"Lip sync needs progressive upright frames: its picture is made from {made}.",)
    streams = [shown]
    if facts.dubbed is not None:
        whole: dict[str, Any] = {"async": 1, "first_pts": 0}
        streams.append(media.on_clock(video)[str(facts.dubbed)].filter("aresample", media.SAMPLE_RATE, **whole))
        options |= {"c:a": "pcm_s16le", "ac": 2}
    in_mov = _to_encode(facts) or facts.picture.codec in _IN_MOV
    with staged(out) as part:
        graph = media.sink(streams, part, f="mov" if in_mov else "matroska", **options)
        media.run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)
    return notes


def _to_encode(facts: MediaFacts) -> bool:
    picture = facts.picture
    return picture is not None and (picture.fields != "progressive" or picture.mirrored or picture.trimmed)
