"""The inputs of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.records.credentials import Signer
from tasks.records.script import Script
from tasks.records.take import Placement


@dataclass(frozen=True)
class MadeBy:
    """Provenance of one step: its backend, licences and notes.

    Without durations, so that the same inputs give the same page.
    """

    step: str
    backend: str
    versions: Mapping[str, str] = field(default_factory=dict)
    code_licence: str = ""
    weights_licence: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportInputs:
    """One language branch as the report shows it.

    Attributes:
        title: the title's name.
        source: source script.
        dub: target script, same line ids.
        placements: where the takes were laid.
        duration_ms: length of the title.
        qc: content of ``qc.json``.
        profile: name of the profile.
        fake: the profile computes nothing real.
        source_media: path of the source file, relative to the report, or absolute where it is not of this delivery;
            shown beside the dub.
        source_or_else: where to look for it next, likewise.
        dub_media: path of the dubbed master, likewise.
        still: the media are sound only.
        files: further deliverables as (label, relative path).
        original_dialogue: WAV of the source's dialogue, for the waveform; None: not drawn.
        dialogue: WAV of the dub's dialogue.
        made_by: provenance, in the order of the steps.
        notes: fallbacks and limits of this branch, shown first.
        disclosure: what the page says about synthetic speech and picture.
        signer: whose certificate the files are signed with; None: they are not.
    """

    title: str
    source: Script
    dub: Script
    placements: tuple[Placement, ...]
    duration_ms: int
    qc: Mapping[str, Any]
    profile: str
    fake: bool = False
    source_media: str = ""
    source_or_else: str = ""
    dub_media: str = ""
    still: bool = False
    files: tuple[tuple[str, str], ...] = ()
    original_dialogue: Path | None = None
    dialogue: Path | None = None
    made_by: tuple[MadeBy, ...] = ()
    notes: tuple[str, ...] = ()
    disclosure: str = ""
    signer: Signer | None = None
