"""Profiles: which backend does each step, and how: a YAML file, under ``POLYDUB_*`` variables, under flags."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from configs.languages import LanguageError, parse_language
from configs.lipsync_style import LipsyncStyle
from configs.loudness import loudness_presets
from configs.night import BudgetSettings, NotifySettings
from configs.scene_modes import scene_modes
from configs.sound import IngestSettings, MixSettings


class ProfileError(ValueError):
    """A profile that does not exist or does not say what it should."""


class StepSettings(BaseModel):
    """The backend of one step and its options (checked by the backend itself)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str
    options: dict[str, Any] = {}


Formality = Literal["default", "formal", "informal"]


class ChainedSettings(StepSettings):
    """A backend, and those that stand in where it is not installed or cannot do the language."""

    fallbacks: tuple[StepSettings, ...] = Field((), description="asked in this order where the backend cannot")

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A bare name stands for a backend without options."""
        if isinstance(value, list | tuple):
            return [{"backend": entry} if isinstance(entry, str) else entry for entry in value]
        return value


class TranslateSettings(ChainedSettings):
    """The translator, those that stand in where it fails, and what all of them respect."""

    glossary: str | None = Field(None, description="a .yaml or .csv file of names and terms")
    formality: Formality = "default"
    language_check: bool = Field(True, description="an answer in a wrong language counts as a failure")


class SynthesizeSettings(ChainedSettings):
    """The voices' backend, and what all of them respect."""

    takes: int = Field(1, ge=1, le=8, description="readings of each line, of which the best is kept")
    retakes: int | None = Field(
        None, ge=0, le=5, description="of a line that is not understood; 2, and none where a voice is paid for"
    )
    lexicon: str | None = Field(None, description="a .yaml file of words and how they are pronounced")


class LipsyncSettings(StepSettings, LipsyncStyle):
    """Who draws the mouths, and how: what is said here goes over the same choice among the backend's options."""


class FitSettings(BaseModel):
    """How speech is laid into its slot; factors above 1 are faster.

    Attributes:
        slowest: what goes unnoticed.
        fastest: what goes unnoticed.
        hardest: what is allowed where the pauses around a line do not make room enough; never below ``fastest``.
        gap_ms: silence kept before the next line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slowest: float = Field(0.87, ge=0.5, le=1.0)
    fastest: float = Field(1.15, ge=1.0, le=2.0)
    hardest: float = Field(1.20, ge=1.0, le=2.0)
    gap_ms: int = Field(80, ge=0, le=2000, description="silence kept before the next line when a pause is borrowed")


class PaceSettings(BaseModel):
    """How fast voices are asked to speak, as a factor of their own pace; above 1 is faster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slowest: float = Field(0.85, ge=0.5, le=1.0, description="of a speaker over the whole title")
    fastest: float = Field(1.25, ge=1.0, le=2.0)
    line: float = Field(0.10, ge=0.0, le=0.5, description="how far one line may differ from its speaker's pace")
    slowest_line: float = Field(
        0.65, ge=0.5, le=1.0, description="of a line that is too short otherwise, and whose actor speaks as slowly"
    )
    pause_ms: int = Field(
        350, ge=0, le=1000, description="a pause inside a line may grow by so much where the line is too short"
    )
    tries: int = Field(3, ge=1, le=6, description="at most so many takes of a line in search of its length")


class Profile(BaseModel):
    """Everything that a run is told beyond its titles and languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fake: bool = False
    commercial: bool = False
    sidecar: bool = Field(True, description="use subtitles that lie beside the video")
    realign: bool = Field(False, description="move subtitles to where the speech is")
    source_language: str | None = None
    voices: str | None = Field(None, description="a .yaml file that remembers the voices of a series' speakers")
    consent: str | None = Field(None, description="a .yaml file of who agreed to be cloned or re-animated")
    scene: str | None = Field(None, description="a scene mode that finishes the whole picture")
    height: Literal["source", "720p", "1080p"] = Field("source", description="lines of the masters' shorter side")
    upscale: bool = Field(False, description="a picture of fewer lines is enlarged to that height")
    loudness: str = "r128"
    separate: StepSettings
    transcribe: ChainedSettings
    diarize: StepSettings
    translate: TranslateSettings
    synthesize: SynthesizeSettings
    lipsync: LipsyncSettings
    pace: PaceSettings = Field(default_factory=lambda: PaceSettings.model_validate({}))
    fit: FitSettings = Field(default_factory=lambda: FitSettings.model_validate({}))
    mix: MixSettings = Field(default_factory=lambda: MixSettings.model_validate({}))
    ingest: IngestSettings = Field(default_factory=lambda: IngestSettings.model_validate({}))
    waivers: dict[str, str] = Field({}, description="quality gates whose failure is accepted, with the reason")
    branches_at_once: int = Field(1, ge=1, le=64)
    titles_at_once: int = Field(1, ge=1, le=64, description="of a batch")
    max_title_seconds: int = Field(
        4 * 3600, ge=1, le=100 * 3600, description="a title, and a recording beside one, that lasts longer is refused"
    )
    budget: BudgetSettings = Field(
        default_factory=lambda: BudgetSettings.model_validate({}), description="what a batch may spend"
    )
    notify: NotifySettings = Field(default_factory=NotifySettings, description="who is told how a batch ended")
    prices: dict[str, dict[str, float]] = Field({}, description="USD a million units, in place of configs/prices.yaml")

    @field_validator("source_language")
    @classmethod
    def _a_language(cls, value: str | None) -> str | None:
        try:
            return None if value is None else parse_language(value)
        except LanguageError as error:
            raise ValueError(str(error)) from error

    @field_validator("scene")
    @classmethod
    def _known_scene(cls, value: str | None) -> str | None:
        if value is not None and value not in scene_modes():
            raise ValueError(f"no scene mode {value!r}; choose one of {', '.join(scene_modes())}")
        return value

    @field_validator("loudness")
    @classmethod
    def _known_preset(cls, value: str) -> str:
        if value not in loudness_presets():
            raise ValueError(f"no loudness preset {value!r}; choose one of {', '.join(loudness_presets())}")
        return value


class _Environment(Profile, BaseSettings):
    """How ``POLYDUB_*`` variables name a profile's values (``POLYDUB_TRANSLATE__BACKEND``)."""

    model_config = SettingsConfigDict(env_prefix="POLYDUB_", env_nested_delimiter="__")


Section = Literal["separate", "transcribe", "diarize", "translate", "synthesize", "lipsync"]
SECTIONS: tuple[Section, ...] = get_args(Section)
#: What belongs to a section's backend and goes with it: a translator's fallbacks are asked whichever is the first.
_OF_BACKEND = {name: ("options",) if name == "translate" else ("options", "fallbacks") for name in SECTIONS}


def profile_names() -> list[str]:
    """The profiles that come with Polydub, and those that the operator keeps in the folders of ``POLYDUB_PROFILES``."""
    return sorted({*_packaged(), *_of_the_operator()})


def is_profile_name(name: str) -> bool:
    """Whether a text can be a profile's name: a short file name without its ending, and no path."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", name, re.ASCII) is not None


def _packaged() -> list[str]:
    found = (entry.name for entry in files("configs.profiles").iterdir())
    return [name.removesuffix(".yaml") for name in found if name.endswith(".yaml")]


def _of_the_operator() -> dict[str, Path]:
    """Name to file; of one name in two folders the first counts, and a packaged profile is not replaced."""
    return {name: path for name, path in reversed([*_kept_files()]) if name not in _packaged()}


def _kept_files() -> Iterator[tuple[str, Path]]:
    for folder in filter(None, os.environ.get("POLYDUB_PROFILES", "").split(os.pathsep)):
        for path in sorted(Path(folder).expanduser().absolute().glob("*.yaml")):
            if is_profile_name(path.stem):
                yield path.stem, path


def load_profile(name: str, overrides: dict[str, Any] | None = None) -> Profile:
    """Read a profile by name, or from a ``.yaml`` file.

    Args:
        name: of `profile_names`, or the path of a YAML file (its ``extends`` names the profile it starts from). A file
            may name programs, addresses and keys: the operator's alone is read here.
        overrides: values set on the command line; they win over everything.

    Raises:
        ProfileError: unknown profile, unreadable file, unknown key or a value that is not allowed.
    """
    try:
        environment = EnvSettingsSource(_Environment)()
        return Profile.model_validate(merged(merged(_read(name), environment), overrides or {}))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or name}: {fault['msg']}" for fault in error.errors())
        raise ProfileError(f"Profile {name!r} is not valid: {faults}.") from error


def _read(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    if name in seen:
        raise ProfileError(f"Profile {name!r} extends itself.")
    kept = _of_the_operator()
    path = Path(name) if name.endswith((".yaml", ".yml")) else kept.get(name)
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(f"Profile file {name!r} cannot be read: {error}.") from error
    elif name in _packaged():
        text = files("configs.profiles").joinpath(f"{name}.yaml").read_text("utf-8")
    else:
        raise ProfileError(
            f"There is no profile {name!r}. Choose one of {', '.join(profile_names())}, or give a .yaml file."
        )
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(f"Profile {name!r} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise ProfileError(f"Profile {name!r} must be a table of settings.")
    values.setdefault("name", path.stem if path else name)
    if path is not None:
        _beside(values, path.absolute().parent)
    base = values.pop("extends", None)
    return values if base is None else merged(_read(str(base), (*seen, name)), values)


def _beside(values: dict[str, Any], folder: Path) -> None:
    """Files that a profile names lie beside it."""
    for table, name in (
        (values.get("translate"), "glossary"),
        (values.get("synthesize"), "lexicon"),
        (values, "voices"),
        (values, "consent"),
    ):
        if isinstance(table, dict) and isinstance(table.get(name), str):
            table[name] = str(folder / table[name])


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Settings under others that win; another backend does not inherit the first one's options."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if key in SECTIONS and isinstance(old, dict) and isinstance(value, dict):
            swapped = "backend" in value and value["backend"] != old.get("backend")
            kept = {name: entry for name, entry in old.items() if not (swapped and name in _OF_BACKEND[key])}
            result[key] = {**kept, **value}
        elif isinstance(old, dict) and isinstance(value, dict):
            result[key] = {**old, **value}
        else:
            result[key] = value
    return result
