"""One source video and what the user gave with it; the run of a title, and the branch of a language."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator

from configs.profile import Profile
from tasks.records.record import Asset, Milliseconds, Record

ConsentSubject = Literal["voice", "face"]


class Consent(Record):
    """Somebody's agreement that their likeness is used.

    Attributes:
        who: as the script names the speaker; ``*`` for everybody.
        what: what of them.
        when: date of the agreement.
        scope: what for, in the words of the agreement.
        titles: names of titles; ``*`` for all.
        reference: under which the agreement is filed; content credentials tell it, and never the person.
    """

    who: str = Field(min_length=1)
    what: tuple[ConsentSubject, ...] = Field(min_length=1)
    when: date
    scope: str = Field(min_length=1)
    titles: tuple[str, ...] = Field(min_length=1)
    reference: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._/-]{0,63})?$")


class Title(Record):
    """One source video and what the user gave with it.

    Attributes:
        name: safe file stem; also the folder of its deliverables, and no other title's there.
        plain: the name before a part was added to make it unique; with the video's digest it says which title it is.
        video: the user's file, where it lies.
        source: the user's path as text, for links and provenance.
        folder: where deliverables go.
        languages: BCP-47 tags to dub into.
        source_language: as the user said or a sidecar's name says; None: detect.
        subtitles: the source script, when there is one.
        forced: files with the words in the picture, by language; empty where a name says none.
        bed: the client's M&E, when there is one.
        dubs: recorded dubs by language.
        translations: translations that the user brought, by language.
        preview_ms: only a stretch, this long; 0 for all.
        preview_start_ms: where that begins.
        consent: the agreements under which voices are cloned or faces sent to a service.
        notes: what was decided while the run was planned, to tell the user; no step depends on it.
    """

    name: str
    video: Asset
    source: str
    folder: str
    languages: tuple[str, ...]
    source_language: str | None = None
    subtitles: Asset | None = None
    forced: dict[str, Asset] = {}
    bed: Asset | None = None
    dubs: dict[str, Asset] = {}
    translations: dict[str, Asset] = {}
    preview_ms: Milliseconds = 0
    preview_start_ms: Milliseconds = 0
    consent: tuple[Consent, ...] = ()
    plain: str = ""
    notes: tuple[str, ...] = ()


class Run(Record):
    """What the steps of a title are given: the title, the profile, and where the store is. It has no language.

    Attributes:
        title: what is dubbed.
        profile: how.
        store: where results are kept: a folder or a URL (`tasks.keep.store.store_at`).
        batch: that it belongs to; empty for a single run.
    """

    title: Title
    profile: Profile
    store: str
    batch: str = ""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """Until 0.1 a title's run had an empty language; one that the server still has is run as it is."""
        if isinstance(stored, dict) and stored.get("language") == "":
            return {name: value for name, value in stored.items() if name != "language"}
        return stored

    def branch(self, language: str) -> Branch:
        """One language of it."""
        return Branch(title=self.title, profile=self.profile, store=self.store, batch=self.batch, language=language)


class Branch(Run):
    """What the steps of a language are given: the run, and the language (BCP-47)."""

    language: str = Field(min_length=1)

    @property
    def whole(self) -> Run:
        """The run of its title."""
        return Run(title=self.title, profile=self.profile, store=self.store, batch=self.batch)


def language_of(run: Run) -> str:
    """The language of a branch; empty for what the languages of a title share."""
    return run.language if isinstance(run, Branch) else ""
