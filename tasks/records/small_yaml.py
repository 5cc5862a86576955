"""A YAML file that may be a client's, read within bounds: so long at most, nothing but plain data, no aliases.

An alias repeats a part of the file; a few lines of them can mean more than fits into memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 1 << 20


class _NoAliases(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {line}: aliases (*) are not accepted; write the value out")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """What a file holds; None where it is empty.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer than 1 MiB, no UTF-8, or a value is none (a date that does not exist).
        yaml.YAMLError, RecursionError: it is no YAML, has aliases, or is nested too deeply.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES >> 20} MiB")
    return yaml.load(content.decode("utf-8-sig"), _NoAliases)
