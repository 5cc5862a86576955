"""The shared library of eSpeak NG, called through ctypes: the only module that touches it.

libespeak-ng is one global machine whose state (random generator, pitch flutter) outlives even its own
``espeak_Terminate``, so the same call would give other samples each time. It is therefore loaded for one call
and unloaded again (6 ms), under a lock: the same arguments always give the same samples.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Constants of speak_lib.h, eSpeak NG 1.52.
_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_CHARS_UTF8, _PHONEMES = 1, 0x100  # never SSML (0x10)
_IPA_TIED = 0x02 | 0x80 | ord("^") << 8  # IPA, and what joins the parts of one sound
EVENT_WORD, EVENT_PHONEME = 1, 7
RATE, PITCH, RANGE = 1, 3, 4
_SEED = 1


class SpeechError(RuntimeError):
    """eSpeak NG could not be loaded or refused a request."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_lock = threading.Lock()


@contextmanager
def loaded() -> Iterator[tuple[Any, int]]:
    """Load libespeak-ng afresh, initialise it, and unload it at the end; yields (library, sample rate)."""
    import _ctypes

    import espeakng_loader

    with _lock:
        try:
            library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise SpeechError(f"eSpeak NG cannot be loaded: {error}") from error
        try:
            options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
            data = str(espeakng_loader.get_data_path()).encode()
            rate = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data, options)
            if rate <= 0:
                raise SpeechError(f"eSpeak NG found no usable voice data in {data.decode()}")
            library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
            yield library, rate
            library.espeak_Terminate()
        finally:
            _ctypes.dlclose(library._handle)


def data_path() -> Path:
    """Where the voices, dictionaries and variants lie."""
    import espeakng_loader

    return Path(espeakng_loader.get_data_path())


def _languages(address: int) -> Iterator[str]:
    """Decode eSpeak's list of (priority byte, zero-ended name), ended by a zero priority."""
    while ctypes.string_at(address, 1) != b"\0":
        name = ctypes.string_at(address + 1)
        yield name.decode().lower()
        address += len(name) + 2


@dataclass(frozen=True, slots=True)
class Mark:
    """An event copied out of the library's memory: phone symbol, or a word's span of characters."""

    kind: int
    sample: int
    symbol: str = ""
    text_position: int = 0
    length: int = 0


def speak(library: Any, text: str, *, phonemes: bool = False) -> tuple[bytes, list[Mark]]:
    """Speak a text with the voice that is set; returns 16-bit mono samples and the events, in time order.

    Args:
        library: as `loaded` gave it.
        text: to be spoken.
        phonemes: take ``[[...]]`` for eSpeak's phoneme names; otherwise text is text.
    """
    pcm: list[bytes] = []
    marks: list[Mark] = []

    def collect(wave: Any, count: int, events: Any) -> int:
        if count > 0:
            pcm.append(ctypes.string_at(wave, 2 * count))
        index = 0
        while events[index].type:
            marks.append(_mark(events[index]))
            index += 1
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    encoded = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
    flags = _CHARS_UTF8 | (_PHONEMES if phonemes else 0)
    status = library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 1, 0, flags, None, None)
    if status != 0:
        raise SpeechError(f"eSpeak NG failed to speak the text (status {status})")
    return b"".join(pcm), marks


def transcribe(library: Any, text: str) -> str:
    """The IPA of a text in the voice that is set: words apart, parts of one sound joined by ``^``, clauses in lines."""
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    encoded = ctypes.create_string_buffer(text.replace("\0", " ").encode("utf-8", "replace"))
    rest = ctypes.c_char_p(ctypes.addressof(encoded))
    clauses: list[str] = []
    while rest.value:
        said = library.espeak_TextToPhonemes(ctypes.byref(rest), _CHARS_UTF8, _IPA_TIED)
        clauses.append((said or b"").decode("utf-8", "replace"))
    return "\n".join(clauses)


def _mark(event: _Event) -> Mark:
    symbol = ""
    if event.type == EVENT_PHONEME:  # eight bytes, not always ended by a zero, cut inside a letter at worst
        raw = ctypes.string_at(ctypes.addressof(event.id), 8)
        symbol = raw.split(b"\0")[0].decode("utf-8", "ignore")
    return Mark(event.type, event.sample, symbol, event.text_position, event.length)


def installed_voices() -> list[tuple[str, tuple[str, ...], int]]:
    """Identifier, languages (best first) and gender number (1 male, 2 female) of every listed voice."""
    with loaded() as (library, _):
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = library.espeak_ListVoices(None)
        found: list[tuple[str, tuple[str, ...], int]] = []
        while listed[len(found)]:
            entry = listed[len(found)].contents
            found.append((entry.identifier.decode(), tuple(_languages(entry.languages)), int(entry.gender)))
    return found
