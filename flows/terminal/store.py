"""`polydub store`: integrity checks of the store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows.printed import say, say_json
from flows.terminal.outcome import EXIT_NOTHING, or_exit

app = typer.Typer(help="The store of finished work.", no_args_is_help=True)


@app.callback()
def _store() -> None:
    """The store of finished work."""


@app.command("verify")
def verify_command(
    remove: Annotated[
        bool, typer.Option("--remove", help="set damaged files aside; the next run makes them again")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings to stdout")] = False,
) -> None:
    """Read every stored file again and check its digest; exits with 1 if a damaged file remains."""
    from tasks.keep.store import store_place
    from tasks.keep.verify import verify

    tenth = -1

    def show_progress(read: int, total: int) -> None:
        nonlocal tenth
        if total and 10 * read // total > tenth:
            tenth = 10 * read // total
            say(f"{read / 1e9:.1f} of {total / 1e9:.1f} GB read", err=True)

    files, read, damaged = or_exit(verify, store_place(), remove, show_progress)
    if as_json:
        say_json({"files": files, "bytes": read, "damaged": [asdict(one) for one in damaged]})
    else:
        for one in damaged:
            did = ", set aside" if one.removed else ""
            say(f"DAMAGED {one.name}: {one.why}{did} ({', '.join(one.used_by) or 'not used by any record'})")
        say(f"{files} files, {len(damaged)} damaged")
    raise typer.Exit(EXIT_NOTHING if any(not one.removed for one in damaged) else 0)
