"""`polydub store prune`: the results that nobody needs any more."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from flows.printed import say, say_json
from flows.terminal.outcome import EXIT_NOTHING, or_exit
from flows.terminal.store import AsJson, age, app, size
from tasks.records.errors import BadInputError

_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@app.command("prune")
def prune_command(
    older: Annotated[
        str | None, typer.Option("--older", help="remove results unused for longer: 36h, 30d, 8w", metavar="AGE")
    ] = None,
    quota: Annotated[
        str | None,
        typer.Option("--quota", help="remove the longest unused results down to this size: 200GB", metavar="SIZE"),
    ] = None,
    keep_latest: Annotated[
        bool, typer.Option("--keep-latest", help="keep the latest result of each title and language")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be removed, and stop")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove stored results; without an option only files that no record names. Deliverables are never touched.

    A title that is dubbed again after its results were removed is made from the beginning, and says so. Pinned titles,
    edits, bills, and whatever was used within a day stay. Exits with 1 if the store stays above the quota.
    """
    from tasks.keep.inventory import inventory
    from tasks.keep.overview import pins
    from tasks.keep.places import place_of
    from tasks.keep.prune import Rule, planned, prune
    from tasks.keep.store import store_at, store_place

    older_s, most = or_exit(_seconds, older), or_exit(_bytes, quota)
    store = or_exit(store_at, store_place())
    place, _ = place_of(store.where)
    found = or_exit(inventory, place)
    rule = Rule(older_s=older_s, quota=most, keep_latest=keep_latest, pinned=frozenset(pins(store, found)))
    pruning = planned(found, rule, time.time())
    for title in pruning.titles:
        name = f"{title.title or '(of an earlier version)'} ({' '.join(title.languages)})"
        say(f"{name}, last used {age(time.time() - title.used)}: made from the beginning if dubbed again", err=True)
    files = len(pruning.files) + len(pruning.records)
    say(f"{files} files, {size(pruning.bytes)}; {size(pruning.left)} stay.", err=True)
    if files and not dry_run and (yes or typer.confirm("Remove them?", err=True)):
        freed = or_exit(prune, store, planned(or_exit(inventory, place), rule, time.time()))
        say(f"{size(freed)} freed.", err=True)
    if as_json:
        titles = [{"title": one.title, "languages": one.languages, "used": one.used} for one in pruning.titles]
        say_json({"files": files, "bytes": pruning.bytes, "left": pruning.left, "titles": titles})
    if most is not None and pruning.left > most:
        say(
            f"polydub: {size(pruning.left - most)} above the quota; what stays is pinned, in use or the latest.",
            err=True,
        )
        raise typer.Exit(EXIT_NOTHING)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text)
    if not found:
        raise BadInputError(f"--older {text!r} is no age.", "Write hours, days or weeks: 36h, 30d, 8w.")
    return float(found[1]) * _UNITS[found[2]]


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(kB|MB|GB|TB)", text)
    if not found:
        raise BadInputError(f"--quota {text!r} is no size.", "Write it like 500MB, 200GB or 2TB.")
    return int(float(found[1]) * _SIZES[found[2]])
