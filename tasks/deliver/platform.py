"""A video platform's multi-audio upload: one lossless file of sound a language, subtitles, names in every language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from configs.delivery import PlatformPreset
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import Checks, Packed
from tasks.deliver.sound import FLAC, bring, encoded, mix_of
from tasks.package.package import disclosure
from tasks.records.delivery import DeliveredDub, Named

#: What the platform refuses in titles and descriptions.
_REFUSED = str.maketrans({"<": "‹", ">": "›"})


def pack_language(dub: DeliveredDub, preset: LoudnessPreset, duration_ms: int, title: str, folder: Path) -> Packed:
    """The sound of a language, as long as the picture to the sample, and its subtitles.

    Args:
        dub: the language.
        preset: its loudness.
        duration_ms: of the picture.
        title: in file names.
        folder: where files are written.

    Returns:
        Files by name, the rules they keep, and notes for the user.
    """
    sound, words = f"{title}.{dub.language}.flac", f"{title}.{dub.language}.srt"
    mark = media.tags("", comment=disclosure(dub.language, synthetic_speech=dub.synthetic, altered_picture=False))
    form = encoded(duration_ms, **FLAC, **mark)
    made = bring(mix_of(dub, folder), dub, preset, duration_ms, folder / sound, form)
    checks = Checks()
    found = soundfile.info(str(folder / sound))
    checks.same("length_samples", found.frames, media.samples(duration_ms), sound)
    checks.same("sample_rate_hz", found.samplerate, media.SAMPLE_RATE, sound)
    checks.same("bit_depth", found.subtype, "PCM_24", sound)
    checks.level(made.target, made.level_lufs, made.measured.loudness.true_peak_dbtp, sound)
    return {sound: folder / sound, words: dub.srt}, checks, made.notes


def pack_names(names: Sequence[Named], source: Named, rules: PlatformPreset, folder: Path) -> Packed:
    """Title and description in every language, as the platform's API takes ``localizations``.

    Args:
        names: in each language of a dub.
        source: in the language of the title.
        rules: how long they may be.
        folder: where the file is written.

    Returns:
        As `pack_language`.
    """
    notes: list[str] = []
    table = {one.language: _fitted(one, rules, notes) for one in names}
    content: dict[str, Any] = {"snippet": {"defaultLanguage": source.language, **_fitted(source, rules, notes)}}
    content["localizations"] = table
    out = folder / "localizations.json"
    out.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    checks = Checks()
    for language, one in table.items():
        checks.true("title_length", 0 < len(one["title"]) <= rules.longest_title, out.name, one["title"], language)
    return {out.name: out}, checks, tuple(notes)


def _fitted(name: Named, rules: PlatformPreset, notes: list[str]) -> dict[str, str]:
    title = name.title.translate(_REFUSED)
    description = name.description.translate(_REFUSED)
    short = title[: rules.longest_title]
    brief = description.encode()[: rules.longest_description].decode(errors="ignore")
    cut = [what for what, is_cut in (("title", short != title), ("description", brief != description)) if is_cut]
    if cut:
        notes.append(f"{name.language}: the {' and the '.join(cut)} was cut to what the platform takes.")
    return {"title": short, "description": brief}
