"""Options shared by several commands of `polydub`, and their profile overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Profile = Annotated[str, typer.Option("--profile", help="offline, studio, commercial, fake, or a .yaml file")]
Out = Annotated[str, typer.Option("--out", help="folder for the deliverables")]
AsJson = Annotated[bool, typer.Option("--json", help="print summary.json to stdout")]
Lipsync = Annotated[
    str | None, typer.Option("--lipsync", help="native, none, auto, or a system of `polydub lipsync list`")
]
LipsyncMode = Annotated[
    str | None, typer.Option("--lipsync-mode", help="phoneme, or syllable for cartoons and distant faces")
]
LipsyncStrength = Annotated[
    float | None, typer.Option("--lipsync-strength", help="strength of mouth movement: 0 to 1.5, 1 as planned")
]
LipsyncExpression = Annotated[str | None, typer.Option("--lipsync-expression", help="preserve, natural or expressive")]
LipsyncLead = Annotated[
    float | None,
    typer.Option(
        "--lipsync-lead", metavar="MS", help="lead of the mouth over the sound, 0 to 200 (default: as in the title)"
    ),
]
LipsyncStabilise = Annotated[
    bool | None, typer.Option("--lipsync-stabilise/--no-lipsync-stabilise", help="remove the face tracker's jitter")
]
LipsyncRefine = Annotated[
    bool | None,
    typer.Option("--lipsync-refine/--no-lipsync-refine", help="train a small network on the title (180 s on a GPU)"),
]
LipsyncRefineSeconds = Annotated[
    float | None, typer.Option("--lipsync-refine-seconds", help="seconds of that training, on a CPU too")
]
Height = Annotated[
    str | None, typer.Option("--height", help="height of the masters' picture (shorter side): source, 720p or 1080p")
]
Upscale = Annotated[bool, typer.Option("--upscale", help="upscale a smaller picture to --height")]
Realign = Annotated[bool, typer.Option("--realign", help="realign the subtitles to the speech")]
Voices = Annotated[str | None, typer.Option("--voices", help="a .yaml file with the voices of the series")]
Lexicon = Annotated[str | None, typer.Option("--lexicon", help="a .yaml file of words and their pronunciations")]
Glossary = Annotated[str | None, typer.Option("--glossary", help="a .yaml or .csv file of names and terms")]
Address = Annotated[str | None, typer.Option("--formality", help="form of address: default, formal or informal")]
Consent = Annotated[
    str | None, typer.Option("--consent", help="a .yaml file of consents to voice cloning and to uploading faces")
]
Scene = Annotated[
    str | None,
    typer.Option("--scene", help="scene mode of the whole picture: cinematic, expressive, natural or broadcast"),
]
LoudnessName = Annotated[str | None, typer.Option("--loudness", help="r128, a85, netflix, streaming or podcast")]
Preview = Annotated[float, typer.Option("--preview", help="dub only the first SECONDS", min=0.0)]


def overrides(
    lipsync: str | None,
    loudness: str | None,
    voices: str | None = None,
    lexicon: str | None = None,
    realign: bool = False,
    glossary: str | None = None,
    formality: str | None = None,
    consent: str | None = None,
    scene: str | None = None,
    height: str | None = None,
    upscale: bool = False,
    style: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The given options as profile settings; ``style`` by the names of `LipsyncStyle`, None for options not given."""
    values = {
        "lipsync": _given({"backend": lipsync, **(style or {})}),
        "loudness": loudness,
        "voices": _file(voices),
        "synthesize": _given({"lexicon": _file(lexicon)}),
        "realign": realign,
        "translate": _given({"glossary": _file(glossary), "formality": formality}),
        "consent": _file(consent),
        "scene": scene,
        "height": height,
        "upscale": upscale,
    }
    return {name: value for name, value in values.items() if value}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _file(typed: str | None) -> str | None:
    return str(Path(typed).expanduser().absolute()) if typed else None


def lipsync_style(
    mode: str | None,
    strength: float | None,
    expression: str | None,
    lead_ms: float | None,
    stabilise: bool | None,
    refine: bool | None,
    refine_s: float | None,
) -> dict[str, Any]:
    """The given lip-sync options, by the names of `LipsyncStyle`."""
    return {
        "mode": mode,
        "strength": strength,
        "expression": expression,
        "lead_ms": lead_ms,
        "stabilise": stabilise,
        "refine": refine,
        "refine_s": refine_s,
    }
