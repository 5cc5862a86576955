"""Finished stretches of a dub's picture through the store: what an edit leaves as it was is not drawn again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.keep.assets import path_of
from tasks.keep.store import step_key, store_at
from tasks.records.record import Asset, Record
from tasks.records.step_record import StepRecord

_STEP = "lipsync-stretch"
#: Version of a stored stretch; what draws it is in the key.
_VERSION = 1


class Drawn(Record):
    """A stretch, drawn and encoded."""

    stretch: Asset


@dataclass(frozen=True)
class Shelved:
    """Where the stretches of one title are kept.

    Attributes:
        store: the store's place.
        title: digests of the picture and of its analysis.
        drawer: what draws them: its name, its version and its weights.
    """

    store: str
    title: tuple[str, ...]
    drawer: str = ""

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def find(self, key: str) -> Path | None:
        """The file of a stretch that was finished before.

        Args:
            key: digest of its frames and of what is drawn into them.
        """
        record = store_at(self.store).lookup(_STEP, self._key(key), Drawn)
        return path_of(record.value.stretch) if record else None

    def keep(self, key: str, file: Path) -> None:
        """Take a finished stretch into the store.

        Args:
            key: digest of its frames and of what is drawn into them.
            file: moved away.
        """
        store = store_at(self.store)
        store.commit(StepRecord[Drawn](step=_STEP, key=self._key(key), value=Drawn(stretch=store.add(file))))

    def _key(self, key: str) -> str:
        return step_key(_STEP, _VERSION, backend=self.drawer, inputs={"title": list(self.title), "stretch": key})
