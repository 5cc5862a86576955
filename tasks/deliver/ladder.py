"""The pictures of a streaming package: as delivered where players take it, and smaller ones with its key frames."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from configs.delivery import Rung, StreamingPreset
from tasks import media
from tasks.keep.staging import staged
from tasks.media import door
from tasks.media.encoding import encoded, h264_options, hdr_options, opened
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.progress import Progress, silent

#: What browsers and players decode from CMAF.
_PLAYED = {"h264", "hevc"}
_CRF = 23
#: Of a picture behind the sound: a frame is not seen.
_LATE_MS = 50
_CLOSED_264, _CLOSED_265 = "scenecut=0:keyint=infinite:open-gop=0", "scenecut=0:keyint=-1:open-gop=0"


def make_ladder(
    film: Path, facts: MediaFacts, rules: StreamingPreset, folder: Path, progress: Progress = silent
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The rungs, the largest first: the film's own file where its picture is copied later on.

    Args:
        film: with the picture.
        facts: of it.
        rules: of the preset.
        folder: where files are written.
        progress: called with the share that is done.

    Returns:
        Files of the rungs, and notes for the user.
    """
    picture = facts.picture
    assert picture is not None
    why = _not_copied(film, picture, rules)
    smaller = [rung for rung in rules.ladder if rung.height < min(picture.width, picture.height)]
    top, notes = film, []
    if why:
        top = folder / "top.mp4"
        said = _encode_top(film, facts, rules, top, lambda share: progress(share / 2))
        notes.append(f"{why}, so that its picture was encoded to {said}.")
    rungs = [top]
    for number, rung in enumerate(smaller):
        rungs.append(folder / f"{rung.height}.mp4")
        done = (number + 1) / (len(smaller) + 1)
        _encode_rung(top, picture, rung, rungs[-1], facts.duration_ms)
        progress(done)
    return tuple(rungs), tuple(notes)


def _not_copied(film: Path, picture: PictureFacts, rules: StreamingPreset) -> str:
    """Why the picture is no rung as it is; empty where it is."""
    if picture.codec not in _PLAYED:
        return f"players take no {picture.codec} in CMAF"
    if picture.rotation or picture.mirrored:
        return "players do not agree on turned pictures"
    if picture.fields != "progressive":
        return "browsers show no fields"
    if picture.codec == "h264" and (picture.bit_depth > 8 or "420" not in picture.pixel_format):
        return "browsers take H.264 of 8 bits and 4:2:0 alone"
    if picture.start_ms > _LATE_MS:
        return f"the picture begins {picture.start_ms} ms after the sound, which segments cannot say"
    keys = key_frames(film)
    apart = max((late - early for early, late in pairwise([*keys, picture.duration_ms / 1000])), default=0.0)
    if apart > rules.longest_segment_s:
        return f"key frames of the title are up to {apart:.0f} s apart"
    return ""


def key_frames(film: Path) -> list[float]:
    """When the key frames of a film are shown, in seconds."""
    asked = ("-select_streams", "v:0", "-show_entries", "packet=pts_time,flags", "-of", "json")
    packets = json.loads(door.answer(film, *asked, deadline_s=3600))["packets"]
    return sorted(float(one["pts_time"]) for one in packets if "K" in one["flags"] and "pts_time" in one)


def _encode_top(film: Path, facts: MediaFacts, rules: StreamingPreset, out: Path, progress: Progress) -> str:
    assert facts.picture is not None
    shown = media.on_clock(film, **opened(facts.picture))["v:0"].filter("setpts", "PTS-STARTPTS")
    if facts.picture.start_ms > _LATE_MS:
        shown = shown.filter("tpad", start_duration=facts.picture.start_ms / 1000, start_mode="clone")
    stream, how, said = encoded(shown, facts.picture, progressive=True)
    every = {"force_key_frames": f"expr:gte(t,n_forced*{rules.segment_s:g})"}
    with staged(out) as part:
        graph = media.sink([stream], part, f="mp4", an=None, **{**how, **every})
        media.run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)
    return said


def _encode_rung(top: Path, picture: PictureFacts, rung: Rung, out: Path, duration_ms: int) -> None:
    """A smaller picture with a key frame wherever the largest has one, and nowhere else."""
    wide = picture.width >= picture.height
    size = {"w": -2, "h": rung.height} if wide else {"w": rung.height, "h": -2}
    shown = media.source(top)["v:0"].filter("scale", **size, flags="bicubic")
    how = hdr_options(picture.colour, _CRF) if picture.colour.hdr else h264_options(_CRF, "fast")
    params, closed = ("x265-params", _CLOSED_265) if picture.colour.hdr else ("x264-params", _CLOSED_264)
    how |= {params: ":".join(filter(None, (how.get(params), closed)))}
    limits = {"maxrate": f"{rung.kbps}k", "bufsize": f"{2 * rung.kbps}k"}
    with staged(out) as part:
        graph = media.sink([shown], part, f="mp4", an=None, force_key_frames="source", **how, **limits)
        media.run_ffmpeg(graph, duration_ms=duration_ms)
