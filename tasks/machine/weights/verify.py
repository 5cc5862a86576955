"""Hashes a model's files again and compares them with the table."""

from __future__ import annotations

from tasks.machine.weights.places import kept
from tasks.machine.weights.seal import checked
from tasks.machine.weights.shelf import known, located


def verified(name: str) -> str:
    """The result in words; empty if the model is not on this machine.

    Raises:
        BadInputError: no model of that name.
        MissingBackendError: a file does not match the table.
    """
    model = known(name)
    found = located(name)
    by_name = {file: found / file for file in model.files} if found else {path.name: path for path in kept(model)}
    if not by_name:
        return ""
    listed = {file: model.files[file] for file in by_name if file in model.files}
    for file, expected in listed.items():
        checked(by_name[file], expected, again=True)
    sure = sum(bool(file.sha256) for file in listed.values())
    if sure:
        return f"{sure} of {len(by_name)} files verified"
    return f"{len(by_name)} files are installed; their publisher states no digest to compare them with"
