"""Lip-sync systems that run from their authors' checkouts, as `configs/lipsync_external.yaml` describes them."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import soundfile
from pydantic import Field

from configs.lipsync_external import ExternalSystem, external_systems
from tasks.lipsync.local import checkout
from tasks.lipsync.reanimate import Limits, Takes
from tasks.media import picture_seconds, run_ffmpeg, sink, source
from tasks.media.encoding import intermediate_options
from tasks.records import registry
from tasks.records.errors import BadInputError, MissingBackendError
from tasks.records.progress import Progress

#: Raised whenever a change on our side alters the output of the same checkout.
_VERSION = 1
#: Minimum length of a result as a share of the speech; the adapter checks the rest.
_LEAST = 0.8
#: These programs put unquoted paths into shell commands, and cut names at the first dot.
_SAFE = re.compile(r"[A-Za-z0-9_/-]+")


class ExternalOptions(registry.Options):
    """Location and options of a system.

    Attributes:
        checkout: folder of the repository; None for that of POLYDUB_<SYSTEM>_CHECKOUT.
        python: interpreter of its environment; None for ``.venv`` or ``venv`` in the checkout.
        settings: the system's own settings, as listed in the table.
        deadline_s: time limit for one clip, seconds; None as in the table.
    """

    checkout: Path | None = None
    python: Path | None = None
    settings: dict[str, int | float | str] = Field(default_factory=dict)
    deadline_s: float | None = Field(None, gt=0)


class ExternalReanimator:
    """One system of the table."""

    takes: Takes
    limits: Limits

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        """Start nothing yet.

        Raises:
            BadInputError: no such option or setting.
        """
        self.options = registry.checked("lipsync", name, ExternalOptions, options)
        self._name, self._system = name, external_systems()[name]
        self._settings = {**self._system.settings, **_checked(name, self._system, self.options.settings)}
        self.takes = self._system.takes
        self.limits = Limits(**self._system.limits.model_dump())
        self._variable = f"POLYDUB_{re.sub('[^A-Z0-9]', '', name.upper())}_CHECKOUT"
        named = self.options.checkout or os.environ.get(self._variable)
        self._checkout = Path(named).expanduser().absolute() if named else None

    @property
    def facts(self) -> registry.BackendFacts:
        """The facts, with the licences of the table."""
        return registry.BackendFacts(
            name=self._name,
            code_licence=self._system.code_licence,
            weights_licence=self._system.weights_licence,
            commercial=not self._system.clause,
            device="any",
            clause=self._system.clause,
        )

    def fingerprint(self) -> str:
        """Our version, the table's entry, the settings, and the sizes of the checkout's files."""
        present = [path for path in self._needs() if path.is_file()] if self._checkout else []
        parts = [
            self._system.model_dump_json(),
            repr(self._settings),
            *(f"{p.name}:{p.stat().st_size}" for p in present),
        ]
        return f"{self._name}:{_VERSION}:{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"

    def missing(self) -> list[str]:
        """The checkout, its environment, or files in it."""
        if self._checkout is None:
            return [f"{self._name}: set {self._variable} or the option system.checkout to the repository's folder."]
        absent = [path for path in (*self._needs(), self._python()) if not path.is_file()]
        return [f"{self._name}: {path} does not exist; nothing is downloaded." for path in absent]

    def cost_usd(self, seconds: float) -> float:
        """0: it runs on this machine."""
        return 0.0

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: Progress) -> None:
        """Run the system's own program.

        Raises:
            MissingBackendError: something is not installed.
            ProcessFailedError: it produced no usable result, regardless of its exit status; gives the end of its log.
            ProcessTimeoutError: it was stopped before it produced one.
        """
        if lacks := self.missing():
            raise MissingBackendError(lacks[0])
        assert self._checkout is not None
        with tempfile.TemporaryDirectory(prefix="polydub") as made:
            job = Path(made).resolve()
            if not _SAFE.fullmatch(str(job)):
                raise BadInputError(f"{self._name} cannot work in {job}.", "Set TMPDIR to a path of plain letters.")
            results = job / "out"
            results.mkdir()
            files = [shutil.copyfile(file, job / f"{job.name}{file.suffix}") for file in (picture, speech)]
            words = {
                **self._settings,
                "python": str(self._python()),
                "checkout": str(self._checkout),
                "picture": str(files[0]),
                "speech": str(files[1]),
                "out": str(results),
                "job": str(job),
                "name": job.name,
            }
            for name, text in self._system.files.items():
                (job / name).write_text(text.format_map(words), "utf-8")
            command = [part.format_map(words) for part in self._system.argv]
            deadline_s = self.options.deadline_s or self._system.deadline_s
            ended = checkout.run(command, self._checkout, deadline_s=deadline_s)
            found = self._result({name: glob.escape(str(word)) for name, word in words.items()}, ended)
            lasts, wanted = picture_seconds(found), soundfile.info(speech).duration
            if lasts < _LEAST * wanted:
                what = f"{lasts:.2f} s of {wanted:.2f} s" if lasts else "a file that is not a video"
                raise ended.failed(f"{self._name} produced {what}")
            self._deliver(found, out)
        progress(1.0)

    def _result(self, words: Mapping[str, str], ended: checkout.Ended) -> Path:
        """The newest file at the result's path."""
        found = [Path(path) for path in glob.glob(self._system.output.format_map(words))]
        if not found:
            raise ended.failed(f"{self._name} produced no result")
        return max(found, key=lambda path: path.stat().st_mtime)

    def _deliver(self, found: Path, out: Path) -> None:
        """Move the result, or write the part of it with the picture."""
        if not self._system.crop:
            shutil.move(found, out)
            return
        shown = source(found)["V:0"].filter("crop", *self._system.crop.split(":"))
        run_ffmpeg(sink(shown, out, **intermediate_options()))
        found.unlink()

    def _needs(self) -> list[Path]:
        assert self._checkout is not None
        return [self._checkout / name.format_map(self._settings) for name in self._system.needs]

    def _python(self) -> Path:
        if self.options.python:
            return self.options.python.expanduser()
        assert self._checkout is not None
        own = [self._checkout / folder / "bin" / "python" for folder in (".venv", "venv")]
        return next((path for path in own if path.is_file()), own[0])


def _checked(name: str, system: ExternalSystem, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    for setting, value in settings.items():
        usual = system.settings.get(setting)
        if usual is None:
            raise BadInputError(f"{name} has no setting {setting!r}.", f"It has: {', '.join(system.settings)}.")
        if isinstance(value, str) != isinstance(usual, str):
            raise BadInputError(f"{name}: {setting} cannot be {value!r}.", f"The default is {usual!r}.")
    return settings
