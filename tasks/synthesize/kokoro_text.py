"""Converts a line to parts of Kokoro's symbols, as its language was transcribed in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from configs.kokoro import SpokenLanguage, kokoro
from configs.languages import primary
from tasks.records import registry
from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.synthesize import NothingToSayError
from tasks.synthesize.kokoro_symbols import pieces, spoken, symbols_of, written
from tasks.words.spoken_form import in_words

#: Packages for languages that eSpeak NG does not cover.
_READERS = {"ja": ("pyopenjtalk-plus",), "zh": ("pypinyin", "rjieba")}
#: Packages whose version affects the conversion of text.
READING = ("num2words", *(name for names in _READERS.values() for name in names))


def said(text: str, language: str, ipa: Sequence[tuple[int, int, str]]) -> list[str]:
    """The parts that contain a sound.

    Args:
        text: the line.
        language: BCP-47 tag.
        ipa: spans of the text (first character, last exclusive) with their pronunciation.

    Raises:
        NothingToSayError: there is none.
        UnsupportedError: eSpeak NG does not support the language.
        MissingBackendError: a package for the language is not installed.
    """
    english = ("gb" if is_british(language) else "us") if primary(language) == "en" else ""
    words, moved = in_words(text, language, ipa)
    symbols = symbols_of(words, _reader(language), english, moved)
    found = [piece for piece in pieces(symbols) if spoken(piece)]
    if not found:
        raise NothingToSayError(f"Kokoro has nothing to pronounce in {text[:60]!r}.", "Change or remove the line.")
    return found


def table_of(language: str) -> SpokenLanguage | None:
    """The data on a language; None if there is none."""
    return kokoro().languages.get(tag_of(language))


def tag_of(language: str) -> str:
    """A language's name in the table."""
    return "en-GB" if is_british(language) else primary(language)


def is_british(language: str) -> bool:
    """Whether it is English as in Britain."""
    return language.lower() in ("en-gb", "en-ie", "en-au", "en-nz", "en-za")


def readable(tag: str) -> bool:
    """Whether the packages for a language are installed."""
    return all(registry.package_version(name) != "absent" for name in _READERS.get(tag, ()))


def _reader(language: str) -> Callable[[str], str]:
    tag = tag_of(language)
    if not readable(tag):
        names = " and ".join(_READERS[tag])
        raise MissingBackendError(f"Kokoro needs {names} for {language}, which is not installed.", "Run `make setup`.")
    if tag == "ja":
        from tasks.synthesize.kokoro_japanese import japanese

        return japanese
    if tag == "zh":
        return _mandarin
    table = table_of(language)
    named = {"en": "en-us", "en-GB": "en-gb"}.get(tag) or (table.espeak if table else "") or language
    return partial(_by_espeak, voice=named)


def _mandarin(text: str) -> str:
    from tasks.synthesize.kokoro_mandarin import han_parts, mandarin

    parts = (
        mandarin(part) if number % 2 else written(_by_espeak(part, "en-us"), "us")
        for number, part in enumerate(han_parts(text))
    )
    return " ".join(part for part in parts if part)


def _by_espeak(text: str, voice: str) -> str:
    from lipsync_engine.speech import espeak

    try:
        return espeak.transcribe(text, espeak.voice_for(voice))
    except espeak.UnknownVoiceError as error:
        raise UnsupportedError(f"eSpeak NG does not support {voice}.", str(error), language=voice) from error
    except espeak.SpeechError as error:
        raise MissingBackendError(f"eSpeak NG cannot be loaded: {error}", "Run `make setup` again.") from error
