"""A dub as sound alone: M4A and MP3 with chapters and tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.delivery import PodcastPreset
from configs.languages import iso639_2
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import Checks, Packed, looked_at, streams_of
from tasks.deliver.sound import bring, encoded, mix_of
from tasks.keep.staging import scratch
from tasks.package.carried import with_chapters
from tasks.package.package import disclosure
from tasks.records.delivery import DeliveredDub, Named
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset

#: Where a lossy encode may end: its frames are whole.
_WHOLE_FRAMES_S = 0.06
_CODECS = {"m4a": "aac", "mp3": "mp3"}
#: Tags of the source that name people and rights; the rest is of its picture or its file.
_KEPT = ("artist", "album", "album_artist", "composer", "copyright", "date", "genre", "show", "episode_id", "track")


def pack(
    dub: DeliveredDub,
    rules: PodcastPreset,
    preset: LoudnessPreset,
    facts: MediaFacts,
    name: Named,
    title: str,
    folder: Path,
) -> Packed:
    """One language in each form.

    Args:
        dub: the language.
        rules: which forms.
        preset: their loudness.
        facts: of the source: its length, chapters and tags.
        name: title and description in the dub's language.
        title: in file names.
        folder: where files are written.

    Returns:
        Files by name, the rules they keep, and notes for the user.
    """
    mix, checks = mix_of(dub, folder, stereo=True), Checks()
    notes: list[str] = []
    files: dict[str, Path | Asset] = {}
    for form in rules.forms:
        out = folder / f"{title}.{dub.language}.{form}"
        how, kind = _how(form, rules)
        with scratch(out, f".{form}") as bare, scratch(out, ".txt") as marks:
            made = bring(mix, dub, preset, facts.duration_ms, bare, encoded(facts.duration_ms, ac=2, **how, f=kind))
            tags = {"map_metadata:g": -1, "map_metadata:s": -1, **media.tags("", **_tags(facts, name, dub))}
            tags |= media.tags(":s:a:0", language=iso639_2(dub.language, bibliographic=False))
            more = {"id3v2_version": 3} if form == "mp3" else {"movflags": "+faststart"}
            graph = media.sink([media.source(bare)["a:0"]], out, c="copy", f=kind, **more, **tags)
            media.run_ffmpeg(with_chapters(media.arguments(graph), facts.chapters, marks))
        _check(checks, out, form, facts)
        checks.level(made.target, made.level_lufs, made.measured.loudness.true_peak_dbtp, out.name)
        notes += made.notes
        files[out.name] = out
    return files, checks, tuple(dict.fromkeys(notes))


def _how(form: str, rules: PodcastPreset) -> tuple[dict[str, Any], str]:
    if form == "mp3":
        return {"acodec": "libmp3lame", "audio_bitrate": f"{rules.mp3_kbps}k"}, "mp3"
    return {"acodec": "aac", "audio_bitrate": "192k"}, "ipod"


def _tags(facts: MediaFacts, name: Named, dub: DeliveredDub) -> dict[str, str]:
    tags = {key: value for key, value in facts.tags.items() if key in _KEPT and value}
    mark = disclosure(dub.language, synthetic_speech=dub.synthetic, altered_picture=False)
    return {
        **tags,
        "title": name.title,
        "comment": mark,
        **({"description": name.description} if name.description else {}),
    }


def _check(checks: Checks, out: Path, form: str, facts: MediaFacts) -> None:
    found = looked_at(out)
    sounds = streams_of(found, "audio")
    checks.same("tracks", len(sounds), 1, out.name)
    checks.same("codec", sounds[0]["codec_name"], _CODECS[form], out.name)
    checks.same("sample_rate_hz", int(sounds[0]["sample_rate"]), media.SAMPLE_RATE, out.name)
    late = abs(float(found["format"]["duration"]) - facts.duration_ms / 1000)
    checks.true("length_s", late <= _WHOLE_FRAMES_S, out.name, f"{late:.3f} s from the title's length", f"{late:.3f}")
    chapters = [one.get("tags", {}).get("title", "") for one in found["chapters"]]
    checks.same("chapters", chapters, [one.title for one in facts.chapters], out.name)
