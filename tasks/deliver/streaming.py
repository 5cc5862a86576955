"""A streaming package: CMAF renditions, HLS and DASH over them, every language and its subtitles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.delivery import StreamingPreset
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import Checks, Packed, looked_at, streams_of
from tasks.deliver.cmaf import Rendition, Sound, cut
from tasks.deliver.dash import manifest
from tasks.deliver.hls import Track, master_playlist, media_playlist, words_playlist
from tasks.deliver.sound import aim, channels_in, mix_of
from tasks.keep.assets import path_of
from tasks.records.delivery import DeliveredDub
from tasks.sound.aac import encode_aac
from tasks.sound.loudness import measure_curve

#: The clock of WebVTT is that of the segments, which begin at 0.
_CLOCK = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0"
#: How much longer sound may last than the picture, or shorter: a frame of AAC and its start.
_LATE_S = 0.1
_CODECS = ("avc1.", "hvc1.", "hev1.", "mp4a.40.2")


def pack(
    rungs: Sequence[Path],
    original: Path | None,
    spoken: str,
    dubs: Sequence[DeliveredDub],
    rules: StreamingPreset,
    preset: LoudnessPreset,
    mixed_to: str,
    duration_ms: int,
    folder: Path,
) -> Packed:
    """One package.

    Args:
        rungs: pictures of its ladder, the largest first.
        original: the title's own sound (WAV); None where it is left out or has none.
        spoken: BCP-47 tag of it.
        dubs: the languages, in order.
        rules: of the preset.
        preset: loudness of the dubs.
        mixed_to: the loudness preset that they have.
        duration_ms: of the title.
        folder: where files are written.

    Returns:
        Files by name, the rules they keep, and notes for the user.
    """
    checks, notes, sounds = Checks(), [], []
    if original is not None:
        sounds.append(Sound(_aac(original, folder), spoken, "audio-original"))
        notes.append("The original sound is as loud as the source has it.")
    for dub in dubs:
        path = path_of(dub.audio)
        if preset.name != mixed_to:
            path = folder / f"{dub.language}.m4a"
            encode_aac(mix_of(dub, folder), path, preset, speech=aim(dub, preset, duration_ms, path).speech or ())
        sounds.append(Sound(path, dub.language, f"audio-{dub.language}"))
        target = aim(dub, preset, duration_ms, folder / "heard")
        curve = measure_curve(path)
        checks.level(target, target.level(curve), curve.loudness.true_peak_dbtp, f"audio-{dub.language}.mp4")
    out = folder / "package"
    out.mkdir()
    renditions, tree = cut(rungs, sounds, rules.segment_s, duration_ms, out)
    pictures, heard = renditions[: len(rungs)], renditions[len(rungs) :]
    first = len(sounds) - len(dubs)
    tracks = [
        Track(
            language=one.language,
            original=number < first,
            synthetic=number >= first and dubs[number - first].synthetic,
            sound=_with_channels(one, sounds[number]),
            words=number >= first and _write_words(dubs[number - first], out),
        )
        for number, one in enumerate(heard)
    ]
    for one in renditions:
        (out / f"{one.name}.m3u8").write_text(media_playlist(one), "utf-8")
    for track in tracks:
        if track.words:
            text = words_playlist(f"words-{track.language}.vtt", pictures[0].seconds)
            (out / f"words-{track.language}.m3u8").write_text(text, "utf-8")
    (out / "master.m3u8").write_text(master_playlist(pictures, tracks), "utf-8")
    (out / "manifest.mpd").write_bytes(manifest(tree, pictures, tracks))
    _check(checks, pictures, tracks, rules, duration_ms, out)
    return {path.name: path for path in sorted(out.iterdir())}, checks, tuple(notes)


def _aac(original: Path, folder: Path) -> Path:
    out = folder / "original.m4a"
    how = {"f": "mp4", "acodec": "aac", "audio_bitrate": "192k", "ar": media.SAMPLE_RATE, "map_metadata": -1}
    media.run_ffmpeg(media.sink(media.source(original).audio, out, **how))
    return out


def _with_channels(rendition: Rendition, sound: Sound) -> Rendition:
    about = {**rendition.about, "channels": str(channels_in(sound.path))}
    return Rendition(**{**vars(rendition), "about": about})


def _write_words(dub: DeliveredDub, out: Path) -> bool:
    """The subtitles of a language on the clock of the segments; whether there are any."""
    text = path_of(dub.vtt).read_text("utf-8-sig")
    if "-->" not in text:
        return False
    head, _, rest = text.partition("\n")
    (out / f"words-{dub.language}.vtt").write_text(f"{head}\n{_CLOCK}\n{rest}", "utf-8")
    return True


def _check(
    checks: Checks,
    pictures: Sequence[Rendition],
    tracks: Sequence[Track],
    rules: StreamingPreset,
    duration_ms: int,
    out: Path,
) -> None:
    times = [[one.seconds for one in picture.segments] for picture in pictures]
    for picture, own in zip(pictures, times, strict=True):
        off = max((abs(a - b) for a, b in zip(own, times[0], strict=False)), default=0.0)
        aligned = len(own) == len(times[0]) and off < 0.002
        checks.true("segment_alignment", aligned, f"{picture.name}.mp4", "its segments are not those of the largest")
        longest = max(own)
        checks.true("longest_segment_s", longest <= rules.longest_segment_s + 0.5, picture.name, f"{longest:.2f} s")
        checks.true(
            "keyframe_at_each_segment",
            _keys(out / f"{picture.name}.mp4") >= len(own),
            f"{picture.name}.mp4",
            "a segment begins without a key frame",
        )
    late = abs(pictures[0].seconds - duration_ms / 1000)
    checks.true("length_s", late <= 0.5, "picture", f"{late:.3f} s from the title's length", f"{late:.3f} s off")
    for track in tracks:
        late = abs(track.sound.seconds - pictures[0].seconds)
        checks.true("sound_length_s", late <= _LATE_S, f"{track.sound.name}.mp4", f"{late:.3f} s from the picture's")
    for one in (*pictures, *(track.sound for track in tracks)):
        checks.true("codec", one.codec.startswith(_CODECS), f"{one.name}.mp4", one.codec, one.codec)
        last = one.segments[-1]
        size = (out / f"{one.name}.mp4").stat().st_size
        checks.same("byte_ranges", last.offset + last.bytes, size, f"{one.name}.mp4")
    languages = [track.language for track in tracks]
    checks.same("languages", len(set(languages)), len(languages), "master.m3u8")


def _keys(path: Path) -> int:
    from tasks.deliver.ladder import key_frames

    assert streams_of(looked_at(path), "video")
    return len(key_frames(path))
