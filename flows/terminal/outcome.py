"""How a command of `polydub` ends: its exit code, its errors, its summaries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer

from flows.printed import say, say_json
from tasks.keep.staging import staged
from tasks.records.errors import BadInputError, PolydubError

EXIT_OK, EXIT_NOTHING, EXIT_BAD_INPUT, EXIT_PARTIAL, EXIT_WAITING = 0, 1, 2, 3, 4

P = ParamSpec("P")
T = TypeVar("T")


def or_exit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function; an error ends the command with a readable message."""
    try:
        return function(*args, **kwargs)
    except PolydubError as error:
        refuse(error)


def refuse(error: PolydubError) -> NoReturn:
    """End with an error: 2 for bad input, else 1."""
    say(f"polydub: {error.what}", err=True)
    if error.fix:
        say(f"         {error.fix}", err=True)
    sys.exit(EXIT_BAD_INPUT if isinstance(error, BadInputError) else EXIT_NOTHING)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that somebody asked for, whole or not at all.

    Raises:
        BadInputError: it cannot be written.
    """
    try:
        with staged(path.expanduser().absolute()) as part:
            part.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"{path} cannot be written: {error.strerror}.", "Choose another --file.") from error


def report(summaries: list[dict[str, Any]], as_json: bool) -> NoReturn:
    """Show the outcomes of titles, and exit with their code."""
    show(summaries, as_json)
    raise typer.Exit(exit_code(summaries))


def show_plan(runs: Sequence[Any], as_json: bool, **where: Any) -> int:
    """Print the plan of checked titles, and return the exit code that is expected; nothing is made."""
    from flows.kept.outlook import outlook
    from flows.terminal.plan_table import show_outlook

    plan = or_exit(outlook, runs)
    if as_json:
        say_json(plan.as_json())
    else:
        show_outlook(plan, **where)
    if not plan.faults:
        return EXIT_OK
    return EXIT_PARTIAL if plan.makes else EXIT_NOTHING


def show(summaries: list[dict[str, Any]], as_json: bool) -> None:
    """Print summaries to stderr, and as JSON to stdout on request."""
    from flows.terminal.summary_table import show_summaries

    if as_json:
        show_json(summaries)
    show_summaries(summaries)


def show_json(summaries: list[dict[str, Any]]) -> None:
    """Print summaries to stdout: a single one as it is, several as a list."""
    say_json(summaries[0] if len(summaries) == 1 else summaries)


def exit_code(summaries: Sequence[dict[str, Any]]) -> int:
    """0 if all was delivered, 3 if part, 1 if nothing; 4 if nothing failed and a language waits for approval.

    Carried-over branches are neither delivered nor failed.
    """
    delivered = sum(summary["delivered"] for summary in summaries)
    waiting = sum(summary.get("waiting", 0) for summary in summaries)
    failed = sum(summary["failed"] or summary["state"] == "failed" or bool(summary["error"]) for summary in summaries)
    failed += sum(bool(one["error"]) for summary in summaries for one in summary.get("deliver", {}).values())
    if not delivered and not waiting:
        return EXIT_NOTHING
    if failed:
        return EXIT_PARTIAL
    return EXIT_WAITING if waiting else EXIT_OK
