"""Models packed into one folder for machines without a network, verified when packed and when unpacked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from configs.models import models
from tasks.machine.weights import bring
from tasks.machine.weights.shelf import advice, here, known, located, put
from tasks.records.errors import BadInputError


def pack(folder: Path, names: Sequence[str] = ()) -> list[str]:
    """Copy models into a folder for `unpack`, which ``POLYDUB_MODELS`` may also point to directly.

    Args:
        folder: created if missing.
        names: models of the table; empty for all that are installed.

    Returns:
        The names of the models packed.

    Raises:
        BadInputError: a named model is not installed, or the folder cannot be written.
        MissingBackendError: a file does not match the table.
    """
    chosen = list(names) or [name for name in models() if here(name)]
    for name in chosen:
        found = located(name)
        if found is None:
            raise BadInputError(f"The model {name} is not installed.", advice(name))
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file, entry in known(name).files.items():
                bring.copied([found / file], entry, folder / name / file)
        except OSError as error:
            raise BadInputError(f"{folder / name} cannot be written: {error.strerror}.", "Choose another.") from error
    return chosen


def unpack(folder: Path) -> list[str]:
    """Install every model of the table found in a folder, and return their names.

    Raises:
        BadInputError: there is none.
        MissingBackendError: a file does not match the table.
    """
    found = [
        name for name, model in models().items() if any(os.path.isfile(folder / name / one) for one in model.files)
    ]
    if not found:
        raise BadInputError(f"There is no model in {folder}.", "Name a folder that `polydub models pack` wrote.")
    for name in found:
        put(name, folder / name)
    return found
