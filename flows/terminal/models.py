"""`polydub models`: list, fetch, verify, pack and unpack models."""

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
    """List all models with purpose, size, licence and location."""
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
        table.add_row(row["name"], row["for"], size, licence, row["where"] or "not installed")
    Console().print(table)


@app.command("fetch")
def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="names from `polydub models list`")] = None,
    setup: Annotated[bool, typer.Option("--setup", help="the models that `make setup` installs")] = False,
) -> None:
    """Download models; an interrupted download is resumed."""
    from configs.models import models
    from tasks.machine.weights import fetched, here
    from tasks.records.errors import BadInputError

    chosen = [*(names or []), *(name for name, model in models().items() if setup and model.setup)]
    if not chosen:
        or_exit(_raise, BadInputError("No model was given.", "Give a name from `polydub models list`."))
    for name in chosen:
        before = here(name)
        folder = or_exit(fetched, name)
        if names or not before:
            say(f"{name}: {folder}")


@app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="models (default: all installed)")] = None,
) -> None:
    """Hash the files of models again and compare them with the table; exits with 1 if one is wrong."""
    from tasks.machine.weights.verify import verified

    wrong = False
    for name in names or _table():
        try:
            said = verified(name)
        except PolydubError as error:
            wrong, said = True, f"WRONG: {error}"
        if said or names:
            say(f"{name}: {said or 'not installed'}")
    raise typer.Exit(EXIT_NOTHING if wrong else 0)


@app.command("pack")
def pack_command(
    folder: Annotated[Path, typer.Argument(help="target folder")],
    names: Annotated[list[str] | None, typer.Argument(help="models (default: all installed)")] = None,
) -> None:
    """Copy models into a folder for a machine without a network."""
    from tasks.machine.weights.crate import pack

    say(f"Packed into {folder}: {', '.join(or_exit(pack, folder, names or []))}.")


@app.command("unpack")
def unpack_command(folder: Annotated[Path, typer.Argument(help="folder written by `pack`")]) -> None:
    """Install the models of a folder written by `pack`, each file verified."""
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
