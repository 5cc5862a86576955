"""A model's files hashed anew and compared with the table."""

from __future__ import annotations

from tasks.machine.weights.places import kept
from tasks.machine.weights.seal import checked
from tasks.machine.weights.shelf import known, located


def verified(name: str) -> str:
    """What was found, in words; empty where the model is not on this machine.

    Raises:
        BadInputError: no model of that name.
        MissingBackendError: a file is not what the table says.
    """
    model = known(name)
    found = located(name)
    by_name = {file: found / file for file in model.files} if found else {path.name: path for path in kept(model)}
    if not by_name:
        return ""
    told = {file: model.files[file] for file in by_name if file in model.files}
    for file, expected in told.items():
        checked(by_name[file], expected, again=True)
    sure = sum(bool(file.sha256) for file in told.values())
    if sure:
        return f"{sure} of {len(by_name)} files verified"
    return f"{len(by_name)} files are there; their publisher tells no digest that they could be compared with"
