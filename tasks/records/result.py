"""How a title's shared part and its languages ended."""

from __future__ import annotations

from typing import Literal

from configs.review import Stage
from tasks.records.credentials import Signer
from tasks.records.facts import MediaFacts
from tasks.records.made import ClientBed
from tasks.records.quality import Gate
from tasks.records.record import Asset, Record
from tasks.records.script import Script
from tasks.records.step_record import StepUse


class SharedWork(Record):
    """What the steps that run once a title have made.

    ``plain``: the title as lip sync takes it; None where that is the title itself. ``client_bed``: how the client's M&E
    lies on the title; None where ``bed`` was separated. ``analysis``: of the picture; None where there is no picture.
    """

    video: Asset
    plain: Asset | None = None
    facts: MediaFacts
    original: Asset
    dialogue: Asset
    bed: Asset
    client_bed: ClientBed | None = None
    speech: Asset
    script: Script
    analysis: Asset | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[StepUse, ...] = ()

    @property
    def made(self) -> tuple[Asset, ...]:
        """The files that the steps made; the title itself is its owner's."""
        return (self.original, self.dialogue, self.bed, self.speech, *filter(None, [self.analysis, self.plain]))


class Failure(Record):
    """An error as a report shows it; a ``transient`` one may pass on its own."""

    kind: str
    what: str
    fix: str = ""
    step: str = ""
    transient: bool = False

    def __str__(self) -> str:
        return f"{self.step}: {self.what}" if self.step else self.what

    @property
    def advice(self) -> str:
        """The same, and what to do about it."""
        return f"{self} {self.fix}".strip()


class Waits(Record):
    """What a language waits for.

    Attributes:
        stage: what is to be approved.
        content: digest of it, as the store knows it.
        why: what there is to look at; empty where it always waits here.
        assignee: who is to look at it; empty for anybody.
        since: when the wait began, ISO 8601, UTC.
        until: when it is over, likewise; empty: never.
        on_timeout: what happens then.
        said: what was said of it so far: that an approval no longer fits, or that it was rejected.
        material: what there is to look at, by path below the title's folder.
    """

    stage: Stage
    content: str
    why: tuple[str, ...] = ()
    assignee: str = ""
    since: str = ""
    until: str = ""
    on_timeout: Literal["continue", "fail"] = "fail"
    said: str = ""
    material: dict[str, Asset] = {}

    def __str__(self) -> str:
        whom = f" by {self.assignee}" if self.assignee else ""
        until = f" until {self.until}" if self.until else ""
        told = "; ".join(filter(None, [self.said, *self.why]))
        return f"waits for approval of the {self.stage}{whom}{until}" + (f": {told}" if told else "")


class BranchResult(Record):
    """How one language of one title ended.

    Attributes:
        language: BCP-47 tag.
        state: ``needs_review`` is delivered, with a failed quality gate; ``carried_over`` did not fit a batch's budget;
            ``waiting`` is to be approved before it goes on.
        key: content key of the whole branch.
        outputs: deliverables by path below the title's folder; empty when failed.
        audio: the encoded dub, for the multi-track master.
        subtitles: SRT of the dub, likewise.
        steps: the ledger.
        notes: fallbacks and limits.
        gates: of its quality sheet, those that did not pass.
        failure: why, when it was not delivered.
        waits: what for, when it waits.
        disclosure: what the dub is said to be: whether a machine speaks, and mouths were changed.
        watermark: whether the mark of its speech is found in the master; empty where no line was marked.
        strikes: how often in a row it failed for a reason that does not pass on its own.
        title: the title's name.
        source: digest of the title's video.
        signed_by: whose certificate its files are signed with; None: they are not.
        unsigned: those files as they were before, by place: what is made from them does not change with a certificate.
    """

    language: str
    state: Literal["completed", "needs_review", "failed", "carried_over", "waiting"]
    key: str
    outputs: dict[str, Asset] = {}
    audio: Asset | None = None
    subtitles: Asset | None = None
    steps: tuple[StepUse, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    failure: Failure | None = None
    waits: Waits | None = None
    disclosure: str = ""
    watermark: str = ""
    strikes: int = 0
    title: str = ""
    source: str = ""
    signed_by: Signer | None = None
    unsigned: dict[str, Asset] = {}

    @property
    def delivered(self) -> bool:
        """Whether there is a master."""
        return self.state in ("completed", "needs_review")

    @property
    def master(self) -> str:
        """The master's place below the title's folder; of sound alone the M4A. Empty where there is none.

        A copy with burned-in subtitles beside it (``talk.es.burned.mp4``) is none.
        """
        beside = (place for place in self.outputs if "/" not in place)
        return next(
            (place for place in beside if place.endswith((f".{self.language}.mp4", f".{self.language}.m4a"))), ""
        )
