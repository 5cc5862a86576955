"""Options that several commands of `polydub` share, and what they override in a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Profile = Annotated[str, typer.Option("--profile", help="offline, studio, commercial, fake, or a .yaml file")]
Out = Annotated[str, typer.Option("--out", help="folder for the deliverables")]
AsJson = Annotated[bool, typer.Option("--json", help="print summary.json to stdout")]
Lipsync = Annotated[str | None, typer.Option("--lipsync", help="native, none, or another lip-sync backend")]
Voices = Annotated[str | None, typer.Option("--voices", help="a .yaml file that remembers the series' voices")]
Lexicon = Annotated[str | None, typer.Option("--lexicon", help="a .yaml file of words and how they are pronounced")]
LoudnessName = Annotated[str | None, typer.Option("--loudness", help="r128, a85, netflix, streaming or podcast")]
Preview = Annotated[float, typer.Option("--preview", help="only the first SECONDS", min=0.0)]


def overrides(
    lipsync: str | None,
    loudness: str | None,
    voices: str | None = None,
    lexicon: str | None = None,
    realign: bool = False,
) -> dict[str, Any]:
    """What was typed, as a profile writes it."""
    values: dict[str, Any] = {}
    if lipsync:
        values["lipsync"] = {"backend": lipsync}
    if loudness:
        values["loudness"] = loudness
    if voices:
        values["voices"] = str(Path(voices).expanduser().absolute())
    if lexicon:
        values["synthesize"] = {"lexicon": str(Path(lexicon).expanduser().absolute())}
    if realign:
        values["realign"] = True
    return values
