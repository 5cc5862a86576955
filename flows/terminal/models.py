"""`polydub models`: which models there are, where they lie, and how they come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.printed import say, say_json
from flows.terminal.outcome import EXIT_NOTHING, or_exit
from tasks.records.errors import PolydubError

app = typer.Typer(help="The models that Polydub uses: list, fetch, verify, pack and unpack them.", no_args_is_help=True)


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show every model: what for, size, licence, and where it lies."""
    rows = [_row(name) for name in _table()]
    if as_json:
        say_json(rows)
        return
    from rich.table import Table

    from flows.printed import Console

    table = Table("model", "for", "MB", "licence of the weights", "where", box=None, pad_edge=False)
    for row in rows:
        size = "" if row["megabytes"] is None else str(row["megabytes"])
        licence = row["licence"] + ("" if row["commercial"] else " (not for commercial use)")
        table.add_row(row["name"], row["for"], size, licence, row["where"] or "not here")
    Console().print(table)


@app.command("fetch")
def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="models of the list")] = None,
    setup: Annotated[bool, typer.Option("--setup", help="those that `make setup` brings")] = False,
) -> None:
    """Bring models to this machine; a download that was interrupted goes on where it stopped."""
    from configs.models import models
    from tasks.machine.weights import fetched, here
    from tasks.records.errors import BadInputError

    chosen = [*(names or []), *(name for name, model in models().items() if setup and model.setup)]
    if not chosen:
        or_exit(_raise, BadInputError("No model was named.", "Name one of `polydub models list`."))
    for name in chosen:
        before = here(name)
        folder = or_exit(fetched, name)
        if names or not before:
            say(f"{name}: {folder}")


@app.command("verify")
def verify_command(names: Annotated[list[str] | None, typer.Argument(help="models; all that are here")] = None) -> None:
    """Hash the files of models again and compare them with the table; exits with 1 where one is wrong."""
    from tasks.machine.weights.verify import verified

    wrong = False
    for name in names or _table():
        try:
            said = verified(name)
        except PolydubError as error:
            wrong, said = True, f"WRONG: {error}"
        if said or names:
            say(f"{name}: {said or 'not here'}")
    raise typer.Exit(EXIT_NOTHING if wrong else 0)


@app.command("pack")
def pack_command(
    folder: Annotated[Path, typer.Argument(help="where to")],
    names: Annotated[list[str] | None, typer.Argument(help="models; all that are here")] = None,
) -> None:
    """Copy models into a folder for a machine without a network."""
    from tasks.machine.weights.crate import pack

    say(f"Packed into {folder}: {', '.join(or_exit(pack, folder, names or []))}.")


@app.command("unpack")
def unpack_command(folder: Annotated[Path, typer.Argument(help="what `pack` wrote")]) -> None:
    """Take over the models in a folder that `pack` wrote, each file verified."""
    from tasks.machine.weights.crate import unpack

    say(f"Unpacked: {', '.join(or_exit(unpack, folder))}.")


def _table() -> list[str]:
    from configs.models import models

    return list(models())


def _row(name: str) -> dict[str, Any]:
    from configs.models import models
    from tasks.machine.weights.shelf import source

    model = models()[name]
    return {
        "name": name,
        "for": model.purpose,
        "megabytes": model.size_mb,
        "licence": model.licence,
        "commercial": model.commercial,
        "languages": list(model.languages),
        "setup": model.setup,
        "where": source(name),
    }


def _raise(error: PolydubError) -> None:
    raise error
