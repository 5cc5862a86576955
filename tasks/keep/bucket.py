"""A place that is a prefix of an object store, which every machine sees."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from tasks.keep.folder import Folder
from tasks.keep.place import Kept, aside
from tasks.keep.remote import asked, cache_folder, file_system, table

#: Bytes of an object read by one request.
_BLOCK = 8 << 20
#: The version tag of an object, by the names that object stores use.
_IDENTITY = ("size", "ETag", "etag", "LastModified", "VersionId", "generation", "updated", "last_modified", "created")


class Bucket:
    """A prefix of an object store, through fsspec; large files pass through the cache folder.

    Args:
        url: such as ``s3://bucket/prefix``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._files = file_system(url.partition("://")[0])
        self._cache = Folder(cache_folder())

    def read(self, name: str) -> bytes | None:
        """One request."""
        with asked(self._url):
            try:
                content: bytes = self._files.cat_file(self.uri(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, data: bytes) -> None:
        """One request; the last writer wins."""
        with asked(self._url):
            self._files.pipe_file(self.uri(name), data)

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        """Three requests; the object store refuses the last one if another writer came in between."""
        condition = {"IfNoneMatch": "*"}
        if before is not None:
            facts = self._facts(name)
            if facts is None or self.read(name) != before:
                return False
            condition = {"IfMatch": facts["ETag"]}
        with asked(self._url):
            try:
                self._files.pipe_file(self.uri(name), data, **condition)
            except (FileExistsError, FileNotFoundError):
                return False
            except OSError as error:
                if _is_refused(error):
                    return False
                raise
        return True

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """One request, and one for the digest that the object's writer stored next to it.

        An object without a stored digest is read, once for all machines.
        """
        facts = self._facts(name)
        if facts is None or facts["size"] != size:
            return None if facts is None else False
        memo = self._memo(name, facts)
        known = self._cache.read(memo)
        if known is None and (known := self.read(memo)) is not None:
            self._cache.write(memo, known)
        if known is None:
            return self.sha256(name) == (sha256, size)
        return known == json.dumps(sha256).encode()

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Upload it with its digest, and keep it in the cache for the next step."""
        with asked(self._url):
            self._files.put_file(str(staged), self.uri(name))
        self._remember(name, sha256)
        self._cache.take(staged, name, sha256)

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Streamed; only the digest is kept."""
        facts = self._facts(name)
        if facts is None:
            return None
        with asked(self._url):
            try:
                with self._files.open(self.uri(name), "rb", block_size=_BLOCK) as file:
                    read = hashlib.sha256()
                    size = 0
                    while piece := file.read(_BLOCK):
                        read.update(piece)
                        size += len(piece)
            except FileNotFoundError:
                return None
        if facts == self._facts(name):
            self._remember(name, read.hexdigest())
        return read.hexdigest(), size

    def set_aside(self, name: str) -> bool:
        """Copied on the object store's side."""
        with asked(self._url):
            try:
                self._files.mv(self.uri(name), self.uri(aside(name)))
            except FileNotFoundError:
                return False
        return True

    def has_set_aside(self, name: str) -> bool:
        """One request."""
        return self._facts(aside(name)) is not None

    def note_use(self, name: str) -> None:
        """Not here: it would cost a request, and a copy of the object."""

    def remove(self, file: Kept) -> bool:
        """Two requests."""
        facts = self._facts(file.name)
        if facts is not None and facts["LastModified"].timestamp() != file.changed:
            return False
        with asked(self._url), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self.uri(file.name))
        return True

    def below(self, folder: str) -> list[tuple[str, int]]:
        """One request for every thousand files."""
        return [(file.name, file.bytes) for file in self.kept(folder)]

    def kept(self, folder: str) -> list[Kept]:
        """One request for every thousand files."""
        with asked(self._url):
            root = self._url.partition("://")[2]
            found = self._files.find(self.uri(folder), detail=True)
        return [
            Kept(path.removeprefix(f"{root}/"), facts["size"], facts["LastModified"].timestamp())
            for path, facts in sorted(found.items())
        ]

    def _facts(self, name: str) -> Any:
        with asked(self._url):
            try:
                return self._files.info(self.uri(name))
            except FileNotFoundError:
                return None

    def _memo(self, name: str, facts: Any) -> str:
        """The name of the memo with this object's digest; another object of this name has another tag or time."""
        identity = [self.uri(name), *(str(facts.get(fact)) for fact in _IDENTITY)]
        return f"records/sha256/{hashlib.sha256(json.dumps(identity).encode()).hexdigest()}.json"

    def _remember(self, name: str, sha256: str) -> None:
        if (facts := self._facts(name)) is not None:
            memo = self._memo(name, facts)
            for place in (self, self._cache):
                place.write(memo, json.dumps(sha256).encode())

    def names(self, folder: str) -> list[str]:
        """One request for every thousand files; times have a resolution of one second."""
        with asked(self._url):
            try:
                found = self._files.ls(self.uri(folder), detail=True)
            except FileNotFoundError:
                return []
        by_time = sorted((entry["LastModified"], entry["name"]) for entry in found if entry["type"] == "file")
        return [f"{folder}/{name.rpartition('/')[2]}" for _, name in by_time]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Several requests for each file."""
        with asked(self._url):
            return table(self._files, self.uri(folder).partition("://")[2], wanted)

    def uri(self, name: str) -> str:
        """The object's address."""
        return f"{self._url}/{name}"


def _is_refused(error: OSError) -> bool:
    """Whether an object store says that a condition does not hold (412), or that another writer was first (409)."""
    return any(sign in str(error) for sign in ("PreconditionFailed", "pre-conditions", "ConditionalRequestConflict"))
