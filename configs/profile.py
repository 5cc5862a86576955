"""Profiles: the backend and options of each step, from a YAML file, then ``POLYDUB_*`` variables, then flags."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from configs.credentials import CredentialsSettings, is_file
from configs.delivery import ALWAYS, asked_for
from configs.labels import LabelKind
from configs.languages import LanguageError, parse_language
from configs.lipsync_style import LipsyncStyle
from configs.loudness import loudness_presets
from configs.night import BudgetSettings, NotifySettings
from configs.review import ReviewSettings
from configs.scene_modes import scene_modes
from configs.sound import IngestSettings, MixSettings
from configs.sources import SourceSettings
from configs.subtitle_files import SubtitleSettings


class ProfileError(ValueError):
    """A missing or invalid profile."""


class StepSettings(BaseModel):
    """The backend of one step and its options (checked by the backend itself)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str
    options: dict[str, Any] = {}


Formality = Literal["default", "formal", "informal"]


class ChainedSettings(StepSettings):
    """A backend with fallbacks for when it is not installed or does not support the language."""

    fallbacks: tuple[StepSettings, ...] = Field((), description="backends to try in this order if it cannot")

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A bare name stands for a backend without options."""
        if isinstance(value, list | tuple):
            return [{"backend": entry} if isinstance(entry, str) else entry for entry in value]
        return value


class TranslateSettings(ChainedSettings):
    """The translator, its fallbacks, and settings of all of them."""

    glossary: str | None = Field(None, description="a .yaml, .csv or .tbx file of names and terms")
    memory: str | None = Field(None, description="a .tmx file of what was translated before")
    formality: Formality = "default"
    language_check: bool = Field(True, description="a translation in a wrong language counts as a failure")


class SynthesizeSettings(ChainedSettings):
    """The synthesis backend, its fallbacks, and settings of all of them."""

    takes: int = Field(1, ge=1, le=8, description="takes of each line, of which the best is kept")
    retakes: int | None = Field(
        None, ge=0, le=5, description="retakes of an unintelligible line; default 2, none for paid voices"
    )
    lexicon: str | None = Field(None, description="a .yaml file of words and their pronunciations")


class LipsyncSettings(StepSettings, LipsyncStyle):
    """The lip-sync backend and style; settings here override the same ones among the backend's options."""


class FitSettings(BaseModel):
    """How speech is fitted into its slot; factors above 1 are faster.

    Attributes:
        slowest: slowest factor that goes unnoticed.
        fastest: fastest factor that goes unnoticed.
        hardest: limit where the pauses around a line do not give enough room; never below ``fastest``.
        gap_ms: silence kept before the next line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slowest: float = Field(0.87, ge=0.5, le=1.0)
    fastest: float = Field(1.15, ge=1.0, le=2.0)
    hardest: float = Field(1.20, ge=1.0, le=2.0)
    gap_ms: int = Field(80, ge=0, le=2000, description="silence kept before the next line when a pause is borrowed")


class PaceSettings(BaseModel):
    """Speaking rate of voices, as a factor of their normal pace; above 1 is faster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slowest: float = Field(0.85, ge=0.5, le=1.0, description="pace of a speaker over the whole title")
    fastest: float = Field(1.25, ge=1.0, le=2.0)
    line: float = Field(0.10, ge=0.0, le=0.5, description="how far one line may differ from its speaker's pace")
    slowest_line: float = Field(
        0.65, ge=0.5, le=1.0, description="slowest pace of a short line whose actor speaks as slowly"
    )
    pause_ms: int = Field(
        350, ge=0, le=1000, description="maximum lengthening of a pause inside a line that is too short"
    )
    tries: int = Field(3, ge=1, le=6, description="maximum takes of a line to reach its length")


class Profile(BaseModel):
    """All settings of a run beyond its titles and languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fake: bool = False
    commercial: bool = False
    sidecar: bool = Field(True, description="use subtitle files next to the video")
    realign: bool = Field(False, description="realign subtitles to the speech")
    source_language: str | None = None
    voices: str | None = Field(None, description="a .yaml file with the voices of a series' speakers")
    consent: str | None = Field(None, description="a .yaml file of consents to voice cloning and re-animation")
    scene: str | None = Field(None, description="a scene mode that finishes the whole picture")
    height: Literal["source", "720p", "1080p"] = Field("source", description="lines of the masters' shorter side")
    upscale: bool = Field(False, description="upscale a picture of fewer lines to that height")
    loudness: str = "r128"
    label: LabelKind = Field("none", description="a visible label on synthetic dubs, and whose metadata goes with it")
    deliver: Annotated[tuple[str, ...], NoDecode] = Field((ALWAYS,), description="presets of configs/delivery.yaml")
    separate: StepSettings
    transcribe: ChainedSettings
    diarize: StepSettings
    translate: TranslateSettings
    synthesize: SynthesizeSettings
    watermark: ChainedSettings = Field(
        default_factory=lambda: ChainedSettings.model_validate({"backend": "none"}),
        description="the mark in lines that a voice speaks",
    )
    lipsync: LipsyncSettings
    pace: PaceSettings = Field(default_factory=lambda: PaceSettings.model_validate({}))
    fit: FitSettings = Field(default_factory=lambda: FitSettings.model_validate({}))
    mix: MixSettings = Field(default_factory=lambda: MixSettings.model_validate({}))
    ingest: IngestSettings = Field(default_factory=lambda: IngestSettings.model_validate({}))
    subtitles: SubtitleSettings = Field(default_factory=lambda: SubtitleSettings.model_validate({}))
    waivers: dict[str, str] = Field({}, description="quality gates whose failure is accepted, with the reason")
    jobs: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        "auto", description="steps that compute at once on a machine; auto: as its cores and memory allow"
    )
    branches_at_once: int | None = Field(None, ge=1, le=64, description="languages of a title at once; default: jobs")
    titles_at_once: int | None = Field(
        None, ge=1, le=64, description="titles at once; default: jobs, or one on the workers of a server"
    )
    max_title_seconds: int = Field(
        4 * 3600, ge=1, le=100 * 3600, description="maximum length of a title or a recording for it"
    )
    budget: BudgetSettings = Field(
        default_factory=lambda: BudgetSettings.model_validate({}), description="budget of a batch"
    )
    notify: NotifySettings = Field(default_factory=NotifySettings, description="recipients of a batch's result")
    review: ReviewSettings = Field(
        default_factory=lambda: ReviewSettings.model_validate({}), description="where a language waits for approval"
    )
    credentials: CredentialsSettings = Field(
        default_factory=lambda: CredentialsSettings.model_validate({}), description="key that signs the masters"
    )
    sources: SourceSettings = Field(
        default_factory=lambda: SourceSettings.model_validate({}), description="where titles may be fetched from"
    )
    prices: dict[str, dict[str, float]] = Field({}, description="USD per million units, over configs/prices.yaml")

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

    @field_validator("deliver", mode="before")
    @classmethod
    def _known_presets(cls, value: Any) -> Any:
        return asked_for(value)

    @field_validator("loudness")
    @classmethod
    def _known_preset(cls, value: str) -> str:
        if value not in loudness_presets():
            raise ValueError(f"no loudness preset {value!r}; choose one of {', '.join(loudness_presets())}")
        return value


class _Environment(Profile, BaseSettings):
    """A profile's values in ``POLYDUB_*`` variables (``POLYDUB_TRANSLATE__BACKEND``)."""

    model_config = SettingsConfigDict(env_prefix="POLYDUB_", env_nested_delimiter="__")


Section = Literal["separate", "transcribe", "diarize", "translate", "synthesize", "watermark", "lipsync"]
SECTIONS: tuple[Section, ...] = get_args(Section)
#: Settings that belong to a section's backend and change with it; a translator's fallbacks serve any first translator.
_OF_BACKEND = {name: ("options",) if name == "translate" else ("options", "fallbacks") for name in SECTIONS}


def profile_names() -> list[str]:
    """The bundled profiles, and the operator's in the folders of ``POLYDUB_PROFILES``."""
    return sorted({*_packaged(), *_of_the_operator()})


def is_profile_name(name: str) -> bool:
    """Whether a text can be a profile's name: a short file name without extension or path."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", name, re.ASCII) is not None


def _packaged() -> list[str]:
    found = (entry.name for entry in files("configs.profiles").iterdir())
    return [name.removesuffix(".yaml") for name in found if name.endswith(".yaml")]


def _of_the_operator() -> dict[str, Path]:
    """Files by profile name; the first folder with a name counts, and bundled profiles cannot be replaced."""
    return {name: path for name, path in reversed([*_kept_files()]) if name not in _packaged()}


def _kept_files() -> Iterator[tuple[str, Path]]:
    for folder in filter(None, os.environ.get("POLYDUB_PROFILES", "").split(os.pathsep)):
        for path in sorted(Path(folder).expanduser().absolute().glob("*.yaml")):
            if is_profile_name(path.stem):
                yield path.stem, path


def load_profile(name: str, overrides: dict[str, Any] | None = None) -> Profile:
    """Read a profile by name, or from a ``.yaml`` file.

    Args:
        name: one of `profile_names`, or the path of a YAML file (``extends`` names its base profile). A file may name
            programs, addresses and keys, so only the operator's are read here.
        overrides: values from the command line; they take precedence over everything.

    Raises:
        ProfileError: unknown profile, unreadable file, unknown key or a value that is not allowed.
    """
    try:
        environment = EnvSettingsSource(_Environment)()
        return Profile.model_validate(merged(merged(_read(name), environment), overrides or {}))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or name}: {_reason(fault)}" for fault in error.errors())
        raise ProfileError(f"Profile {name!r} is not valid: {faults}.") from error


def _reason(fault: Any) -> str:
    """What pydantic says of a value, in our words where they are ours."""
    return str(fault["msg"]).removeprefix("Value error, ")


def _read(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    if name in seen:
        raise ProfileError(f"Profile {name!r} extends itself.")
    kept = _of_the_operator()
    path = Path(name) if name.endswith((".yaml", ".yml")) else kept.get(name)
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(
                f"Profile file {name!r} cannot be read: {getattr(error, 'strerror', None) or error}."
            ) from error
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
    """Resolve the files that a profile names, relative to the profile."""
    for table, name in (
        (values.get("translate"), "glossary"),
        (values.get("translate"), "memory"),
        (values.get("synthesize"), "lexicon"),
        (values, "voices"),
        (values, "consent"),
    ):
        if isinstance(table, dict) and isinstance(table.get(name), str):
            table[name] = str(folder / table[name])
    if isinstance(signing := values.get("credentials"), dict):
        _beside_keys(signing, folder)


def _beside_keys(signing: dict[str, Any], folder: Path) -> None:
    """The same for the files of its ``credentials``; a secret is no file."""
    for name in ("key", "certificate"):
        if isinstance(signing.get(name), str) and is_file(signing[name]):
            signing[name] = str(folder / signing[name])
    trust = signing.get("trust")
    files = [trust] if isinstance(trust, str) else trust
    if isinstance(files, list):
        signing["trust"] = [str(folder / one) if isinstance(one, str) else one for one in files]


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Settings overridden by others; another backend does not inherit the first one's options."""
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
