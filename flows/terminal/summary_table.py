"""Summaries in the terminal: the outcome of each language, with its master and report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from flows.kept.approvals import in_words
from flows.kept.deliver import REVIEW
from flows.kept.review import tally
from flows.printed import Console
from tasks.records.errors import BadInputError

_COLOURS = {
    "completed": "green",
    "needs_review": "yellow",
    "failed": "red",
    "carried_over": "cyan",
    "waiting": "yellow",
}
_MARKS = {"fail": "review", "warn": "warns ", "waived": "waived"}
_STYLES = {"fail": "yellow", "warn": "dim", "waived": "dim"}


def show_summaries(summaries: Sequence[dict[str, Any]]) -> None:
    """Print every title's outcome to stderr."""
    console = Console(stderr=True)
    for summary in summaries:
        _show(console, summary)
    if len(summaries) > 1:
        fields = {"completed": "ready", "needs_review": "to_review"}
        fields |= {state: state for state in ("failed", "carried_over", "waiting")}
        total = {state: sum(summary.get(field, 0) for summary in summaries) for state, field in fields.items()}
        console.print(Text(f"{len(summaries)} titles: {tally(total)}", "bold"), soft_wrap=True)


def show_folder(folder: Path) -> None:
    """Print the outcome in a delivered folder.

    Raises:
        BadInputError: the folder has no ``summary.json``.
    """
    try:
        summary = json.loads((folder / "summary.json").read_bytes())
    except (OSError, ValueError) as error:
        raise BadInputError(f"{folder} has no summary.json.", "Give a folder that polydub delivered into.") from error
    _show(Console(), {**summary, "folder": str(folder)})


def _show(console: Console, summary: dict[str, Any]) -> None:
    folder = Path(summary["folder"])

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    say(f"{summary['title']}: {summary['state'].replace('_', ' ')}{_outcome(summary)}", "bold")
    if summary["error"]:
        say(f"  {summary['error']['what']} {summary['error']['fix']}".rstrip(), "red")
    for note in summary["shared"]["notes"]:
        say(f"  note: {note}", "dim")
    for language, branch in summary["languages"].items():
        _show_language(say, folder, language, branch)
    if summary["multi"]:
        say(f"  every language in one file: {folder / summary['multi']}")
    for name, preset in summary.get("deliver", {}).items():
        _show_preset(say, folder, name, preset)


def _show_language(say: Callable[..., None], folder: Path, language: str, branch: dict[str, Any]) -> None:
    say(f"  {language}: {branch['state'].replace('_', ' ')}", _COLOURS[branch["state"]])
    for reason in branch.get("review", ()):
        say(f"    {_MARKS[reason['status']]}  {reason['words']}", _STYLES[reason["status"]])
    if branch["error"]:
        error = branch["error"]
        where = f"{error['step']}: " if error["step"] else ""
        say(f"    {where}{error['what']} {error['fix']}".rstrip(), _COLOURS[branch["state"]])
    elif waits := branch.get("waits"):
        say(f"    {branch['why']}", _COLOURS["waiting"])
        say(f"    look at {folder / language / REVIEW}")
        say(f"    then    polydub approve {folder} {language} --stage {waits['stage']}")
    else:
        say(f"    master  {folder / branch['master']}")
        say(f"    report  {folder / branch['report']}")
    if (signed := branch.get("credentials")) and signed["state"] == "signed":
        say(f"    signed by {signed['by']}, whose certificate ends on {signed['until']}", "dim")
    if approval := branch.get("approval"):
        say(f"    {in_words(approval)}", "dim")
    for note in branch["notes"]:
        say(f"    note: {note}", "dim")


def _show_preset(say: Callable[..., None], folder: Path, name: str, preset: dict[str, Any]) -> None:
    style = _COLOURS[preset["state"]]
    if error := preset["error"]:
        say(f"  deliver {name}: failed. {error['what']} {error['fix']}".rstrip(), style)
        return
    state = "needs review" if preset["state"] == "needs_review" else "delivered"
    files = "1 file" if len(preset["files"]) == 1 else f"{len(preset['files'])} files"
    say(f"  deliver {name}: {state}, {files} in", style)
    say(f"    {folder / preset['folder']}")
    for gate in preset["gates"]:
        if gate["status"] in ("fail", "warn"):
            say(f"    {_MARKS[gate['status']]}  {gate['name']}: {gate['note']}", _STYLES[gate["status"]])


def _outcome(summary: dict[str, Any]) -> str:
    """How many languages are ready, to review or failed; empty for a summary of an older version."""
    return f" ({outcome})" if (outcome := summary.get("outcome")) else ""
