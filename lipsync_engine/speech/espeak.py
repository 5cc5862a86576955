"""Text to speech with the time of every phone, by eSpeak NG (GPL-3.0-or-later, loaded at run time).

Everything else in the engine sees `SpokenText`, `synthesize`, `voices` and
`voice_for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech import espeak_ipa, libespeak
from lipsync_engine.speech.espeak_closures import closed
from lipsync_engine.speech.espeak_ipa import UnknownSoundError
from lipsync_engine.speech.libespeak import Mark, SpeechError

__all__ = [
    "SpeechError",
    "SpokenText",
    "UnknownSoundError",
    "UnknownVoiceError",
    "Voice",
    "Word",
    "synthesize",
    "transcribe",
    "variants",
    "voice_for",
    "voices",
]

_RATE_RANGE = (80, 450)
_SAME_MS = 15  # between the events of a word and of its first phone
_LANGUAGE_SWITCH = re.compile(r"\([^)]*\)?")
_STRESS = {"ˈ": 2, "ˌ": 1}
_ALIASES = {"zh": "cmn", "zh-hk": "yue", "no": "nb", "nn": "nb", "iw": "he", "in": "id", "sh": "hr"}
_SCRIPTS = re.compile(r"-(hans|hant|latn|cyrl|arab|deva)\b")


class UnknownVoiceError(ValueError):
    """No eSpeak NG voice has this name or speaks this language."""


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word: its span of characters in the text and its start in the audio (milliseconds)."""

    text_start: int
    text_end: int
    start_ms: int


@dataclass(frozen=True, slots=True)
class SpokenText:
    """Synthesised speech.

    Attributes:
        samples: float32 [N], mono, -1 to 1.
        sample_rate_hz: samples a second.
        phones: the phones in time order, silences included; they tile the audio without gaps.
        words: the words in time order.
    """

    samples: FloatArray
    sample_rate_hz: int
    phones: tuple[Phone, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """An installed voice: identifier, BCP-47 languages in lower case, gender ``"m"``, ``"f"`` or ``""``."""

    identifier: str
    languages: tuple[str, ...]
    gender: str


@lru_cache(maxsize=1)
def voices() -> tuple[Voice, ...]:
    """Every installed voice that has its dictionary, by identifier."""
    found = [
        Voice(identifier, languages, {1: "m", 2: "f"}.get(gender, ""))
        for identifier, languages, gender in libespeak.installed_voices()
    ]
    return tuple(sorted((v for v in found if _has_dictionary(v)), key=lambda v: v.identifier))


def _has_dictionary(voice: Voice) -> bool:
    """Whether the wheel holds the dictionary that the voice names (a few voices are listed without one)."""
    settings = (libespeak.data_path() / "lang" / voice.identifier).read_text("utf-8", "replace")
    named = re.search(r"^dictionary\s+(\S+)", settings, re.MULTILINE)
    base = named.group(1) if named else voice.languages[0].split("-")[0]
    return (libespeak.data_path() / f"{base}_dict").exists()


def variants() -> tuple[str, ...]:
    """Names of the voice variants, to be appended as ``"es+f3"``: other timbres for other speakers."""
    return tuple(
        sorted(path.name for path in (libespeak.data_path() / "voices" / "!v").iterdir() if " " not in path.name)
    )


def voice_for(language: str, variant: str = "") -> str:
    """The voice for a BCP-47 language tag, e.g. ``es-419``, ``pt-BR``, ``zh-Hans`` or ``en``.

    An unknown region falls back to its language (``es-AR`` to ``es-419``, ``fr-CA`` to ``fr``).

    Args:
        language: BCP-47 tag, any case, ``_`` allowed.
        variant: one of `variants`, e.g. ``"f3"``; empty for the plain voice.

    Raises:
        UnknownVoiceError: eSpeak NG has no voice for the language, or no such variant.
    """
    if variant and variant not in variants():
        raise UnknownVoiceError(f"eSpeak NG has no voice variant {variant!r}")
    by_language = _voices_by_language()
    for tag in _candidate_tags(language):
        if tag in by_language:
            return by_language[tag] + (f"+{variant}" if variant else "")
    raise UnknownVoiceError(f"eSpeak NG has no voice for the language {language!r}")


def languages() -> tuple[str, ...]:
    """The tags of every language that `voice_for` has a voice for, regions and aliases included, sorted."""
    known = _voices_by_language()
    return tuple(sorted({*known, *(tag for tag, other in _ALIASES.items() if other in known)}))


@lru_cache(maxsize=1)
def _voices_by_language() -> dict[str, str]:
    """Language tag -> voice identifier; a voice named like the tag wins over one that merely lists it."""
    table: dict[str, str] = {}
    for voice in voices():
        for tag in voice.languages[1:]:
            table.setdefault(tag, voice.identifier)
    table.update({voice.languages[0]: voice.identifier for voice in voices()})
    table.update({voice.identifier.split("/")[-1].lower(): voice.identifier for voice in voices()})
    return table


def _candidate_tags(language: str) -> Iterator[str]:
    tag = language.strip().replace("_", "-").lower()
    plain = _SCRIPTS.sub("", tag)
    latin_american = plain.startswith("es-") and plain not in ("es-es", "es-419")
    yield from (tag, plain, _ALIASES.get(plain, ""))
    if latin_american:
        yield "es-419"
    while "-" in plain:
        plain = plain.rsplit("-", 1)[0]
        yield from (_ALIASES.get(plain, plain), plain)


def synthesize(
    text: str,
    voice: str,
    *,
    rate_wpm: int | None = None,
    pitch: int | None = None,
    pitch_range: int | None = None,
    sounds: Sequence[tuple[int, int, str]] = (),
) -> SpokenText:
    """Speak a text. Equal arguments give equal samples and times, whatever was spoken before.

    Args:
        text: plain text; markup and phoneme notation in it are read as text.
        voice: a voice identifier or language, with an optional variant (``"es"``, ``"roa/es-419+f3"``).
        rate_wpm: words a minute, 80 to 450 (eSpeak NG's default is 175); values beyond are clamped.
        pitch: 0 to 99 (default 50).
        pitch_range: 0 (monotone) to 99 (default 50).
        sounds: spans of the text (first character, last exclusive) and the IPA that they are spoken with, in order.

    Raises:
        UnknownVoiceError: no voice or variant of that name.
        UnknownSoundError: the voice has no sound for a symbol of the IPA.
        SpeechError: eSpeak NG failed.
    """
    name = _full_name(voice)
    if not text.strip():
        return SpokenText(np.zeros(0, np.float32), 22050, (), ())
    if sounds:
        text = espeak_ipa.with_sounds(text, sounds, name)
    with libespeak.loaded() as (library, sample_rate_hz):
        if library.espeak_SetVoiceByName(name.encode()) != 0:
            raise UnknownVoiceError(f"eSpeak NG has no voice {voice!r}")
        if rate_wpm is not None:
            library.espeak_SetParameter(libespeak.RATE, int(np.clip(rate_wpm, *_RATE_RANGE)), 0)
        if pitch is not None:
            library.espeak_SetParameter(libespeak.PITCH, int(np.clip(pitch, 0, 99)), 0)
        if pitch_range is not None:
            library.espeak_SetParameter(libespeak.RANGE, int(np.clip(pitch_range, 0, 99)), 0)
        pcm, events = libespeak.speak(library, text, phonemes=bool(sounds))
    samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768.0
    duration_ms = round(len(samples) * 1000 / sample_rate_hz)
    phones = closed(_phones(events, sample_rate_hz, duration_ms), samples, sample_rate_hz)
    return SpokenText(samples, sample_rate_hz, phones, _words(events, sample_rate_hz, phones))


def transcribe(text: str, voice: str) -> str:
    """The IPA of a text, words apart, stress marked, parts of one sound joined by ``^`` (``t^ʃ``, ``a^ɪ``).

    Nothing is spoken. Words of another language that eSpeak NG recognises are read in that language.

    Args:
        text: plain text.
        voice: a voice identifier or language.

    Raises:
        UnknownVoiceError: no voice of that name.
        SpeechError: eSpeak NG failed.
    """
    name = _full_name(voice)
    if not text.strip():
        return ""
    with libespeak.loaded() as (library, _):
        if library.espeak_SetVoiceByName(name.encode()) != 0:
            raise UnknownVoiceError(f"eSpeak NG has no voice {voice!r}")
        said = libespeak.transcribe(library, text)
    return " ".join(_LANGUAGE_SWITCH.sub("", said).split())


def _full_name(voice: str) -> str:
    """Resolve a language to its voice and check the variant, which eSpeak NG would ignore silently."""
    base, _, variant = voice.partition("+")
    known = {v.identifier for v in voices()}
    if base in known and (not variant or variant in variants()):
        return voice
    return voice_for(base, variant)


def _phones(marks: list[Mark], rate: int, duration_ms: int) -> tuple[Phone, ...]:
    """Phone events -> phones that tile the audio; neighbouring silences are joined."""
    spoken: list[Phone] = []
    events = [m for m in marks if m.kind == libespeak.EVENT_PHONEME]
    starts = [min(round(m.sample * 1000 / rate), duration_ms) for m in events] + [duration_ms]
    if starts[0] > 0:
        spoken.append(Phone("", 0, starts[0]))
    for event, start, end in zip(events, starts, starts[1:], strict=False):
        symbol = _LANGUAGE_SWITCH.sub("", event.symbol)
        stress = max((_STRESS[s] for s in symbol if s in _STRESS), default=0)
        ipa = "".join(s for s in symbol if s not in _STRESS)
        if end <= start:
            continue
        if not ipa and spoken and not spoken[-1].ipa:
            spoken[-1] = Phone("", spoken[-1].start_ms, end)
        else:
            spoken.append(Phone(ipa, start, end, stress))
    return tuple(spoken)


def _words(marks: list[Mark], rate: int, phones: Sequence[Phone]) -> tuple[Word, ...]:
    """The words; one that begins as good as with a phone begins with it."""
    edges = [phone.start_ms for phone in phones]
    found = []
    for mark in marks:
        if mark.kind == libespeak.EVENT_WORD:
            start = round(mark.sample * 1000 / rate)
            nearest = min(edges, key=lambda edge: abs(edge - start), default=start)
            start = nearest if abs(nearest - start) <= _SAME_MS else start
            found.append(Word(mark.text_position - 1, mark.text_position - 1 + mark.length, start))
    return tuple(found)
