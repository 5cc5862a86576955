"""Which subtitle files are made beside SubRip and WebVTT, and how they are timed, broken and burned in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from configs.language_names import language_of
from configs.languages import LanguageError

Format = Literal["srt", "vtt", "imsc", "ebu-tt-d"]
BurnStyle = Literal["outline", "box", "large"]
#: Into every language that is dubbed.
EVERY = "all"


class SubtitleSettings(BaseModel):
    """What is made of subtitles. Asking for anything here has all files of a language follow the style guide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formats: tuple[Format, ...] = Field(
        ("srt", "vtt"), description="srt and vtt are always made; imsc: IMSC 1.1 Text; ebu-tt-d: EBU-TT-D"
    )
    guide: bool = Field(False, description="cues by the style guide: on frames, at shots, rows broken by syntax")
    sdh: bool = Field(False, description="a variant with sounds and speakers, for the deaf and hard of hearing")
    forced: bool = Field(False, description="a variant of the words in the picture alone")
    burn: tuple[str, ...] = Field((), description="languages whose subtitles are burned into a copy; all: every one")
    style: BurnStyle = Field("outline", description="of burned-in subtitles: outline, box, or large for social clips")

    @field_validator("burn", mode="before")
    @classmethod
    def _languages(cls, value: Any) -> Any:
        """Languages by tag or name; one text stands for a list of one."""
        named = [value] if isinstance(value, str) else value
        if not isinstance(named, list | tuple):
            return value
        try:
            return tuple(EVERY if one == EVERY else language_of(str(one)) for one in named)
        except LanguageError as error:
            raise ValueError(str(error)) from error

    @property
    def guided(self) -> bool:
        """Whether cues follow the style guide; without anything asked they follow the speech alone."""
        return self != SubtitleSettings.model_validate({})

    @property
    def further(self) -> tuple[Format, ...]:
        """Formats beside SubRip and WebVTT, each once."""
        return tuple(dict.fromkeys(form for form in self.formats if form not in ("srt", "vtt")))

    def burns(self, language: str) -> bool:
        """Whether a language's subtitles are burned into a copy of its master."""
        return language in self.burn or EVERY in self.burn


_SWITCHES = ("guide", "sdh", "forced")
WORDS = (*get_args(Format), *_SWITCHES)


def settings_of(words: Iterable[str]) -> dict[str, Any]:
    """What ``--timed-text imsc,sdh`` or a manifest's column says, as a profile has it.

    Args:
        words: formats and switches, each of `WORDS`.

    Raises:
        ValueError: another word.
    """
    said = list(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    if unknown := [word for word in said if word not in WORDS]:
        raise ValueError(f"{unknown[0][:40]!r} is none of {', '.join(WORDS)}")
    formats = [word for word in said if word not in _SWITCHES]
    return {**({"formats": formats} if formats else {}), **{word: True for word in said if word in _SWITCHES}}
