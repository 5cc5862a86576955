"""Formant synthesis by eSpeak NG: many languages, no download, robotic but with exact phone times.

The program is GPL-3.0-or-later and is reached only through `lipsync_engine.espeak`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from tasks.records import registry
from tasks.records.errors import BadInputError, MissingBackendError, UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import PLAIN, Manner, NothingToSayError, Spoken
from tasks.synthesize.wave import levelled, trim_bounds, write_wav
from tasks.words.spoken_form import in_words

#: Median pitches of adult voices are near 120 Hz (men) and 210 Hz (women); this is halfway on a log scale.
_MALE_BELOW_HZ = 165.0
#: Variants of adult timbre at the language's own pace, the most distinct ones first.
_MALE = ("m3", "m1", "m7", "m2", "m5", "m4", "m6", "Diogo", "pablo", "rob")
_FEMALE = ("f2", "f4", "f3", "f1", "f5", "Annie", "linda", "steph")
#: eSpeak NG's default pitch range, and its largest change.
_PITCH_RANGE, _LIVELY = 50, 30


class EspeakSynthesizer:
    """Speaks with the language's voice, in a different variant for each speaker."""

    class Options(registry.Options):
        """``rate_wpm``: pace in words per minute."""

        rate_wpm: int = Field(165, ge=80, le=450)

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def facts(self) -> registry.BackendFacts:
        """Its languages are those of the voices in the wheel."""
        return _facts()

    def fingerprint(self) -> str:
        """The version of the wheel with library and voices, and the pace."""
        return f"espeak:5:{registry.package_version('espeakng-loader')}:{self._options.rate_wpm}"

    def missing(self) -> list[str]:
        """The wheel, if it is not installed."""
        if registry.package_version("espeakng-loader") == "absent":
            return ["The package espeakng-loader is not installed: run `make setup`."]
        return []

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """Deep variants for speakers below 165 Hz, high ones above, alternating if the pitch is unknown."""
        waiting = {True: itertools.cycle(_MALE), False: itertools.cycle(_FEMALE)}
        return {
            speaker.id: _voice(language, next(waiting[_deep(speaker, index)])) for index, speaker in enumerate(speakers)
        }

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line; a line without anything to pronounce raises `NothingToSayError`.

        Energy widens or narrows the pitch range.
        """
        from lipsync_engine.speech import espeak

        words, sounds = in_words(text, language, manner.ipa)
        try:
            spoken = espeak.synthesize(
                words,
                voice,
                rate_wpm=round(self._options.rate_wpm * pace),
                pitch_range=_PITCH_RANGE + round(_LIVELY * manner.energy) if manner.energy else None,
                sounds=sounds,
            )
        except espeak.UnknownSoundError as error:
            raise BadInputError(f"The lexicon uses a sound that eSpeak NG does not have: {error}.") from error
        except espeak.UnknownVoiceError as error:
            raise UnsupportedError(f"eSpeak NG has no voice {voice!r} ({language}).", str(error)) from error
        except espeak.SpeechError as error:
            raise MissingBackendError(f"eSpeak NG cannot speak: {error}", "Run `make setup` again.") from error
        rate = spoken.sample_rate_hz
        start, stop = trim_bounds(spoken.samples, rate)
        if start == stop:
            raise NothingToSayError(
                f"eSpeak NG has nothing to pronounce in {text[:60]!r}.", "Change or remove the line."
            )
        write_wav(out, levelled(spoken.samples[start:stop], rate), rate)
        shift_ms, length_ms = round(start * 1000 / rate), round((stop - start) * 1000 / rate)
        phones = tuple(
            (phone.ipa, max(0, phone.start_ms - shift_ms), min(length_ms, phone.end_ms - shift_ms), phone.stress)
            for phone in spoken.phones
            if phone.end_ms > shift_ms and phone.start_ms < shift_ms + length_ms
        )
        return Spoken(audio=out, duration_ms=length_ms, phones=phones)


@functools.cache
def _facts() -> registry.BackendFacts:
    from lipsync_engine.speech import espeak

    try:
        languages = frozenset(tag.partition("-")[0] for tag in espeak.languages())
    except (espeak.SpeechError, OSError):  # `missing` or the first line says so
        languages = None
    return registry.BackendFacts(
        name="espeak",
        packages=("espeakng-loader",),
        code_licence="GPL-3.0-or-later",
        paces=True,
        spirited=True,
        ipa=True,
        languages=languages,
    )


def _deep(speaker: Speaker, index: int) -> bool:
    return speaker.pitch_hz < _MALE_BELOW_HZ if speaker.pitch_hz else index % 2 == 0


def _voice(language: str, variant: str) -> str:
    from lipsync_engine.speech import espeak

    try:
        return espeak.voice_for(language, variant)
    except espeak.UnknownVoiceError as error:
        raise UnsupportedError(
            f"eSpeak NG has no voice for {language}.",
            "Use --profile studio, or supply a recorded dub (--dub).",
            language=language,
        ) from error
    except espeak.SpeechError as error:
        raise MissingBackendError(f"eSpeak NG cannot be loaded: {error}", "Run `make setup` again.") from error
