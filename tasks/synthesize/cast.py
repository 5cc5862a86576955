"""Matches a title's speakers with those of its series, and gives them the same voices.

`cast_title` runs once per title, before its languages: it recognises speakers by name or by voice, and adds new ones.
`cast_of` is read by language branches: it changes nothing, so that equal files give equal results.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.keep.assets import path_of
from tasks.keep.digests import file_sha256
from tasks.keep.store import step_key, store_at
from tasks.records.errors import PolydubError
from tasks.records.record import Asset
from tasks.records.script import Script, Speaker
from tasks.records.title import Branch, Run
from tasks.synthesize import Matching, Synthesizer, speaking
from tasks.synthesize.references import Clips, reference_clips
from tasks.synthesize.series import (
    ALL,
    Series,
    SeriesSpeaker,
    clip_of,
    keep_clip,
    locked_series,
    read_series,
    write_series,
)

_NOTE = "cast"
_PADDING = 24  # further voices that are considered to find one unused in the series


@dataclass(frozen=True)
class Cast:
    """The series' voices for one language of one title.

    Attributes:
        voices: speaker id to voice, if one is stored.
        clips: speaker id to voice sample, if one is stored.
        notes: which speakers were recognised, and how.
    """

    voices: Mapping[str, str] = field(default_factory=dict)
    clips: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The part that affects the sound of lines; clips by content."""
        return {"voices": dict(self.voices), "clips": {who: file_sha256(clip)[0] for who, clip in self.clips.items()}}


def cast_of(branch: Branch, source: Script) -> Cast:
    """The cast of a title's language, as far as it is stored; empty without a series file.

    Raises:
        BadInputError: the file is not valid, or a clip that it names does not exist.
    """
    if branch.profile.voices is None:
        return Cast()
    path = Path(branch.profile.voices).absolute()
    known = store_at(branch.store).read_note(_NOTE, _key(branch, source, path)) or {}
    series, backend = read_series(path), speaking(branch.profile.synthesize, branch.language).backend.facts.name
    voices: dict[str, str] = {}
    clips: dict[str, Path] = {}
    for speaker, name in (known.get("names") or {}).items():
        entry = series.speakers.get(name)
        if entry is None:
            continue
        if voice := entry.voice(backend, branch.language):
            voices[speaker] = voice
        elif entry.clip:
            clips[speaker] = clip_of(path, name, entry)
    return Cast(voices, clips, tuple(known.get("notes") or ()))


def cast_title(run: Run, source: Script, speech: Asset, dialogue: Asset, bed: Asset | None = None) -> None:
    """Recognise the speakers, add new ones, and fix each speaker's voice in every language of the title.

    A language without a voice is skipped here; its branch reports that.

    Args:
        run: with a series file in its profile; otherwise nothing happens.
        source: the source script with speakers.
        speech: 16 kHz mono dialogue, for voiceprints.
        dialogue: the dialogue stem, for voice samples.
        bed: the separated bed.
    """
    if run.profile.voices is None:
        return
    path = Path(run.profile.voices).absolute()
    settings = run.profile.synthesize
    backend = speaking(settings, None).backend
    prints = {} if run.profile.fake else _voiceprints(path_of(speech), source)
    with locked_series(path), tempfile.TemporaryDirectory(prefix="polydub-cast-") as folder:
        before = read_series(path)
        series, names, notes = recognised(before, source, prints)
        clips: Clips | None = None
        if backend.facts.clones:
            samples = reference_clips(path_of(dialogue), source, Path(folder), path_of(bed) if bed else None).paths
            for speaker, name in names.items():
                entry = series.speakers[name]
                if not entry.clip and speaker in samples:
                    entry = entry.model_copy(update={"clip": keep_clip(path, name, samples[speaker])})
                    series = series.with_speaker(name, entry)
            if backend.facts.services:
                series = _enrolled(series, names, backend, path, run.title.languages[0])
        else:
            for language in run.title.languages:
                if language in run.title.dubs:
                    continue
                speaks = speaking(settings, language).backend
                if isinstance(speaks, Matching):
                    clips = clips or reference_clips(
                        path_of(dialogue), source, Path(folder), path_of(bed) if bed else None
                    )
                    series = _matched(series, names, speaks, language, clips.paths)
                else:
                    series = _voiced(series, names, speaks, language)
        if series != before:
            write_series(path, series)
    store_at(run.store).write_note(_NOTE, _key(run, source, path), {"names": names, "notes": notes})


def recognised(series: Series, source: Script, prints: Mapping[str, str]) -> tuple[Series, dict[str, str], list[str]]:
    """The series with this title's speakers added, their names by speaker id, and notes.

    Speakers named by subtitles are recognised by name, the others by voice; speakers without a name and with less than
    two seconds of speech are not stored.

    Args:
        series: the series before.
        source: the script with speakers.
        prints: speaker id to voiceprint.
    """
    from tasks.sound.voiceprints import same_voices

    lines = {line.speaker: line for line in source.lines}
    by_name = {who: found for who, line in lines.items() if line.named and (found := series.name_of(who))}
    unnamed = {who: prints[who] for who, line in lines.items() if not line.named and who in prints}
    taken = set(by_name.values())
    free = {name: one.voiceprint for name, one in series.speakers.items() if one.voiceprint and name not in taken}
    by_voice = same_voices(unnamed, free)
    names: dict[str, str] = {}
    notes: list[str] = []
    for speaker in source.speakers:
        who = speaker.id
        if who not in lines:
            continue
        if who in by_name:
            names[who] = by_name[who]
        elif who in by_voice:
            names[who], apart = by_voice[who]
            notes.append(f"Series: {who} was recognised as {names[who]} by voice (distance {apart}).")
        elif lines[who].named or who in prints:
            names[who] = who if lines[who].named else series.free_name()
            notes.append(f"Series: {who} is new and was added as {names[who]}.")
            series = series.with_speaker(names[who], SeriesSpeaker(pitch_hz=speaker.pitch_hz))
        else:
            notes.append(f"Series: {who} speaks too little to be recognised and was not added.")
            continue
        entry = series.speakers[names[who]]
        if not entry.voiceprint and who in prints:
            series = series.with_speaker(names[who], entry.model_copy(update={"voiceprint": prints[who]}))
    return series, names, notes


def _enrolled(series: Series, names: Mapping[str, str], backend: Synthesizer, path: Path, language: str) -> Series:
    """The series with the voices that a service cloned from these speakers' clips, for every language."""
    for name in dict.fromkeys(names.values()):
        entry = series.speakers[name]
        if not entry.clip or entry.voice(backend.facts.name, language):
            continue
        try:
            made = backend.voices(language, [Speaker(id=name)], {name: clip_of(path, name, entry)})[name]
        except PolydubError:
            return series  # the branch has the same error and reports it
        series = series.with_speaker(name, entry.with_voice(backend.facts.name, ALL, made))
    return series


def _matched(
    series: Series, names: Mapping[str, str], backend: Matching, language: str, clips: Mapping[str, Path]
) -> Series:
    """The series with a matching voice for each of these speakers without one, different from all others."""
    kind = backend.facts.name
    new = {name: speaker for speaker, name in names.items() if not series.speakers[name].voice(kind, language)}
    taken = [voice for one in series.speakers.values() if (voice := one.voice(kind, language))]
    asked = [Speaker(id=name, pitch_hz=series.speakers[name].pitch_hz) for name in new]
    heard = {name: clips[speaker] for name, speaker in new.items() if speaker in clips}
    try:
        found = backend.matched(language, asked, heard, taken).voices
    except PolydubError:
        return series  # the branch has the same error and reports it
    for name, voice in found.items():
        series = series.with_speaker(name, series.speakers[name].with_voice(kind, language, voice))
    return series


def _voiced(series: Series, names: Mapping[str, str], backend: Synthesizer, language: str) -> Series:
    """The series with a voice in that language for each of these speakers, all different if there are enough."""
    name_of_backend = backend.facts.name
    for name in dict.fromkeys(names.values()):
        entry = series.speakers[name]
        if entry.voice(name_of_backend, language):
            continue
        used = {one.voice(name_of_backend, language) for one in series.speakers.values()}
        asked = [Speaker(id=str(number), pitch_hz=entry.pitch_hz) for number in range(_PADDING)]
        try:
            offered: Sequence[str] = list(backend.voices(language, asked, {}).values())
        except PolydubError:
            return series  # the branch has the same error and reports it
        voice = next((voice for voice in offered if voice not in used), offered[len(used) % len(offered)])
        series = series.with_speaker(name, entry.with_voice(name_of_backend, language, voice))
    return series


def _voiceprints(speech: Path, source: Script) -> dict[str, str]:
    from tasks.sound.voiceprints import voiceprints

    return {who: found.coded for who, found in voiceprints(speech, source).items()}


def _key(run: Run, source: Script, path: Path) -> str:
    who = [[line.id, line.start_ms, line.end_ms, line.speaker] for line in source.lines]
    return step_key(_NOTE, 1, inputs={"title": run.title.video, "lines": who, "voices": str(path)})
