"""Models in one folder, for machines without a network: packed here, unpacked there, verified at both ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from configs.models import models
from tasks.machine.weights import bring
from tasks.machine.weights.shelf import advice, here, known, located, put
from tasks.records.errors import BadInputError


def pack(folder: Path, names: Sequence[str] = ()) -> list[str]:
    """Copy models into a folder that `unpack` takes, and that ``POLYDUB_MODELS`` may name as it is.

    Args:
        folder: made where missing.
        names: of the table; those that are here, where none is named.

    Returns:
        The names of the models packed.

    Raises:
        BadInputError: one that is named is not here, or the folder cannot be written.
        MissingBackendError: a file is not what the table says.
    """
    chosen = list(names) or [name for name in models() if here(name)]
    for name in chosen:
        found = located(name)
        if found is None:
            raise BadInputError(f"The model {name} is not here.", advice(name))
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file, told in known(name).files.items():
                bring.copied([found / file], told, folder / name / file)
        except OSError as error:
            raise BadInputError(f"{folder / name} cannot be written: {error.strerror}.", "Choose another.") from error
    return chosen


def unpack(folder: Path) -> list[str]:
    """Take over every model of the table in a folder; their names.

    Raises:
        BadInputError: there is none.
        MissingBackendError: a file is not what the table says.
    """
    found = [
        name for name, model in models().items() if any(os.path.isfile(folder / name / one) for one in model.files)
    ]
    if not found:
        raise BadInputError(f"There is no model in {folder}.", "Name a folder that `polydub models pack` wrote.")
    for name in found:
        put(name, folder / name)
    return found
