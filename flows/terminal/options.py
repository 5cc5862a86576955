"""Options that several commands of `polydub` share, and what they override in a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Profile = Annotated[str, typer.Option("--profile", help="offline, studio, commercial, fake, or a .yaml file")]
Out = Annotated[str, typer.Option("--out", help="folder for the deliverables")]
AsJson = Annotated[bool, typer.Option("--json", help="print summary.json to stdout")]
Lipsync = Annotated[
    str | None, typer.Option("--lipsync", help="native, none, auto, or a system of `polydub lipsync list`")
]
Voices = Annotated[str | None, typer.Option("--voices", help="a .yaml file that remembers the series' voices")]
Lexicon = Annotated[str | None, typer.Option("--lexicon", help="a .yaml file of words and how they are pronounced")]
Glossary = Annotated[str | None, typer.Option("--glossary", help="a .yaml or .csv file of names and terms")]
Address = Annotated[str | None, typer.Option("--formality", help="default, formal or informal")]
Consent = Annotated[
    str | None, typer.Option("--consent", help="a .yaml file of who agreed that a voice is cloned or a face sent away")
]
Scene = Annotated[
    str | None, typer.Option("--scene", help="finish the whole picture: cinematic, expressive, natural or broadcast")
]
LoudnessName = Annotated[str | None, typer.Option("--loudness", help="r128, a85, netflix, streaming or podcast")]
Preview = Annotated[float, typer.Option("--preview", help="only the first SECONDS", min=0.0)]


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
) -> dict[str, Any]:
    """What was typed, as a profile writes it."""
    values: dict[str, Any] = {}
    if lipsync:
        values["lipsync"] = {"backend": lipsync}
    if loudness:
        values["loudness"] = loudness
    if voices:
        values["voices"] = _file(voices)
    if lexicon:
        values["synthesize"] = {"lexicon": _file(lexicon)}
    if realign:
        values["realign"] = True
    translate = {"glossary": _file(glossary), "formality": formality}
    if any(translate.values()):
        values["translate"] = {name: value for name, value in translate.items() if value}
    if consent:
        values["consent"] = _file(consent)
    if scene:
        values["scene"] = scene
    return values


def _file(typed: str | None) -> str | None:
    return str(Path(typed).expanduser().absolute()) if typed else None
