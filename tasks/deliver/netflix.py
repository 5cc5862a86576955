"""Sound and timed text of a dub as Netflix takes them: 5.1 and stereo apart, M&E, IMSC 1.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import soundfile

from configs.delivery import NetflixPreset
from configs.loudness import LoudnessPreset
from tasks import media
from tasks.deliver.checks import Checks, Packed
from tasks.deliver.sound import bring, channels_in, mix_of, pcm
from tasks.keep.assets import path_of
from tasks.records.delivery import DeliveredDub
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.script import Script
from tasks.sound.channels import SURROUND
from tasks.words.cues import DEFAULT_RATE, Cue, make_cues
from tasks.words.imsc import write_imsc
from tasks.words.ttml import read_ttml

_LAYOUTS = {SURROUND: "5.1", 2: "2.0"}


@dataclass(frozen=True)
class Programme:
    """What the files of a language are named and measured by.

    Attributes:
        title: in file names.
        facts: of the title.
        filled: whether the bed is the client's M&E; else it was separated from the title's own sound.
    """

    title: str
    facts: MediaFacts
    filled: bool


def pack(dub: DeliveredDub, rules: NetflixPreset, preset: LoudnessPreset, of: Programme, folder: Path) -> Packed:
    """One language.

    Args:
        dub: the language.
        rules: of the preset.
        preset: its loudness.
        of: the title.
        folder: where files are written.

    Returns:
        Files by name, the rules they keep, and notes for the user.
    """
    checks = Checks()
    files: dict[str, Path] = {}
    notes: list[str] = []
    name = f"{of.title}_{dub.language}"
    duration_ms = of.facts.duration_ms
    surround = channels_in(path_of(dub.mix)) == SURROUND
    for channels in (SURROUND, 2) if surround else (2,):
        out = folder / f"{name}_{_LAYOUTS[channels]}.wav"
        mix = mix_of(dub, folder, stereo=channels == 2)
        made = bring(mix, dub, preset, duration_ms, out, pcm(duration_ms, channels))
        _check_sound(checks, out, channels, duration_ms)
        checks.level(made.target, made.level_lufs, made.measured.loudness.true_peak_dbtp, out.name)
        checks.range_lu(made.measured.loudness.range_lu, rules.range_lu, duration_ms, out.name)
        notes += made.notes
        files[out.name] = out
    if not surround:
        notes.append("There is no 5.1: the title's bed is stereo, and none is made up of it.")
    if "bed" in dub.stems:
        files |= _bed(dub, of, name, folder, checks)
        if not of.filled:
            notes.append("The bed was separated from the title's own sound: it is no filled M&E, and is named so.")
    text, cues = _timed_text(dub, of)
    words = folder / f"{name}.xml"
    words.write_bytes(text)
    _check_words(checks, words, cues, dub.language, duration_ms)
    return {**files, words.name: words}, checks, tuple(dict.fromkeys(notes))


def _bed(dub: DeliveredDub, of: Programme, name: str, folder: Path, checks: Checks) -> dict[str, Path]:
    """The bed as it is, at no other level."""
    stem = path_of(dub.stems["bed"])
    channels = SURROUND if channels_in(stem) == SURROUND else 2
    out = folder / f"{name}_{'ME' if of.filled else 'separated-bed'}_{_LAYOUTS[channels]}.wav"
    pcm(of.facts.duration_ms, channels)(stem, out)
    _check_sound(checks, out, channels, of.facts.duration_ms)
    return {out.name: out}


def _timed_text(dub: DeliveredDub, of: Programme) -> tuple[bytes, tuple[Cue, ...]]:
    script = Script.model_validate_json(path_of(dub.script).read_bytes())
    picture = of.facts.picture
    rate = picture.frame_rate if picture else DEFAULT_RATE
    cues = make_cues(script, rate, of.facts.duration_ms)
    return write_imsc(cues, dub.language, rate, _shown(picture), title=of.title), cues


def _shown(picture: PictureFacts | None) -> tuple[int, int]:
    if picture is None:
        return 1920, 1080
    turned = picture.rotation in (90, 270)
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def _check_sound(checks: Checks, path: Path, channels: int, duration_ms: int) -> None:
    found = soundfile.info(str(path))
    checks.same("channels", found.channels, channels, path.name)
    checks.same("sample_rate_hz", found.samplerate, media.SAMPLE_RATE, path.name)
    checks.same("bit_depth", found.subtype, "PCM_24", path.name)
    checks.same("length_samples", found.frames, media.samples(duration_ms), path.name)


def _check_words(checks: Checks, path: Path, cues: tuple[Cue, ...], language: str, duration_ms: int) -> None:
    """Read back as anybody would."""
    content = path.read_bytes()
    read = read_ttml(content)
    profile = b"http://www.w3.org/ns/ttml/profile/imsc1.1/text" in content
    checks.true("timed_text_profile", profile, path.name, "no IMSC 1.1 Text", "IMSC 1.1 Text")
    checks.same("timed_text_language", read.language, language, path.name)
    checks.same("timed_text_cues", len(read.paragraphs), len(cues), path.name)
    last = max((one.end_ms or 0 for one in read.paragraphs), default=0)
    checks.true("timed_text_ends", last <= duration_ms, path.name, f"{last} ms, after the title", f"{last} ms")
