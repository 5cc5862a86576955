"""The options that several commands of `polydub` share, each said once, in the groups of `--help`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer


class Group(StrEnum):
    """A heading of `--help`, in the order in which they are shown."""

    LANGUAGES = "Languages and words"
    VOICES = "Voices"
    PICTURE = "Picture and lip sync"
    SOUND = "Sound"
    OUTPUT = "Output"
    RUN = "Run"


class Command(StrEnum):
    """A heading of `polydub --help`."""

    DUB = "Dub"
    FOLLOW = "Follow"
    SERVER = "Server and schedule"
    INSTALLATION = "Installation"


def option(group: Group, *names: str, text: str, metavar: str | None = None, least: float | None = None) -> Any:
    """An option under a heading of `--help`.

    Args:
        group: the heading.
        names: as typed, such as ``--out``.
        text: what it does.
        metavar: stands for its value in the help; None for the type's name.
        least: the smallest number that it takes; None for any.
    """
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=group)


Profile = Annotated[str, option(Group.RUN, "--profile", text="offline, studio, commercial, fake, or a .yaml file")]
Out = Annotated[str, option(Group.OUTPUT, "--out", text="folder for the deliverables")]
AsJson = Annotated[bool, option(Group.OUTPUT, "--json", text="print summary.json to stdout")]
Preview = Annotated[
    str,
    option(
        Group.RUN,
        "--preview",
        text="dub only so many SECONDS, from the first speech on, or a stretch: 20-25",
        metavar="SECONDS|FROM-TO",
    ),
]
DryRun = Annotated[
    bool, option(Group.RUN, "--dry-run", text="show what would be made, what cannot be, and its time, money and disk")
]
Until = Annotated[
    str | None, option(Group.RUN, "--until", text="start no branch that would run past this time of day, such as 06:00")
]
Hours = Annotated[
    float | None, option(Group.RUN, "--hours", text="maximum hours of wall-clock time", metavar="HOURS", least=0.0)
]
GpuMinutes = Annotated[
    float | None,
    option(
        Group.RUN, "--gpu-minutes", text="maximum minutes of all accelerators together", metavar="MINUTES", least=0.0
    ),
]
Usd = Annotated[
    float | None, option(Group.RUN, "--usd", text="maximum US dollars for paid services", metavar="USD", least=0.0)
]
Jobs = Annotated[
    str | None,
    option(
        Group.RUN,
        "--jobs",
        text="steps that compute at once; auto (the default): as cores and memory allow",
        metavar="N|auto",
    ),
]
Deployed = Annotated[bool, option(Group.RUN, "--deployed", text="run on the workers of the server at PREFECT_API_URL")]


@dataclass(frozen=True)
class Changes:
    """The options that change settings of a profile; None or False where one is not given."""

    glossary: Annotated[
        str | None, option(Group.LANGUAGES, "--glossary", text="a .yaml, .csv or .tbx file of names and terms")
    ] = None
    memory: Annotated[
        str | None, option(Group.LANGUAGES, "--memory", text="a .tmx file of what was translated before")
    ] = None
    formality: Annotated[
        str | None, option(Group.LANGUAGES, "--formality", text="form of address: default, formal or informal")
    ] = None
    realign: Annotated[bool, option(Group.LANGUAGES, "--realign", text="realign the subtitles to the speech")] = False
    voices: Annotated[
        str | None, option(Group.VOICES, "--voices", text="a .yaml file with the voices of the series")
    ] = None
    lexicon: Annotated[
        str | None, option(Group.VOICES, "--lexicon", text="a .yaml file of words and their pronunciations")
    ] = None
    consent: Annotated[
        str | None,
        option(Group.VOICES, "--consent", text="a .yaml file of consents to voice cloning and to uploading faces"),
    ] = None
    lipsync: Annotated[
        str | None, option(Group.PICTURE, "--lipsync", text="native, none, auto, or a system of `polydub lipsync list`")
    ] = None
    lipsync_mode: Annotated[
        str | None,
        option(Group.PICTURE, "--lipsync-mode", text="phoneme, or syllable for cartoons and distant faces"),
    ] = None
    lipsync_strength: Annotated[
        float | None,
        option(Group.PICTURE, "--lipsync-strength", text="strength of mouth movement: 0 to 1.5, 1 as planned"),
    ] = None
    lipsync_expression: Annotated[
        str | None, option(Group.PICTURE, "--lipsync-expression", text="preserve, natural or expressive")
    ] = None
    lipsync_lead: Annotated[
        float | None,
        option(
            Group.PICTURE,
            "--lipsync-lead",
            text="lead of the mouth over the sound, 0 to 200 (default: as in the title)",
            metavar="MS",
        ),
    ] = None
    lipsync_stabilise: Annotated[
        bool | None,
        option(Group.PICTURE, "--lipsync-stabilise/--no-lipsync-stabilise", text="remove the face tracker's jitter"),
    ] = None
    lipsync_refine: Annotated[
        bool | None,
        option(
            Group.PICTURE,
            "--lipsync-refine/--no-lipsync-refine",
            text="train a small network on the title (180 s on a GPU)",
        ),
    ] = None
    lipsync_refine_seconds: Annotated[
        float | None,
        option(Group.PICTURE, "--lipsync-refine-seconds", text="seconds of that training; also trains on a CPU"),
    ] = None
    scene: Annotated[
        str | None,
        option(
            Group.PICTURE,
            "--scene",
            text="scene mode of the whole picture: cinematic, expressive, natural or broadcast",
        ),
    ] = None
    height: Annotated[
        str | None,
        option(Group.PICTURE, "--height", text="height of the masters' picture (shorter side): source, 720p or 1080p"),
    ] = None
    upscale: Annotated[bool, option(Group.PICTURE, "--upscale", text="upscale a smaller picture to --height")] = False
    timed_text: Annotated[
        str | None,
        option(
            Group.OUTPUT,
            "--timed-text",
            text="more subtitle files: imsc, ebu-tt-d; sdh, forced; guide (srt and vtt by the style guide)",
            metavar="KINDS",
        ),
    ] = None
    burn: Annotated[
        str | None,
        option(
            Group.OUTPUT,
            "--burn",
            text="also a copy with the subtitles in the picture, for these languages; all: every one",
            metavar="LANGUAGES",
        ),
    ] = None
    burn_style: Annotated[
        str | None, option(Group.OUTPUT, "--burn-style", text="outline, box, or large for social clips")
    ] = None
    loudness: Annotated[
        str | None, option(Group.SOUND, "--loudness", text="r128, a85, netflix, streaming or podcast")
    ] = None
    deliver: Annotated[
        list[str] | None,
        option(
            Group.OUTPUT,
            "--deliver",
            text="presets beside the masters: platform, streaming, broadcast, broadcast-mxf, netflix, podcast",
            metavar="PRESETS",
        ),
    ] = None
    label: Annotated[
        str | None,
        option(Group.OUTPUT, "--label", text="visible label on synthetic dubs: none, eu, cn (China) or text"),
    ] = None
    jobs: Jobs = None

    def settings(self) -> dict[str, Any]:
        """The given options as settings of a profile."""
        lipsync = {
            "backend": self.lipsync,
            "mode": self.lipsync_mode,
            "strength": self.lipsync_strength,
            "expression": self.lipsync_expression,
            "lead_ms": self.lipsync_lead,
            "stabilise": self.lipsync_stabilise,
            "refine": self.lipsync_refine,
            "refine_s": self.lipsync_refine_seconds,
        }
        values = {
            "lipsync": _given(lipsync),
            "loudness": self.loudness,
            "voices": _file(self.voices),
            "synthesize": _given({"lexicon": _file(self.lexicon)}),
            "realign": self.realign,
            "translate": _given(
                {"glossary": _file(self.glossary), "memory": _file(self.memory), "formality": self.formality}
            ),
            "consent": _file(self.consent),
            "scene": self.scene,
            "height": self.height,
            "upscale": self.upscale,
            "deliver": self.deliver,
            "label": self.label,
            "subtitles": {
                **timed_text_of(self.timed_text),
                **_given({"burn": self.burn.split(",") if self.burn else None, "style": self.burn_style}),
            },
            "jobs": jobs_of(self.jobs),
        }
        return {name: value for name, value in values.items() if value}


def timed_text_of(typed: str | None) -> dict[str, Any]:
    """What ``--timed-text`` says, as a profile has it; ends the command where it is none of the kinds."""
    from configs.subtitle_files import settings_of

    try:
        return settings_of((typed or "").split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--timed-text") from error


def jobs_of(typed: str | None) -> int | str | None:
    """What ``--jobs`` says, as a profile has it; ends the command where it is neither a number nor ``auto``."""
    if typed is None or typed == "auto":
        return typed
    if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= 256:
        return int(typed)
    raise typer.BadParameter(f"{typed!r} is neither a number from 1 to 256 nor auto.", param_hint="--jobs")


def with_changes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Changes`, sorted under their headings; it gets them as ``changes``."""
    hints = get_type_hints(Changes, include_extras=True)
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "changes"]
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(Changes)
    ]

    @functools.wraps(command)
    def called(**typed: Any) -> None:
        changes = Changes(**{one.name: typed.pop(one.name) for one in shared})
        command(**typed, changes=changes)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared)]
    called.__signature__ = inspect.Signature(sorted(parameters, key=_place))  # type: ignore[attr-defined]
    return called


def _place(parameter: inspect.Parameter) -> int:
    """Where a parameter's heading stands; arguments first."""
    (info,) = parameter.annotation.__metadata__
    group = getattr(info, "rich_help_panel", None)
    return list(Group).index(group) if group else -1


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _file(typed: str | None) -> str | None:
    return str(Path(typed).expanduser().absolute()) if typed else None
