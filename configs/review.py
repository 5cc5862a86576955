"""Where a dub waits until somebody has approved it: settings of a profile, and what a manifest adds to them."""

from __future__ import annotations

import datetime
import re
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: What of a dub is approved, in the order in which it is made.
Stage = Literal["script", "premix", "picture", "master"]
STAGES: tuple[Stage, ...] = get_args(Stage)
Gate = Literal["script", "premix", "picture"]
GATES: tuple[Gate, ...] = get_args(Gate)

_DURATION = re.compile(r"(\d{1,4}(?:\.\d+)?) ?(m|h|d)")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


class ReviewSettings(BaseModel):
    """After which stages a language waits for approval, and for how long.

    Attributes:
        after: of these stages, before the next one is made.
        when: always, or only where the stage has something to look at.
        assignee: who is to look at it; named to everybody, not checked.
        deadline: how long it waits: ``90m``, ``48h`` or ``3d``; None: for ever.
        on_timeout: whether it goes on after that, or fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: tuple[Gate, ...] = Field((), description="a language waits for approval after these: script premix picture")
    when: Literal["always", "qc"] = Field("always", description="qc: only where there is something to look at")
    assignee: str = Field("", max_length=200)
    deadline: str | None = Field(None, description="how long it waits: 90m, 48h, 3d")
    on_timeout: Literal["continue", "fail"] = "fail"

    @field_validator("after", mode="before")
    @classmethod
    def _in_order(cls, value: Any) -> Any:
        """One name, several in a text, or a list; in the order in which they are made, each once."""
        names = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
        if isinstance(names, list | tuple):
            if unknown := [name for name in names if name not in GATES and name != ""]:
                raise ValueError(f"no stage {unknown[0]!r} to wait after; choose of {', '.join(GATES)}")
            return tuple(gate for gate in GATES if gate in names)
        return value

    @field_validator("deadline")
    @classmethod
    def _a_duration(cls, value: str | None) -> str | None:
        if value is not None and not _DURATION.fullmatch(value):
            raise ValueError(f"{value!r} is no length of time; write 90m, 48h or 3d")
        return value

    def ends(self, since: datetime.datetime) -> datetime.datetime | None:
        """When the wait is over that began then."""
        found = _DURATION.fullmatch(self.deadline or "")
        return since + datetime.timedelta(seconds=float(found[1]) * _SECONDS[found[2]]) if found else None

    def also(self, after: tuple[Gate, ...], assignee: str = "") -> ReviewSettings:
        """The same with more stages: who gives a title may ask for more review, not for less.

        Args:
            after: stages that are added.
            assignee: who is to look; empty: as it is.
        """
        both = tuple(gate for gate in GATES if gate in {*self.after, *after})
        return self.model_copy(update={"after": both, "assignee": assignee or self.assignee})
