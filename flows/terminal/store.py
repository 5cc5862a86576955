"""`polydub store`: what the store holds, its integrity, and what stays in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.printed import Console, say, say_json
from flows.terminal.outcome import EXIT_NOTHING, or_exit, refuse

app = typer.Typer(help="The store of finished work: size, clean-up, copies, integrity.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="print to stdout as JSON")]


@app.callback()
def overview_command(context: typer.Context, as_json: AsJson = False) -> None:
    """Without a command: the store's size by title and by kind, longest unused and pinned titles."""
    if context.invoked_subcommand is not None:
        return
    from tasks.keep.inventory import inventory
    from tasks.keep.overview import by_kind, by_title, pins
    from tasks.keep.places import place_of
    from tasks.keep.store import store_at, store_place

    store = or_exit(store_at, store_place())
    found = or_exit(inventory, place_of(store.where)[0])
    titles, kinds = by_title(found, pins(store, found)), by_kind(found)
    if as_json:
        facts = {"store": store.where, "bytes": found.bytes}
        say_json({**facts, "titles": [asdict(one) for one in titles], "kinds": [asdict(one) for one in kinds]})
        return
    say(f"{store.where}: {size(found.bytes)}")
    now = time.time()
    _table(
        ("title", "languages", "size", "last used", ""),
        [
            (
                one.title or "(of an earlier version)",
                " ".join(one.languages),
                size(one.bytes),
                age(now - one.used),
                "pinned" if one.pinned else "",
            )
            for one in titles
        ],
    )
    _table(("kind", "files", "size"), [(one.kind, str(one.files), size(one.bytes)) for one in kinds])


@app.command("verify")
def verify_command(
    remove: Annotated[
        bool, typer.Option("--remove", help="set damaged files aside; the next run makes them again")
    ] = False,
    as_json: AsJson = False,
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


@app.command("pin")
def pin_command(title: Annotated[str, typer.Argument(help="name of a title, as `polydub store` lists it")]) -> None:
    """Keep a title's results whatever their age."""
    _pin(title, True)


@app.command("unpin")
def unpin_command(title: Annotated[str, typer.Argument(help="name of a pinned title")]) -> None:
    """Let a title's results go with those of its age again."""
    _pin(title, False)


def _pin(title: str, stays: bool) -> None:
    from tasks.keep.inventory import inventory
    from tasks.keep.overview import by_title, pin
    from tasks.keep.places import place_of
    from tasks.keep.store import store_at, store_place
    from tasks.records.errors import BadInputError

    store = or_exit(store_at, store_place())
    found = or_exit(inventory, place_of(store.where)[0])
    if title not in {one.title for one in by_title(found, set())}:
        refuse(BadInputError(f"The store has no title {title!r}.", "`polydub store` lists them."))
    pin(store, title, stays)
    say(f"{title} stays in the store." if stays else f"{title} is no longer pinned.")


def size(count: float) -> str:
    """Bytes for people, in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def age(seconds: float) -> str:
    """A time span for people, in one unit."""
    hours = max(seconds, 0) / 3600
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def _table(head: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name, justify="right" if name in ("size", "files") else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
