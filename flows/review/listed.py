"""Which titles a review is of."""

from __future__ import annotations

from pathlib import Path

from flows.kept import links
from flows.night.batches import load_batch, runs_of
from tasks.records.errors import BadInputError


def keys_of(what: str) -> frozenset[str]:
    """Keys of delivered titles: of a title's folder, of the titles in a folder, or of a batch.

    Raises:
        BadInputError: there is no such thing, or nothing of it was delivered into this store.
    """
    folder = Path(what)
    if folder.is_dir():
        folders = [folder.absolute(), *sorted(path.absolute() for path in folder.iterdir() if path.is_dir())]
        keys = {links.key_of(str(one)) for one in folders}
    else:
        try:
            keys = {links.key_of(run.title.folder) for run in runs_of(load_batch(what))}
        except BadInputError as error:
            raise BadInputError(f"{what} is neither a folder nor a batch that can be read.", str(error)) from error
    found = frozenset(key for key in keys if links.delivered_title(key) is not None)
    if not found:
        raise BadInputError(
            f"No title of {what} was delivered into this store.", "Name another one, or set POLYDUB_STORE."
        )
    return found
