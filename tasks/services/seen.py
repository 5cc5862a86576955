"""What is seen of a file elsewhere, by which it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """What a server says of a file: ``tag`` and ``modified`` as in its headers, and the size in bytes (0: unknown)."""

    tag: str = ""
    modified: str = ""
    bytes: int = 0

    @property
    def same(self) -> str:
        """What a range is asked with, so that it is of the same file."""
        return self.tag if self.tag and not self.tag.startswith("W/") else self.modified

    def is_still(self, before: Mapping[str, Any]) -> bool:
        """Whether a file is the one that was seen before."""
        if self.tag and before.get("tag"):
            return self.tag == str(before["tag"])
        if self.bytes and self.bytes != before.get("bytes"):
            return False
        return self.modified == before.get("modified", "") and bool(self.bytes)
