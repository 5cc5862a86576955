"""A separator for orchestration tests: it separates nothing and says so in a note."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.records import registry
from tasks.records.progress import Progress, silent
from tasks.sound.blocks import open_mix, write_stems


class FakeSeparator:
    """Dialogue = mix, bed = silence."""

    class Options(registry.Options):
        """None."""

    facts: ClassVar = registry.BackendFacts(name="fake", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """A constant."""
        return "fake 1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent) -> tuple[str, ...]:
        """Copy the mix to the dialogue."""
        write_stems(mix, dialogue, bed, _blocks(mix))
        progress(1.0)
        return ("Fake separation: the dialogue is the whole mix, the bed is silence.",)


def _blocks(mix: Path) -> Iterator[NDArray[np.float32]]:
    with open_mix(mix) as file:
        yield from file.blocks(1 << 20, dtype="float32", always_2d=True)
