"""Speech by any server with OpenAI's API: OpenAI, Chatterbox, Qwen3-TTS, Orpheus, Speaches, LocalAI, Kokoro ...

``POST /audio/speech`` with ``{"model", "input", "voice", "response_format"}``, and ``speed`` and ``instructions`` if
the profile sets them, returns an audio file. Servers return no times: phones are aligned later.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import Field, field_validator

from configs.languages import display_name, primary
from lipsync_engine.media.audio import AudioError
from tasks.machine.meter import bill
from tasks.records.errors import PermanentError, PolydubError, UnsupportedError
from tasks.records.script import Speaker
from tasks.services.hosted import Service
from tasks.services.openai import OpenAiOptions
from tasks.synthesize import PLAIN, Manner, NothingToSayError, Spoken
from tasks.synthesize.series import ALL
from tasks.synthesize.wave import decoded, levelled, trim_bounds, write_wav
from tasks.words.sentences import pieces
from tasks.words.speakable import speaks
from tasks.words.visible import visible

#: Request fields that have their own option, or that would change the response from a single audio file.
_OURS = frozenset({"model", "input", "voice", "response_format", "speed", "instructions", "stream", "stream_format"})
_CONTAINERS = (b"RIFF", b"ID3", b"fLaC", b"OggS", b"\xff\xfb", b"\xff\xf3")
#: Slowest plausible speech, 0.6 s per character; anything longer is not a reading of the line.
_SLOWEST_S, _LEAD_S = 0.6, 10.0
_BYTES_A_SECOND = 48_000 * 2 * 4  # the largest format is stereo with 32 bits
_PAUSE_S = 0.15  # between the pieces of one line
_MALE_BELOW_HZ = 165.0
_READINGS = 2  # maximum requests if the response is not a reading of the line
_LISTED = 20  # voices that are shown
_MOODS = ("very calmly", "calmly", "in an even tone", "lively", "with much energy")


class OpenAiSynthesizer:
    """Speaks by the server at ``url``; for address and key see `tasks.services.openai`."""

    class Options(OpenAiOptions):
        """Voices, and how they are used.

        Attributes:
            voices: the server's voice names, assigned to the speakers in this order; or such a list by language, with
                ``"*"`` for all others.
            deep: the deep ones among them, for speakers below 165 Hz; the others are for those above.
            instructions: how to speak, for models that support it; ``{language}`` is the language's name, ``{mood}``
                the energy of the source line ("calmly").
            extra: further request fields of the server; in texts ``{language}`` is the language's name, ``{code}`` its
                code. A number named ``seed`` grows by one with each reading.
            follow_pace: repeat at other speeds until a line fits its slot.
            speeds: the slowest and the fastest ``speed`` that the server accepts.
            response_format: requested format; the response is decoded by content.
            pcm_hz: sample rate of ``pcm``, which is 16 bits, mono.
            longest: maximum characters per request.
        """

        voices: dict[str, tuple[str, ...]]
        deep: tuple[str, ...] = ()
        instructions: str = ""
        extra: dict[str, Any] = Field(default_factory=dict)
        follow_pace: bool = False
        speeds: tuple[float, float] = (0.25, 4.0)
        response_format: Literal["wav", "flac", "mp3", "opus", "aac", "pcm"] = "wav"
        pcm_hz: int = Field(24_000, ge=8_000, le=96_000)
        longest: int = Field(4096, ge=50)

        @field_validator("voices", mode="before")
        @classmethod
        def _of_all(cls, value: Any) -> Any:
            """A plain list is for every language."""
            return {ALL: value} if isinstance(value, list | tuple) else value

        @field_validator("voices")
        @classmethod
        def _some(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
            if not value or not all(names and all(names) for names in value.values()):
                raise ValueError("give at least one voice")
            return value

        @field_validator("extra")
        @classmethod
        def _no_second_time(cls, value: dict[str, Any]) -> dict[str, Any]:
            if twice := sorted(_OURS & value.keys()):
                raise ValueError(f"{', '.join(twice)} cannot be set here")
            return value

        @field_validator("speeds")
        @classmethod
        def _in_order(cls, value: tuple[float, float]) -> tuple[float, float]:
            if not 0 < value[0] <= 1 <= value[1]:
                raise ValueError("the slowest and the fastest speed, with 1 between them")
            return value

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = options.facts(
            "openai",
            paces=options.follow_pace,
            varies=True,
            spirited="{mood}" in options.instructions,
            languages=None if ALL in options.voices else frozenset(map(primary, options.voices)),
        )

    def fingerprint(self) -> str:
        """The address, the model and its options; never the key. The model behind a name may change unnoticed."""
        sent = {"model", "url", "voices", "deep", "instructions", "extra", "follow_pace", "speeds"}
        formed = {"response_format", "pcm_hz", "longest"}
        return f"openai:1:{self._options.model_dump_json(include=sent | formed)}"

    def missing(self) -> list[str]:
        """The key of OpenAI's own address."""
        return self._options.missing()

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """The language's voices by pitch, all different if there are enough."""
        offered = self._offered(language)
        deep = [voice for voice in offered if voice in self._options.deep]
        high = [voice for voice in offered if voice not in self._options.deep]
        free = list(dict.fromkeys(offered))
        given: dict[str, str] = {}
        for index, speaker in enumerate(speakers):
            own = (deep if _is_deep(speaker, index) else high) or offered
            voice = next((voice for voice in (*own, *offered) if voice in free), own[index % len(own)])
            given[speaker.id] = voice
            if voice in free:
                free.remove(voice)
        return given

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line; silence at its ends and between its pieces is taken away."""
        self._offered(language)
        if not speaks(text):
            raise NothingToSayError(f"There is nothing to pronounce in {text[:60]!r}.", "Change or remove the line.")
        asked = pieces(text, self._options.longest)
        parts: list[NDArray[np.float32]] = []
        rate_hz = 0
        for piece in asked:
            samples, rate_hz = self._ask(piece, voice, language, out, rate_hz, pace, manner)
            start, stop = trim_bounds(samples, rate_hz)
            if start < stop:
                parts += [samples[start:stop], np.zeros(round(_PAUSE_S * rate_hz), np.float32)]
        if not parts:
            raise PermanentError(
                f"{self._options.model} returned silence for {text[:60]!r}.", "Try another model or voice."
            )
        spoken = levelled(np.concatenate(parts[:-1]), rate_hz)
        write_wav(out, spoken, rate_hz)
        sent = sum(map(len, asked)) if self.facts.paid else 0
        return Spoken(audio=out, duration_ms=round(len(spoken) * 1000 / rate_hz), characters=sent)

    def _offered(self, language: str) -> tuple[str, ...]:
        known = self._options.voices
        found = next((known[tag] for tag in (language, primary(language), ALL) if tag in known), None)
        if found is None:
            raise UnsupportedError(
                f"synthesize.options.voices has no voice for {display_name(language)} ({language}).",
                "Add one, or voices for every language as '*'.",
                language=language,
            )
        return found

    def _ask(
        self, text: str, voice: str, language: str, out: Path, rate_hz: int, pace: float, manner: Manner
    ) -> tuple[NDArray[np.float32], int]:
        body = self._body(text, voice, language, pace, manner)
        longest_s = (_LEAD_S + _SLOWEST_S * len(text)) / min(1.0, float(body.get("speed", 1.0)))
        for more in reversed(range(_READINGS)):
            sound = self._sound(body, voice, longest_s)
            heard = 0.0
            try:
                samples, rate_hz = self._decoded(sound, out, longest_s, rate_hz)
                heard = len(samples) / rate_hz
                break
            except PermanentError:  # a model may occasionally not stop talking
                if not more:
                    raise
            finally:  # it is billed in any case
                if self.facts.paid:
                    bill(self.facts.price, characters=len(text), seconds=heard)
        return samples, rate_hz

    def _sound(self, body: Mapping[str, Any], voice: str, longest_s: float) -> bytes:
        service = self._options.service()
        try:
            return service.sound("/audio/speech", body, math.ceil(longest_s * _BYTES_A_SECOND))
        except PermanentError as error:
            if "voice" in error.what.replace(self._options.model, "").lower():
                raise UnsupportedError(
                    f"The voice {voice!r} is not available. {error.what.rstrip('.')}.",
                    _offer(service) or "Choose another.",
                ) from error
            raise

    def _decoded(self, sound: bytes, out: Path, longest_s: float, rate_hz: int) -> tuple[NDArray[np.float32], int]:
        chosen = self._options
        if chosen.response_format == "pcm" and not sound.startswith(_CONTAINERS):
            sound = _as_wav(sound, chosen.pcm_hz)
        try:
            return decoded(sound, out, longest_s, rate_hz)
        except AudioError as error:
            raise PermanentError(
                f"{chosen.model} returned something that is not audio, or not a reading of this line "
                f"({len(sound)} bytes, {longest_s:.0f} s at most).",
                "Try another model, voice or response_format.",
            ) from error

    def _body(self, text: str, voice: str, language: str, pace: float, manner: Manner) -> dict[str, Any]:
        chosen = self._options
        words = {"{language}": display_name(primary(language)), "{code}": primary(language)}
        words["{mood}"] = _MOODS[round(2 * manner.energy) + 2]
        body: dict[str, Any] = {
            "model": chosen.model,
            "input": text,
            "voice": voice,
            "response_format": chosen.response_format,
        }
        body |= {name: _filled(value, words) for name, value in chosen.extra.items()}
        if isinstance(seed := body.get("seed"), int):
            body["seed"] = seed + manner.reading
        if chosen.instructions:
            body["instructions"] = _filled(chosen.instructions, words)
        if chosen.follow_pace:
            body["speed"] = min(max(pace, chosen.speeds[0]), chosen.speeds[1])
        return body


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    """A text with its placeholders filled in; other values unchanged."""
    if isinstance(value, str):
        for place, word in words.items():
            value = value.replace(place, word)
    return value


def _as_wav(samples: bytes, rate_hz: int) -> bytes:
    """Raw 16-bit mono samples as a WAV file."""
    out = io.BytesIO()
    whole = np.frombuffer(samples[: len(samples) // 2 * 2], "<i2")
    soundfile.write(out, whole, rate_hz, subtype="PCM_16", format="WAV")
    return out.getvalue()


def _offer(service: Service) -> str:
    """Advice with the voices that a server lists; empty if it lists none."""
    try:
        answer = service.get("/audio/voices")
    except PolydubError:
        return ""
    listed = answer.get("voices") if isinstance(answer, dict) else None
    names = [one.get("id") or one.get("name") if isinstance(one, dict) else one for one in listed or []]
    shown = [visible(name)[:60] for name in names if isinstance(name, str)]
    more = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
    return f"The server offers {', '.join(shown[:_LISTED])}{more}." if shown else ""


def _is_deep(speaker: Speaker, index: int) -> bool:
    return speaker.pitch_hz < _MALE_BELOW_HZ if speaker.pitch_hz else index % 2 == 0
