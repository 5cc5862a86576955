"""`polydub store export|import|backup|restore`: results on another machine, and after a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.printed import say
from flows.terminal.outcome import or_exit
from flows.terminal.store import app, size
from tasks.keep.place import Place
from tasks.records.errors import BadInputError


@app.command("export")
def export_command(
    title: Annotated[str, typer.Argument(help="name of a title, as `polydub store` lists it")],
    out: Annotated[str, typer.Option("--out", help="the archive (default: TITLE.polydub.tar)")] = "",
) -> None:
    """Write a title's results and edits to one file that `polydub store import` takes in on another machine."""
    path = Path(out or f"{title}.polydub.tar").expanduser()
    files, records = or_exit(_export, title, path)
    say(f"{path}: {files} files and {records} records, {size(path.stat().st_size)}")


@app.command("import")
def import_command(archive: Annotated[str, typer.Argument(help="written by `polydub store export`")]) -> None:
    """Take in an archive of which you know who made it; every file is verified, and nothing is replaced."""
    from tasks.keep.archive import read_archive
    from tasks.keep.store import store_at, store_place

    taken = or_exit(read_archive, or_exit(store_at, store_place()), Path(archive).expanduser())
    known = f"; {taken.known} records were there and stay as they were" if taken.known else ""
    say(f"{taken.files} files and {taken.records} records, {size(taken.bytes)}{known}.")


@app.command("backup")
def backup_command(
    folder: Annotated[str, typer.Argument(help="the backup's folder; what it has already is not copied again")],
) -> None:
    """Copy the store and Prefect's SQLite database, also while work is running."""
    from tasks.keep.backup import DATABASE, copy_database, copy_store

    place, root = or_exit(_local_store)
    into = Path(folder).expanduser().absolute()
    files, copied = or_exit(copy_store, place, root, into)
    say(f"{root}: {files} files, {size(copied)} copied to {into}")
    database, url = _database()
    if database is None:
        say(f"Prefect's database is not copied: {url} has its own tools (`pg_dump --format=custom`).")
    elif database.exists():
        or_exit(copy_database, database, into / DATABASE)
        say(f"{database}: copied to {into / DATABASE}")
    else:
        say(f"{database}: there is none yet")


@app.command("restore")
def restore_command(
    folder: Annotated[str, typer.Argument(help="a backup's folder")],
    database: Annotated[bool, typer.Option("--database", help="Prefect's SQLite database, too; stop it first")] = False,
) -> None:
    """Copy a backup into the store; what is newer there stays."""
    from tasks.keep.backup import DATABASE, copy_store
    from tasks.keep.folder import Folder

    source = Path(folder).expanduser().absolute()
    _, root = or_exit(_local_store)
    if not (source / "records").is_dir():
        or_exit(_raise, BadInputError(f"{source} is no backup of a store.", "Make one with `polydub store backup`."))
    files, copied = or_exit(copy_store, Folder(source), source, root)
    say(f"{source}: {files} files, {size(copied)} copied to {root}")
    if database:
        say(f"{or_exit(_restore_database, source / DATABASE)}: restored")


def _export(title: str, path: Path) -> tuple[int, int]:
    from flows.kept.decisions import kept_decisions
    from flows.kept.edits import kept_edits
    from tasks.keep.archive import write_archive
    from tasks.keep.inventory import ENDS, inventory
    from tasks.keep.places import place_of
    from tasks.keep.store import store_at, store_place

    store = store_at(store_place())
    found = inventory(place_of(store.where)[0])
    ends = [entry for entry in found.entries if entry.kind in ENDS and entry.title == title]
    if not ends:
        raise BadInputError(f"The store has no title {title!r}.", "`polydub store` lists them.")
    edits = [
        found.by_id[name]
        for end in ends
        for language in end.languages
        for kept in (kept_edits, kept_decisions)
        for name in kept(store, title, end.source, language)
        if name in found.by_id
    ]
    return write_archive(store, found, [*(one for end in ends for one in found.below(end)), *edits], path)


def _restore_database(copy: Path) -> Path:
    from tasks.keep.backup import copy_database

    database, url = _database()
    if database is None:
        raise BadInputError(f"Prefect's database {url} has its own tools.", "Restore it with `pg_restore`.")
    if not copy.exists():
        raise BadInputError(f"There is no {copy}.", "The backup was made without a database.")
    if database.exists():
        raise BadInputError(f"{database} is there already.", "Stop the server and move the file away first.")
    copy_database(copy, database)
    return database


def _local_store() -> tuple[Place, Path]:
    from tasks.keep.folder import Folder
    from tasks.keep.places import place_of
    from tasks.keep.store import store_at, store_place

    store = store_at(store_place())
    place, root = place_of(store.where)
    if not isinstance(place, Folder):
        raise BadInputError(f"{store.where} is no folder.", "Use the replication or versions of its bucket.")
    return place, root


def _database() -> tuple[Path | None, str]:
    """The file of Prefect's database, where it is SQLite's, and its address without a password."""
    from prefect.settings import Settings
    from sqlalchemy import make_url

    secret = Settings().server.database.connection_url
    url = make_url(secret.get_secret_value() if secret else "sqlite://")
    local = url.get_backend_name() == "sqlite" and url.database
    return (Path(str(url.database)) if local else None), url.render_as_string(hide_password=True)


def _raise(error: Exception) -> None:
    raise error
