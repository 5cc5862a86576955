"""`polydub approve` and `polydub reject`: decide about what a dub waits for, or what was delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.printed import say, say_json
from flows.terminal.options import Command
from flows.terminal.outcome import EXIT_OK, or_exit, refuse
from tasks.records.errors import BadInputError

app = typer.Typer()

Title = Annotated[str, typer.Argument(help="a title's folder, such as out/talk", metavar="TITLE_DIR")]
Language = Annotated[str, typer.Argument(help="the dub's language")]
Lines = Annotated[list[int] | None, typer.Option("--line", help="only these lines of the script", metavar="N")]
StageName = Annotated[
    str | None, typer.Option("--stage", help="script, premix, picture or master; default: the last one made")
]
AsJson = Annotated[bool, typer.Option("--json", help="print as JSON")]


@app.command("approve", rich_help_panel=Command.DUB)
def approve_command(
    title: Title,
    language: Language,
    line: Lines = None,
    stage: StageName = None,
    because: Annotated[str, typer.Option("--because", help="kept with the approval")] = "",
    lock: Annotated[bool, typer.Option("--lock", help="nothing of the language is edited any more")] = False,
    undo: Annotated[int | None, typer.Option(help="take a decision back, by its number", metavar="N")] = None,
    history: Annotated[bool, typer.Option("--history", help="list every decision")] = False,
    as_json: AsJson = False,
) -> None:
    """Approve what a language waits for, or what was delivered; the next `polydub run` of the title goes on.

    An approval is of what is there now: it no longer counts when that changes, and then says what changed.
    """
    if history:
        _show_history(title, language, as_json)
        raise typer.Exit(EXIT_OK)
    if undo is not None:
        _undo(title, language, undo, because, as_json)
        raise typer.Exit(EXIT_OK)
    _decide("approved", title, language, line or (), stage, because, lock, as_json)


@app.command("reject", rich_help_panel=Command.DUB)
def reject_command(
    title: Title,
    language: Language,
    because: Annotated[str, typer.Option("--because", help="what is wrong with it")],
    line: Lines = None,
    stage: StageName = None,
    as_json: AsJson = False,
) -> None:
    """Reject what a language waits for, or what was delivered; it waits until something of it is changed."""
    _decide("rejected", title, language, line or (), stage, because, False, as_json)


def _decide(
    verdict: Literal["approved", "rejected"],
    title: str,
    language: str,
    lines: Any,
    stage: str | None,
    because: str,
    lock: bool,
    as_json: bool,
) -> None:
    from configs.review import STAGES
    from flows.kept.approving import approvals_of, decide
    from flows.kept.decision import in_words
    from flows.kept.dub_lines import DubLines, signature
    from flows.service.decided import follow

    if stage is not None and stage not in STAGES:
        refuse(BadInputError(f"{stage!r} is no stage of a dub.", f"Choose one of {', '.join(STAGES)}."))
    dub = or_exit(DubLines, Path(title), language)
    known: Any = stage
    decision, is_new = or_exit(decide, dub, verdict, signature(because), known, lines, lock=lock)
    for note in follow(dub, decision) if is_new else ():
        say(f"note: {note}", err=True)
    if as_json:
        say_json({"decision": decision.model_dump(mode="json"), "new": is_new, "approval": approvals_of(dub).as_json()})
        return
    if is_new:
        say(f"{dub.title} {dub.language}: {in_words(decision)} (decision {decision.number}).")
    else:
        who = f"{decision.who or 'somebody'}, {decision.when}"
        say(f"{dub.title} {dub.language}: {in_words(decision)} already by {who} (decision {decision.number}).")


def _undo(title: str, language: str, number: int, because: str, as_json: bool) -> None:
    from flows.kept.approving import approvals_of, take_back
    from flows.kept.dub_lines import DubLines, signature

    dub = or_exit(DubLines, Path(title), language)
    record = or_exit(take_back, dub, number, signature(because))
    if as_json:
        say_json({"decision": record.model_dump(mode="json"), "new": True, "approval": approvals_of(dub).as_json()})
    else:
        say(f"{dub.title} {dub.language}: decision {number} taken back (decision {record.number}).")


def _show_history(title: str, language: str, as_json: bool) -> None:
    from flows.kept.decision import in_words
    from flows.kept.dub_lines import DubLines

    records = or_exit(lambda: or_exit(DubLines, Path(title), language).decisions.records)
    if as_json:
        say_json([record.model_dump(mode="json") for record in records])
        return
    for record in records:
        say(f"{record.number}  {record.when}  {record.who or 'somebody'} ({record.source})  {in_words(record)}")
    if not records:
        say("Nothing was decided yet.")
