"""Hosted speech by ElevenLabs, with the time of every character.

``POST /v1/text-to-speech/{voice_id}/with-timestamps?output_format=pcm_24000`` with ``{"text", "model_id",
"language_code", "voice_settings", "seed"}`` and the key as ``xi-api-key`` returns ``{"audio_base64",
"alignment"}``; ``GET /v1/voices`` lists the account's voices. Every character sent is billed.
"""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.languages import primary
from tasks.keep.digests import file_sha256
from tasks.machine.meter import bill
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, UnsupportedError
from tasks.records.script import Speaker
from tasks.services.hosted import Service, ServiceOptions
from tasks.services.secrets import advice, secret
from tasks.synthesize import PLAIN, Manner, NothingToSayError, Spoken
from tasks.synthesize.wave import levelled, trim_bounds, write_wav
from tasks.words.sentences import pieces

_VARIABLE = "ELEVENLABS_API_KEY"
_RATE_HZ = 24_000
#: Maximum characters per request (the documentation's table).
_LIMITS = {
    "eleven_flash_v2_5": 40_000,
    "eleven_turbo_v2_5": 40_000,
    "eleven_flash_v2": 30_000,
    "eleven_turbo_v2": 30_000,
}
_LIMIT_ELSE = 10_000
#: Models that accept IPA (SSML phoneme tags), in English only.
_TAKE_IPA = frozenset({"eleven_flash_v2", "eleven_turbo_v2", "eleven_monolingual_v1"})
#: The model that detects the language itself and rejects the parameter.
_UNTOLD = "eleven_multilingual_v2"
_SPEEDS = (0.7, 1.2)
_PAUSE_S = 0.15  # between the pieces of one line
_MALE_BELOW_HZ = 165.0
#: Prefix of the names of voices cloned here; the clip's digest follows.
_OURS = "polydub "
_cloning = threading.Lock()


class ElevenLabsSynthesizer:
    """Speaks by ElevenLabs with the key in ``ELEVENLABS_API_KEY``."""

    class Options(ServiceOptions):
        """Options of ElevenLabs.

        Attributes:
            url: another address, such as a regional one.
            model: a model id.
            voices: voice ids, assigned to the speakers in this order; empty for the account's, by gender and pitch.
            stability: 0 (varied) to 1 (even); shifted by the energy of a line.
            similarity: similarity to the voice's own sound.
            seed: seed of the reading; ElevenLabs does not guarantee equal results even so.
            clone: clone the speakers' voices: ElevenLabs gets a clip of each, and keeps a voice made from it.
            follow_pace: repeat at other speeds until a line fits its slot; every request is billed.
        """

        deadline_s: float = Field(120.0, gt=0)
        url: str = Field("https://api.elevenlabs.io", pattern=r"^https?://\S+$")
        model: str = "eleven_multilingual_v2"
        voices: tuple[str, ...] = ()
        stability: float = Field(0.5, ge=0, le=1)
        similarity: float = Field(0.75, ge=0, le=1)
        seed: int = Field(0, ge=0)
        clone: bool = False
        follow_pace: bool = False

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = registry.BackendFacts(
            name="elevenlabs",
            code_licence="Apache-2.0",
            network=True,
            services=frozenset({"elevenlabs"}),
            address=options.url,
            paid=True,
            price=f"elevenlabs/{options.model}",
            clones=options.clone,
            paces=options.follow_pace,
            varies=True,
            spirited=True,
            ipa=options.model in _TAKE_IPA,
            languages=frozenset({"en"}) if options.model in _TAKE_IPA else None,
        )

    def fingerprint(self) -> str:
        """The address, the model and its settings; never the key."""
        settings = self._options.model_dump_json(include={"url", "model", "stability", "similarity", "seed"})
        options = self._options
        return f"elevenlabs:1:{settings}:{','.join(options.voices)}:{options.follow_pace}{':clone' * options.clone}"

    def missing(self) -> list[str]:
        """The key."""
        return [] if secret(_VARIABLE) else [advice(_VARIABLE)]

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """The voices of the options in turn; without any, the account's, deep ones for speakers under 165 Hz.

        With ``clone``, speakers with a clip are cloned, once: a voice made from the same clip is found again.
        """
        self._check(language)
        own = self._clones(references) if self._options.clone else {}
        left = [speaker for speaker in speakers if speaker.id not in own]
        return {**own, **self._given(left)} if left else own

    def _given(self, speakers: Sequence[Speaker]) -> dict[str, str]:
        """Voices that are not cloned."""
        if self._options.voices:
            return {speaker.id: voice for speaker, voice in zip(speakers, itertools.cycle(self._options.voices))}
        listed = [voice for voice in self._listed() if not str(voice.get("name", "")).startswith(_OURS)]
        if not listed:
            raise UnsupportedError(
                "The ElevenLabs account has no voices.", "Add some, or set ids in synthesize.options.voices."
            )
        waiting = {gender: itertools.cycle(_of_gender(listed, gender)) for gender in ("male", "female")}
        return {speaker.id: next(waiting[_gender(speaker, index)]) for index, speaker in enumerate(speakers)}

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line; silence at its ends and between its parts is removed."""
        self._check(language)
        if not any(letter.isalnum() for letter in text):
            raise NothingToSayError(
                f"ElevenLabs has nothing to pronounce in {text[:60]!r}.", "Change or remove the line."
            )
        asked = pieces(_marked(text, manner.ipa), _LIMITS.get(self._options.model, _LIMIT_ELSE))
        parts: list[NDArray[np.float32]] = []
        for piece in asked:
            samples = self._ask(piece, voice, language, pace, manner)
            start, stop = trim_bounds(samples, _RATE_HZ)
            if start < stop:
                parts += [samples[start:stop], np.zeros(round(_PAUSE_S * _RATE_HZ), np.float32)]
        if not parts:
            raise PermanentError(f"ElevenLabs returned silence for {text[:60]!r}.", "Try another model or voice.")
        spoken = levelled(np.concatenate(parts[:-1]), _RATE_HZ)
        write_wav(out, spoken, _RATE_HZ)
        return Spoken(
            audio=out, duration_ms=round(len(spoken) * 1000 / _RATE_HZ), characters=sum(len(piece) for piece in asked)
        )

    def _ask(self, text: str, voice: str, language: str, pace: float, manner: Manner) -> NDArray[np.float32]:
        chosen = self._options
        settings = {
            "stability": round(min(max(chosen.stability - 0.25 * manner.energy, 0.0), 1.0), 3),
            "similarity_boost": chosen.similarity,
            "style": round(0.3 * max(manner.energy, 0.0), 3),
            "speed": min(max(pace, _SPEEDS[0]), _SPEEDS[1]),
        }
        body: dict[str, Any] = {
            "text": text,
            "model_id": chosen.model,
            "voice_settings": settings,
            "seed": chosen.seed + manner.reading,
        }
        if chosen.model != _UNTOLD:
            body["language_code"] = primary(language)
        path = f"/v1/text-to-speech/{quote(voice, safe='')}/with-timestamps?output_format=pcm_{_RATE_HZ}"
        try:
            answer = self._service().post(path, body)
            bill(self.facts.price, characters=len(text))
        except PermanentError as error:
            if "voice_not_found" in error.what:
                raise UnsupportedError(f"ElevenLabs has no voice {voice!r}.", "Choose another id.") from error
            raise
        return _samples(answer)

    def _clones(self, references: Mapping[str, Path]) -> dict[str, str]:
        """The voice of each clip, by speaker; the account is searched first, so that a voice is created once."""
        with _cloning:
            known = {voice.get("name"): voice["voice_id"] for voice in self._listed()} if references else {}
            found = {}
            for speaker, clip in references.items():
                name = f"{_OURS}{file_sha256(clip)[0][:16]}"
                if name not in known:
                    known[name] = self._cloned(name, clip)
                found[speaker] = known[name]
            return found

    def _cloned(self, name: str, clip: Path) -> str:
        form = {"name": name, "description": "Cloned by Polydub with the consent of its speaker."}
        answer = self._service().upload("/v1/voices/add", form, "files", [clip])
        made = answer.get("voice_id") if isinstance(answer, dict) else None
        if not isinstance(made, str):
            raise PermanentError("ElevenLabs returned no voice for a clip.")
        return made

    def _listed(self) -> list[dict[str, Any]]:
        answer = self._service().get("/v1/voices")
        listed = answer.get("voices") if isinstance(answer, dict) else None
        voices = [voice for voice in listed or [] if isinstance(voice, dict) and isinstance(voice.get("voice_id"), str)]
        return sorted(voices, key=lambda voice: voice["voice_id"])

    def _check(self, language: str) -> None:
        if self.facts.languages and primary(language) not in self.facts.languages:
            raise UnsupportedError(
                f"The ElevenLabs model {self._options.model} speaks only English, not {language}.",
                "Choose a multilingual model (synthesize.options.model).",
                language=language,
            )

    def _service(self) -> Service:
        key = secret(_VARIABLE)
        if not key:
            raise MissingBackendError("ElevenLabs needs a key.", advice(_VARIABLE))
        return Service("ElevenLabs", self._options.url, self._options, key=key, variable=_VARIABLE, header="xi-api-key")


def _samples(answer: Any) -> NDArray[np.float32]:
    coded = answer.get("audio_base64") if isinstance(answer, dict) else None
    try:
        raw = base64.b64decode(coded or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raw = b""
    if not raw or len(raw) % 2:
        raise PermanentError("ElevenLabs returned something that is not audio.")
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768.0


def _marked(text: str, ipa: Sequence[tuple[int, int, str]]) -> str:
    """The text with SSML phoneme tags around the words with IPA."""
    parts: list[str] = []
    at = 0
    for start, end, sounds in ipa:
        tag = f'<phoneme alphabet="ipa" ph="{html.escape(sounds)}">{text[start:end]}</phoneme>'
        parts += [text[at:start], tag]
        at = end
    return "".join([*parts, text[at:]])


def _of_gender(listed: Sequence[Mapping[str, Any]], gender: str) -> list[str]:
    """Ids of voices of that gender, or all if there are none; voices without a stated gender come last."""
    matching = [voice["voice_id"] for voice in listed if (voice.get("labels") or {}).get("gender") == gender]
    return matching or [voice["voice_id"] for voice in listed]


def _gender(speaker: Speaker, index: int) -> str:
    deep = speaker.pitch_hz < _MALE_BELOW_HZ if speaker.pitch_hz else index % 2 == 0
    return "male" if deep else "female"
