"""The voices of a series: a YAML file beside its titles that remembers who speaks with which voice.

It is written by Polydub and meant to be edited; comments that a person writes into it are not kept::

    speakers:
      Anna:
        pitch_hz: 210.0
        voiceprint: ...            # knows her again where no subtitles name her
        clip: voices.clips/Anna-1f2e3d4c.wav   # for backends that clone
        voices:
          espeak: {es: roa/es+f2}
          elevenlabs: {"*": 21m00Tcm4TlvDq8ikWAM}   # "*": every language

Several runs may use one file: whoever changes it holds a lock, reads it anew, and replaces it in one move.
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
#: In place of a language: every one.
ALL = "*"
_VOICEPRINT_BYTES = 512


class SeriesSpeaker(BaseModel):
    """One speaker of a series; ``voices`` is backend to language to voice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pitch_hz: float = Field(0.0, ge=0, le=1000)
    voiceprint: str = ""
    clip: str = ""
    voices: dict[str, dict[str, str]] = Field(default_factory=dict)

    @field_validator("voiceprint")
    @classmethod
    def _whole(cls, value: str) -> str:
        if value and len(base64.b64decode(value, validate=True)) != _VOICEPRINT_BYTES:
            raise ValueError("it is not whole")
        return value

    @field_validator("voices")
    @classmethod
    def _named(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Backends look some voices up as files, or write them into an address."""
        for voice in (voice for known in value.values() for voice in known.values()):
            if len(voice) > 200 or not voice.isprintable() or voice.startswith("/") or ".." in voice:
                raise ValueError(f"{voice[:40]!r} is no voice's name")
        return value

    def voice(self, backend: str, language: str) -> str:
        """The voice that is remembered: of the very tag, of its language, of all; empty without one."""
        known = self.voices.get(backend, {})
        return next((known[tag] for tag in (language, primary(language), ALL) if tag in known), "")

    def with_voice(self, backend: str, language: str, voice: str) -> SeriesSpeaker:
        """The same speaker with one more voice."""
        voices = {**self.voices, backend: {**self.voices.get(backend, {}), language: voice}}
        return self.model_copy(update={"voices": voices})


class Series(BaseModel):
    """Everybody whom a series knows, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speakers: dict[str, SeriesSpeaker] = Field(default_factory=dict)

    def name_of(self, name: str) -> str | None:
        """The name as the file has it, in whatever case it is asked for."""
        return next((known for known in self.speakers if known.casefold() == name.casefold()), None)

    def with_speaker(self, name: str, speaker: SeriesSpeaker) -> Series:
        """The series with this speaker, new or changed."""
        return self.model_copy(update={"speakers": {**self.speakers, name: speaker}})

    def free_name(self) -> str:
        """A name for somebody whom nobody named."""
        number = len(self.speakers) + 1
        while self.name_of(f"Speaker {number}"):
            number += 1
        return f"Speaker {number}"


def read_series(path: Path) -> Series:
    """Read a series file; one that is not there yet is empty.

    Raises:
        BadInputError: not readable or not valid; names the speaker and the field.
    """
    try:
        values = read_yaml(path)
    except FileNotFoundError:
        return Series()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"The voices file {path} cannot be read: {error}.", "Check the path.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"The voices file {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    try:
        return Series.model_validate(values or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInputError(f"The voices file {path} is not valid: {where}: {first['msg']}.", "Mend it.") from error


@contextlib.contextmanager
def locked_series(path: Path) -> Iterator[None]:
    """Hold the file: another run that wants to change it waits. Freed by the kernel if the holder dies.

    Raises:
        BadInputError: its folder is not there or cannot be written.
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
    """A speaker's voice sample; it lies below the series file's folder.

    Raises:
        BadInputError: it is not there, or somewhere else.
    """
    clip = path.parent / entry.clip
    if not _is_beside(path, clip):
        raise BadInputError(
            f"The voices file {path} names a clip of {name} outside of its folder: {entry.clip}.", "Copy it there."
        )
    if not clip.is_file():
        raise BadInputError(
            f"The voices file {path} names a clip of {name} that is not there: {entry.clip}.", "Mend it."
        )
    return clip


def _is_beside(path: Path, file: Path) -> bool:
    try:
        return file.resolve().is_relative_to(path.parent.resolve())
    except (OSError, ValueError, RuntimeError):  # no file name, or a loop of links
        return False


def keep_clip(path: Path, name: str, clip: Path) -> str:
    """Copy a voice sample beside the series file; its path from there.

    Raises:
        BadInputError: the folder of the samples is a link to somewhere else.
    """
    folder = path.with_name(f"{path.stem}.clips")
    if not _is_beside(path, folder):
        raise BadInputError(f"{folder} is a link to another place.", "Take the link away.")
    folder.mkdir(exist_ok=True)
    safe = re.sub(r"[^\w-]+", "_", name)[:40] or "speaker"
    kept = folder / f"{safe}-{file_sha256(clip)[0][:8]}{clip.suffix}"
    with staged(kept) as part:
        shutil.copyfile(clip, part)
    return str(kept.relative_to(path.parent))
