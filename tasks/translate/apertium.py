"""Offline translation by Apertium (a GPL program, run as a process), through pivot languages if necessary.

Apertium is rule-based: it needs no download and no key, and gives plain, literal sentences. Its language pairs are
Debian packages.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from configs.languages import primary
from tasks.machine import process
from tasks.records import registry
from tasks.records.errors import MissingBackendError, ProcessFailedError
from tasks.translate import PLAIN, Guidance, Note, quiet
from tasks.translate.apertium_routes import Mode, find_route, parse_modes
from tasks.translate.apertium_stream import deformat, reformat


class ApertiumTranslator:
    """Translates with the installed pairs."""

    batch = 500
    context = 0
    timed = False

    class Options(registry.Options):
        """``data_dir``: folder of Apertium's pairs, if not the default; ``deadline_s``: time limit of one pass."""

        data_dir: Path | None = None
        deadline_s: float = 600.0

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="apertium", code_licence="GPL-2.0-or-later", weights_licence="GPL-2.0-or-later"
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._modes: list[Mode] | None = None

    def fingerprint(self) -> str:
        """A digest of every installed mode file and of the sizes of the data files it names."""
        digest = hashlib.sha256()
        for path in sorted(self._mode_folder().glob("*.mode")):
            text = path.read_text("utf-8", "replace")
            digest.update(f"{path.name}\n{text}\n".encode())
            for named in re.findall(r"'([^']+)'", text):
                digest.update(f"{os.path.getsize(named) if os.path.exists(named) else -1}\n".encode())
        return f"apertium:1:{digest.hexdigest()[:16]}"

    def missing(self) -> list[str]:
        """The program, or a language pair if there is none."""
        try:
            found = self._installed()
        except MissingBackendError:
            return ["The program apertium is not installed: `apt-get install apertium apertium-eng-spa`."]
        return [] if found else ["Apertium has no language pair: `apt-get install apertium-eng-spa apertium-fr-es`."]

    def route(self, source: str, target: str) -> list[str]:
        """The languages passed through, including both ends, in the fewest passes; `UnsupportedError` if none."""
        steps = find_route(self._installed(), source, target)
        return [source, *(step.target for step in steps[:-1]), target] if steps else [source]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts; words missing in the dictionaries are left untranslated and noted."""
        steps = find_route(self._installed(), source, target)
        if not steps:
            note(f"{source} and {target} are variants of one language; the text is left unchanged.")
        elif steps[-1].target != target:
            note(f"Apertium has no {target}; translated into {steps[-1].target}.")
        if steps and primary(steps[0].source) == primary(source) and steps[0].source != source:
            note(f"Apertium has no {source}; read as {steps[0].source}.")
        passed = list(texts)
        unknown: list[str] = []
        for step in steps:
            passed = self._pass(passed, step, unknown)
        if unknown:
            distinct = list(dict.fromkeys(unknown))
            shown = ", ".join(distinct[:8]) + (" ..." if len(distinct) > 8 else "")
            note(f"{len(distinct)} words are not in Apertium's dictionaries and were left untranslated: {shown}")
        return [new if new.strip() else old for old, new in zip(texts, passed, strict=True)]

    def _pass(self, texts: list[str], step: Mode, unknown: list[str]) -> list[str]:
        """One run over all lines of all texts, separated by NUL so that they cannot affect each other."""
        rows = [text.splitlines() for text in texts]
        lines = [row for text in rows for row in text if row.strip()]
        if not lines:
            return list(texts)
        command = ["apertium", "-z", "-f", "none", *self._data_dir(), step.name]
        stdin = "".join(deformat(line) + "\0" for line in lines).encode()
        answer = process.capture(command, deadline_s=self._options.deadline_s, stdin=stdin)
        replies = answer.decode("utf-8", "replace").split("\0")[: len(lines)]
        # Apertium exits with 0 even if a stage of its pipeline failed; then the sentence mark is missing.
        if len(replies) != len(lines) or not all(reply.endswith("[]") for reply in replies):
            broken = next((line for line, reply in zip(lines, replies, strict=False) if not reply.endswith("[]")), "")
            raise ProcessFailedError(f"apertium {step.name} stopped at the line {broken[:80]!r}.")
        done = iter([reformat(line, reply, unknown) for line, reply in zip(lines, replies, strict=True)])
        return ["\n".join(next(done) if row.strip() else row for row in text) for text in rows]

    def _installed(self) -> list[Mode]:
        if self._modes is None:
            listed = process.capture(["apertium", *self._data_dir(), "-l"]).decode("utf-8", "replace")
            self._modes = parse_modes(listed.split())
        return self._modes

    def _data_dir(self) -> list[str]:
        return ["-d", str(self._options.data_dir)] if self._options.data_dir else []

    def _mode_folder(self) -> Path:
        return (self._options.data_dir or Path("/usr/share/apertium")) / "modes"
