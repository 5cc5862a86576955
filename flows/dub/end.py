"""How a title or a branch ended, for its caller: the state of a flow run is made of this (`flows.dub.states`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.records.result import Waits

WAITS = "WaitsForApproval"


@dataclass(frozen=True)
class End:
    """An end.

    Attributes:
        kind: whether its work is done, was not done, was left for another night, or waits for approval.
        name: a name of its own, where the kind says too little (``NeedsReview``, ``PartialFailure`` ...).
        message: for the user.
        logged: whether the message belongs in the log of the run, too.
        waits: what a branch waits for.
    """

    kind: Literal["completed", "failed", "carried_over", "waiting"]
    message: str
    name: str | None = None
    logged: bool = False
    waits: Waits | None = None
