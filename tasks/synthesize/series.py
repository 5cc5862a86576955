"""The voices of a series: a YAML file with the voice of each speaker, stored beside its titles.

It is written by Polydub and may be edited; comments are not preserved::

    speakers:
      Anna:
        pitch_hz: 210.0
        voiceprint: ...            # recognises her if no subtitles name her
        clip: voices.clips/Anna-1f2e3d4c.wav   # for backends that clone
        voices:
          espeak: {es: roa/es+f2}
          elevenlabs: {"*": 21m00Tcm4TlvDq8ikWAM}   # "*": every language

Several runs may use one file: a writer locks it, reads it again, and replaces it atomically.
"""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from configs.languages import primary
from tasks.keep.digests import file_sha256
from tasks.keep.locks import locked
from tasks.keep.staging import staged
from tasks.records.errors import BadInputError
from tasks.records.small_yaml import read_yaml

_HEAD = "# The voices of this series, kept by Polydub. Names, voices and clips may be edited.\n"
#: In place of a language: all languages.
ALL = "*"
_VOICEPRINT_BYTES = 512


class SeriesSpeaker(BaseModel):
    """One speaker of a series; ``voices`` maps backend to language to voice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pitch_hz: float = Field(0.0, ge=0, le=1000)
    voiceprint: str = ""
    clip: str = ""
    voices: dict[str, dict[str, str]] = Field(default_factory=dict)

    @field_validator("voiceprint")
    @classmethod
    def _whole(cls, value: str) -> str:
        if value and len(base64.b64decode(value, validate=True)) != _VOICEPRINT_BYTES:
            raise ValueError("it is not complete")
        return value

    @field_validator("voices")
    @classmethod
    def _named(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Validate voice names: some backends use them in file names or URLs."""
        for voice in (voice for known in value.values() for voice in known.values()):
            if len(voice) > 200 or not voice.isprintable() or voice.startswith("/") or ".." in voice:
                raise ValueError(f"{voice[:40]!r} is not a valid voice name")
        return value

    def voice(self, backend: str, language: str) -> str:
        """The stored voice: for the exact tag, its language, or all languages; empty if there is none."""
        known = self.voices.get(backend, {})
        return next((known[tag] for tag in (language, primary(language), ALL) if tag in known), "")

    def with_voice(self, backend: str, language: str, voice: str) -> SeriesSpeaker:
        """The same speaker with one more voice.

        Args:
            backend: name of the backend.
            language: BCP-47 tag, or ``"*"``.
            voice: the backend's name of the voice.
        """
        voices = {**self.voices, backend: {**self.voices.get(backend, {}), language: voice}}
        return self.model_copy(update={"voices": voices})


class Series(BaseModel):
    """The speakers of a series by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speakers: dict[str, SeriesSpeaker] = Field(default_factory=dict)

    def name_of(self, name: str) -> str | None:
        """The name as written in the file, looked up in any case."""
        return next((known for known in self.speakers if known.casefold() == name.casefold()), None)

    def with_speaker(self, name: str, speaker: SeriesSpeaker) -> Series:
        """The series with this speaker added or replaced."""
        return self.model_copy(update={"speakers": {**self.speakers, name: speaker}})

    def free_name(self) -> str:
        """An unused name for an unnamed speaker."""
        number = len(self.speakers) + 1
        while self.name_of(f"Speaker {number}"):
            number += 1
        return f"Speaker {number}"


def read_series(path: Path) -> Series:
    """Read a series file; a missing file is an empty series.

    Raises:
        BadInputError: not readable or not valid; names the speaker and the field.
    """
    try:
        values = read_yaml(path)
    except FileNotFoundError:
        return Series()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The voices file {path} cannot be read: {getattr(error, 'strerror', None) or error}.", "Check the path."
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"The voices file {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    try:
        return Series.model_validate(values or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInputError(f"The voices file {path} is not valid: {where}: {first['msg']}.", "Correct it.") from error


@contextlib.contextmanager
def locked_series(path: Path) -> Iterator[None]:
    """Lock the file: other writers wait. The kernel frees the lock if the holder dies.

    Raises:
        BadInputError: its folder does not exist or cannot be written.
    """
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(locked(path.with_name(f".{path.name}.lock")))
        except OSError as error:
            raise BadInputError(
                f"The voices file {path} cannot be kept: {error.strerror}.",
                "Name a file in a folder that can be written.",
            ) from error
        yield


def write_series(path: Path, series: Series) -> None:
    """Replace the file in one move; to be called inside `locked_series`."""
    plain = {"speakers": {name: one.model_dump(exclude_defaults=True) for name, one in series.speakers.items()}}
    text = _HEAD + yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=10_000)
    with staged(path) as part:
        part.write_text(text, "utf-8")


def clip_of(path: Path, name: str, entry: SeriesSpeaker) -> Path:
    """A speaker's voice sample, inside the series file's folder.

    Args:
        path: the series file.
        name: of the speaker, for messages.
        entry: the speaker.

    Raises:
        BadInputError: it does not exist, or is outside the folder.
    """
    clip = path.parent / entry.clip
    if not _is_beside(path, clip):
        raise BadInputError(
            f"The voices file {path} names a clip of {name} outside its folder: {entry.clip}.", "Copy it there."
        )
    if not clip.is_file():
        raise BadInputError(
            f"The voices file {path} names a clip of {name} that does not exist: {entry.clip}.", "Correct it."
        )
    return clip


def _is_beside(path: Path, file: Path) -> bool:
    try:
        return file.resolve().is_relative_to(path.parent.resolve())
    except (OSError, ValueError, RuntimeError):  # no file name, or a loop of links
        return False


def keep_clip(path: Path, name: str, clip: Path) -> str:
    """Copy a voice sample next to the series file, and return its relative path.

    Args:
        path: the series file.
        name: of the speaker.
        clip: the sample, WAV.

    Raises:
        BadInputError: the folder of the samples is a link to another place.
    """
    folder = path.with_name(f"{path.stem}.clips")
    if not _is_beside(path, folder):
        raise BadInputError(f"{folder} is a link to another place.", "Remove the link.")
    folder.mkdir(exist_ok=True)
    safe = re.sub(r"[^\w-]+", "_", name)[:40] or "speaker"
    kept = folder / f"{safe}-{file_sha256(clip)[0][:8]}{clip.suffix}"
    with staged(kept) as part:
        shutil.copyfile(clip, part)
    return str(kept.relative_to(path.parent))
