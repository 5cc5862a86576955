"""A broadcaster's file: MOV or MXF with 24-bit PCM at its loudness, timecode kept, stems beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from configs.delivery import BroadcastPreset
from configs.languages import iso639_2
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import Checks, Packed, looked_at, streams_of
from tasks.deliver.sound import Brought, bring, channels_in, mix_of, pcm
from tasks.keep.assets import path_of
from tasks.keep.staging import scratch, staged
from tasks.media.encoding import opened
from tasks.package.package import copied_picture, disclosure, stream_hash
from tasks.package.stored import stored_picture
from tasks.records.delivery import DeliveredDub
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.progress import Progress, silent
from tasks.sound.limiter import write_gained
from tasks.sound.loudness import measured

#: Codecs of pictures that MOV and the programs of broadcasters hold as they are.
_IN_MOV = {"h264", "hevc", "prores", "dnxhd", "mpeg2video", "dvvideo"}
_PRORES = {"c:v:0": "prores_ks", "profile:v": 3, "vendor": "apl0", "pix_fmt": "yuv422p10le", "threads": 4}
#: XDCAM HD422: MPEG-2 4:2:2 long GOP at a constant 50 Mbit/s.
_XDCAM: dict[str, Any] = {
    "c:v:0": "mpeg2video",
    "pix_fmt": "yuv422p",
    "g": 12,
    "bf": 2,
    "qmin": 1,
    "qmax": 12,
    "dc": 10,
    "threads": 1,
    "b:v": "50M",
    "minrate": "50M",
    "maxrate": "50M",
    "bufsize": 36408333,
    "rc_init_occupancy": 36408333,
    "intra_vlc": 1,
    "non_linear_quant": 1,
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "colorspace": "bt709",
}
_XDCAM_SIZE = (1920, 1080)
_CODECS = {"prores": "prores", "xdcam": "mpeg2video"}


def is_copied(rules: BroadcastPreset, picture: PictureFacts) -> bool:
    """Whether the picture goes into the file as it is.

    Args:
        rules: of the preset.
        picture: of the film.
    """
    return rules.picture == "copy" and picture.codec in _IN_MOV


def encode_picture(
    film: Path, facts: MediaFacts, rules: BroadcastPreset, out: Path, progress: Progress = silent
) -> tuple[str, ...]:
    """The picture as the preset asks for it, its leader before it; without sound.

    Args:
        film: the title, or its lip-synced master.
        facts: of it.
        rules: of the preset.
        out: MOV or MXF, written whole or not at all.
        progress: called with the share that is done.

    Returns:
        Notes for the user.
    """
    picture = facts.picture
    assert picture is not None
    form = rules.picture if rules.picture != "copy" else rules.else_picture
    rate = _rate(picture)
    stored = stored_picture(film)
    start = f"PTS-STARTPTS+{picture.start_ms / 1000:.3f}/TB"
    shown = media.on_clock(film, **opened(picture))[str(stored.index)].filter("setpts", start)
    shown = shown.filter("fps", fps=str(rate), start_time=0)
    fields = picture.fields != "progressive"
    how = dict(_PRORES)
    if form == "xdcam":
        wide, high = _XDCAM_SIZE
        shown = shown.filter("scale", wide, high, force_original_aspect_ratio="decrease", interl=int(fields))
        shown = shown.filter("pad", wide, high, "(ow-iw)/2", "(oh-ih)/2").filter("setsar", 1)
        how = {**_XDCAM, "gop_timecode": first_timecode(facts.timecode, rules)}
    if fields:
        shown = shown.filter("setfield", picture.fields)
        how |= {"flags:v": "+ilme+ildct+bitexact", "top": int(picture.fields == "tff")}
    if rules.leader_s:
        shown = shown.filter("tpad", start_duration=rules.leader_s, color="black")
    with staged(out) as part:
        graph = media.sink([shown], part, f=rules.container, an=None, **how)
        media.run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)
    made = {"prores": "ProRes 422 HQ", "xdcam": "XDCAM HD422, 1920x1080, 50 Mbit/s"}[str(form)]
    notes = [f"The picture was encoded to {made}."] if rules.picture == "copy" else []
    if picture.variable_rate:
        notes.append(f"The picture's variable rate became {_shown(rate)} frames/s.")
    if picture.colour.hdr and form == "xdcam":
        notes.append("The picture is HDR, which XDCAM HD422 cannot say: its brightness was not mapped.")
    return tuple(notes)


def pack(
    dub: DeliveredDub,
    rules: BroadcastPreset,
    preset: LoudnessPreset,
    film: Path,
    facts: MediaFacts,
    encoded: Path | None,
    title: str,
    folder: Path,
    *,
    duration_ms: int,
    timecode: str,
    altered: bool,
) -> Packed:
    """One language's file and its stems.

    Args:
        dub: the language.
        rules: of the preset.
        preset: its loudness.
        film: whose picture is copied.
        facts: of it.
        encoded: its picture as the preset asks for it; None where it is copied.
        title: in file names.
        folder: where files are written.
        duration_ms: of the title.
        timecode: of the source's first frame; empty where it has none.
        altered: whether mouths of its picture were changed.

    Returns:
        Files by name, the rules they keep, and notes for the user.
    """
    assert facts.picture is not None
    name = f"{title}.{dub.language}"
    mix = mix_of(dub, folder)
    channels, out = channels_in(mix), folder / f"{name}.{rules.container}"
    began = first_timecode(timecode, rules)
    with scratch(out) as sound:
        made = bring(mix, dub, preset, duration_ms, sound, pcm(duration_ms, channels))
        if encoded is None:
            shown, how, notes = copied_picture(film, stored_picture(film, trimmed=facts.picture.trimmed), facts)
            if facts.picture.codec == "hevc":
                how = {**how, "tag:v": "hvc1"}
        else:
            shown, how, notes = media.source(encoded)["v:0"], {"c:v:0": "copy"}, ()
        tracks = _tracks(sound, channels, rules)
        mark = disclosure(dub.language, synthetic_speech=dub.synthetic, altered_picture=altered)
        tags = {"map_metadata": -1, **media.tags("", timecode=began, comment=mark)}
        language = iso639_2(dub.language, bibliographic=False)
        for number in range(len(tracks)):
            tags |= media.tags(f":s:a:{number}", language=language)
        graph = media.sink([shown, *tracks], out, f=rules.container, acodec="pcm_s24le", **how, **tags)
        media.run_ffmpeg(graph, duration_ms=duration_ms)
    stems = _stems(dub, made, duration_ms, name, folder) if rules.stems else {}
    checks = _checked(stems, out, rules, made, facts, channels, began)
    if rules.container == "mov":  # MXF has no place for it that ffmpeg writes
        track = streams_of(looked_at(out), "audio")[0]
        checks.same("language", track.get("tags", {}).get("language"), language, out.name)
    if encoded is None:
        _untouched(checks, film, out)
    return {out.name: out, **stems}, checks, (*notes, *made.notes)


def first_timecode(timecode: str, rules: BroadcastPreset) -> str:
    """Of the first frame of the file, its leader's where it has one.

    Args:
        timecode: of the source's first frame; empty where it has none.
        rules: of the preset.
    """
    return _earlier(timecode or rules.timecode, rules.leader_s)


def _tracks(sound: Path, channels: int, rules: BroadcastPreset) -> list[Any]:
    """The sound of the file: one track, or a mono track a channel in MXF; silence under the leader."""
    whole = media.source(sound).audio
    if rules.leader_s:
        whole = whole.filter("adelay", delays=rules.leader_s * 1000, all=1)
    if rules.container == "mov":
        return [whole]
    split = whole.filter_multi_output("asplit", channels)
    return [split[number].filter("channelmap", map=str(number), channel_layout="mono") for number in range(channels)]


def _stems(dub: DeliveredDub, made: Brought, duration_ms: int, name: str, folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for role, stem in dub.stems.items():
        out = folder / f"{name}.{role}.wav"
        with scratch(out) as gained:
            write_gained(path_of(stem), gained, made.gain_db, None)
            pcm(duration_ms, channels_in(gained))(gained, out)
        files[f"stems/{out.name}"] = out
    return files


def _checked(
    stems: dict[str, Path],
    out: Path,
    rules: BroadcastPreset,
    made: Brought,
    facts: MediaFacts,
    channels: int,
    timecode: str,
) -> Checks:
    checks, found = Checks(), looked_at(out)
    sounds = streams_of(found, "audio")
    checks.same("audio_tracks", len(sounds), 1 if rules.container == "mov" else channels, out.name)
    for track in sounds:
        checks.same("codec", track["codec_name"], "pcm_s24le", out.name)
        checks.same("sample_rate_hz", int(track["sample_rate"]), media.SAMPLE_RATE, out.name)
    picture = streams_of(found, "video")[0]
    assert facts.picture is not None
    wanted = _CODECS.get(rules.picture) or (
        facts.picture.codec if is_copied(rules, facts.picture) else _CODECS[str(rules.else_picture)]
    )
    checks.same("picture_codec", picture["codec_name"], wanted, out.name)
    checks.same("timecode", _timecode(found), timecode, out.name)
    late = abs(float(found["format"]["duration"]) - facts.duration_ms / 1000 - rules.leader_s)
    frame = float(1 / _rate(facts.picture)) + 0.001
    checks.true("length_s", late <= frame, out.name, f"{late:.3f} s from the title's", f"{late:.3f} s off")
    for place, path in stems.items():
        stem = streams_of(looked_at(path), "audio")[0]
        checks.same("stem_codec", (stem["codec_name"], stem["sample_rate"]), ("pcm_s24le", "48000"), place)
    heard = _heard(out, len(sounds))
    level = made.level_lufs if made.target.speech is not None else heard.integrated_lufs
    checks.level(made.target, level, heard.true_peak_dbtp, out.name)
    checks.range_lu(heard.range_lu, (0.0, 20.0), facts.duration_ms, out.name)
    return checks


def _heard(out: Path, tracks: int) -> Any:
    """Loudness of the file's sound, its mono tracks taken together."""
    file = media.source(out)
    layout = {2: "stereo", 6: "5.1"}.get(tracks)
    if layout is None:
        return measured(file["a:0"]).loudness
    joined = ffmpeg.filter(
        [file[f"a:{number}"] for number in range(tracks)], "join", inputs=tracks, channel_layout=layout
    )
    return measured(joined).loudness


def _untouched(checks: Checks, film: Path, out: Path) -> None:
    """Whether the picture's packets are those of the film; containers that store them otherwise cannot be compared."""
    ours, theirs = stream_hash(out), stream_hash(film, "v:0")
    if ours == theirs:
        checks.true("picture_untouched", True, out.name, "", f"sha256 {ours[:16]}")


def _timecode(found: dict[str, Any]) -> str:
    every = [found["format"], *found["streams"]]
    return next((tags["timecode"] for one in every if (tags := one.get("tags", {})) and "timecode" in tags), "")


def _rate(picture: PictureFacts) -> Fraction:
    return picture.nominal_rate if picture.variable_rate else picture.frame_rate


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _earlier(timecode: str, seconds: int) -> str:
    """A timecode so many seconds before another."""
    hours, minutes, rest = int(timecode[:2]), int(timecode[3:5]), timecode[8:]
    whole = (hours * 3600 + minutes * 60 + int(timecode[6:8]) - seconds) % 86_400
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{rest}"
