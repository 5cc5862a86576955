"""A watched folder: videos, sound and manifests dropped into it are dubbed. Nothing in it is moved or deleted.

Processed files are remembered by content, a manifest together with its videos. A file that cannot be dubbed gets a
``NAME.error.txt`` next to it; delete that to have the file tried again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.ask.plan import Request, checked_profile, parse_languages, plan
from flows.ask.preflight import faults, stopped
from flows.ask.roots import Roots, is_title, titles_among
from flows.kept.masters import refuse_masters
from flows.kept.refused import asked
from flows.night.batches import new_batch
from flows.night.manifest import Defaults, read_manifest
from flows.printed import Console
from flows.terminal.watch import run_batch
from tasks.keep.staging import staged
from tasks.keep.store import step_key, store_at, store_place, text_sha256
from tasks.records.errors import BadInputError, PolydubError, UnsupportedError, is_transient
from tasks.services.addresses import is_address
from tasks.transcribe.sidecar import FORMATS
from tasks.words.visible import visible

_MANIFESTS = frozenset({".csv", ".xlsx", ".parquet", ".yaml", ".yml"})
#: Files beside videos that need no word: our own, subtitles, and what a browser or client is still writing.
_BESIDE = frozenset({*FORMATS, ".error.txt", ".part", ".partial", ".filepart", ".crdownload", ".tmp"})
_TAKEN = "inbox"


class Inbox:
    """One watched folder.

    Args:
        folder: must exist; subfolders are ignored.
        languages: for videos; manifests have their own.
        profile: for videos, and for manifest rows without one.
        out: the deliverables' folder.

    Raises:
        BadInputError: no such folder, language or profile.
    """

    def __init__(self, folder: Path, languages: Sequence[str], profile: str, out: str) -> None:
        if not folder.is_dir():
            raise BadInputError(f"The inbox {folder} is not a folder.", "Create it, or choose another.")
        self._folder, self._out, self._profile_name = folder.absolute(), out, profile
        self._languages = parse_languages(languages)
        self._profile = checked_profile(profile, {})
        self._store = store_at(store_place())
        self._seen: dict[Path, tuple[int, int]] = {}
        self._ignored: set[tuple[Path, tuple[int, int]]] = set()

    def watch(self, every_s: float) -> None:
        """Check the folder repeatedly until interrupted."""
        Console(stderr=True).print(f"Watching {self._folder}; stop with Ctrl-C.", markup=False)
        try:
            while True:
                self.look()
                time.sleep(every_s)
        except KeyboardInterrupt:
            return

    def once(self, quiet_s: float) -> list[dict[str, Any]]:
        """Dub the files that are present and do not change within ``quiet_s`` seconds.

        Raises:
            BadInputError: there is nothing new.
        """
        self._steady()
        time.sleep(quiet_s)
        summaries = self.look()
        if not summaries:
            raise BadInputError(
                f"{self._folder} has nothing new that can be dubbed.",
                "Files that cannot be dubbed have an .error.txt beside them.",
            )
        return summaries

    def look(self) -> list[dict[str, Any]]:
        """Dub every new file that has not changed since the last check, and return the summaries."""
        steady = self._steady()
        summaries: list[dict[str, Any]] = []
        listed: set[Path] = set()  # files that a manifest names; its videos are dubbed by it
        for path in steady:
            if path.suffix.lower() in _MANIFESTS:
                requests = self._checked(path, self._listed)
                listed |= {Path(file).resolve() for request in requests for file in _files(request)}
                if requests and not self._is_taken(path, requests):
                    summaries += self._dub(path.stem, requests, {path: requests})
        videos = [path for path in titles_among(steady) if path.resolve() not in listed]
        fresh = {path: self._checked(path, self._single) for path in videos if not self._is_taken(path, [])}
        good = {path: requests for path, requests in fresh.items() if requests}
        if good:
            asked = [request for requests in good.values() for request in requests]
            summaries += self._dub("inbox", asked, dict.fromkeys(good, ()))
        self._name_ignored(steady, listed)
        return summaries

    def _name_ignored(self, steady: Sequence[Path], listed: set[Path]) -> None:
        """Say once of each file that is neither dubbed nor named by a manifest that it is ignored."""
        for path in steady:
            if _is_taken_kind(path) or path.name.endswith(tuple(_BESIDE)) or path.resolve() in listed:
                continue
            if (path, self._seen[path]) not in self._ignored:
                self._ignored.add((path, self._seen[path]))
                text = f"{path.name} is ignored: it is no video, sound or manifest, and no manifest names it."
                Console(stderr=True).print(text, markup=False, soft_wrap=True)

    def _steady(self) -> list[Path]:
        """Files with the same size and time as at the last check, sorted by name."""
        before, self._seen = self._seen, {}
        for path in sorted(self._folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                stat = path.stat()
                self._seen[path] = (stat.st_size, stat.st_mtime_ns)
        return [path for path, state in self._seen.items() if before.get(path) == state]

    def _listed(self, path: Path) -> list[Request]:
        return read_manifest(path, Defaults(profile=self._profile_name, out=self._out, here=False))

    def _single(self, path: Path) -> list[Request]:
        request = Request([str(path)], list(self._languages), self._out, self._profile_name)
        refuse_masters(request.videos)
        work = [asked(run, run.title.languages) for run in plan(request)]
        found = faults(work)
        if all(stopped(one, found) for one in work) and not any(is_transient(fault.error) for fault in found):
            raise UnsupportedError(" ".join(dict.fromkeys(str(fault.error) for fault in found)))
        return [request]

    def _checked(self, path: Path, read: Callable[[Path], list[Request]]) -> list[Request]:
        """The requests of a file; none, with an error file next to it, if it cannot be dubbed."""
        note = path.with_name(f"{path.name}.error.txt")
        if note.exists() and note.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            return []
        try:
            Roots.of(self._folder, here=False).path(str(path))
            requests = read(path)
        except PolydubError as error:
            self._refuse(path, str(error))
            return []
        except Exception as error:  # one bad file must not stop the inbox for the others
            self._refuse(path, f"It cannot be dubbed ({type(error).__name__}: {' '.join(str(error).split())[:300]}).")
            return []
        note.unlink(missing_ok=True)
        return requests

    def _refuse(self, path: Path, why: str) -> None:
        """Write an error file; a link with its name is replaced, not followed."""
        Console(stderr=True).print(f"{path.name}: {why}", markup=False, soft_wrap=True)
        with contextlib.suppress(OSError), staged(path.with_name(f"{path.name}.error.txt")) as part:
            part.write_text(f"{visible(why)}\n", "utf-8")

    def _dub(
        self, name: str, requests: Sequence[Request], files: Mapping[Path, Sequence[Request]]
    ) -> list[dict[str, Any]]:
        """Dub the requests of some files.

        Args:
            name: of the batch.
            requests: one for each title.
            files: the files they came from, manifests with their requests.
        """
        try:
            batch, runs = new_batch(name, requests, self._profile, self._out, self._profile.budget)
            keys = {path: self._key(path, rows) for path, rows in files.items()}  # of the content before dubbing starts
        except (BadInputError, OSError) as error:
            for path in files:
                self._refuse(path, str(error))
            return []
        summaries = run_batch(batch, runs)
        for path, key in keys.items():
            self._store.write_note(_TAKEN, key, {"name": path.name, "batch": batch.id})
        return summaries

    def _is_taken(self, path: Path, rows: Sequence[Request]) -> bool:
        try:
            return self._store.read_note(_TAKEN, self._key(path, rows)) is not None
        except OSError:  # gone since the last check, or unreadable
            return not path.exists()

    def _key(self, path: Path, rows: Sequence[Request]) -> str:
        """Key of the content, including a manifest's videos, and of the request; failures are not retried here."""
        asked = {"languages": list(self._languages), "profile": self._profile_name, "out": self._out}
        inputs: dict[str, Any] = {"file": self._store.reference(path)}
        if rows:
            videos = [video for row in rows for video in row.videos]
            inputs["videos"] = [self._store.reference(Path(video)) for video in videos if not is_address(video)]
            if elsewhere := [text_sha256(video) for video in videos if is_address(video)]:
                inputs["addresses"] = elsewhere
        return step_key(_TAKEN, 1, settings=asked, inputs=inputs)


def _is_taken_kind(path: Path) -> bool:
    return is_title(path) or path.suffix.lower() in _MANIFESTS


def _files(request: Request) -> list[str]:
    """The files that a row of a manifest names."""
    return [*request.videos, *filter(None, (request.subtitles, request.bed)), *request.dubs.values()]
