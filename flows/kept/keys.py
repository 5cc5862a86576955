"""Content keys of titles and of their languages: of what they are made. No Prefect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flows.ask.plan import backends
from flows.kept.applied import Applied
from tasks.keep.store import step_key
from tasks.lipsync.choose import ignored_style
from tasks.lipsync.finish import Finishing
from tasks.records.result import SharedWork
from tasks.records.script import Script
from tasks.records.title import Branch, Run
from tasks.sign.key import certificate_digest
from tasks.step.table import BY_NAME, Step, of_part
from tasks.synthesize.casting import casting_facts


def shared_key(run: Run) -> str:
    """The content key of the work that all languages of a title share."""
    title = run.title
    chosen = backends(run.profile, title.source_language)
    steps = of_part("title")
    used = dict.fromkeys(step.section for step in steps if step.section)
    return step_key(
        "shared",
        1,
        settings={
            "sidecar": run.profile.sidecar,
            "preview_ms": title.preview_ms,
            "realign": run.profile.realign,
            **({"preview_start_ms": title.preview_start_ms} if title.preview_start_ms else {}),
        },
        backend=" ".join(chosen[name].fingerprint() for name in used),
        inputs={
            "video": title.video,
            "subtitles": title.subtitles,
            "bed": title.bed,
            "language": title.source_language,
            "versions": versions(steps),
        },
    )


def content_key(branch: Branch, work: SharedWork | None, edits: Applied) -> str:
    """The content key of one language of a title, from everything that it depends on.

    Args:
        branch: the language of the title.
        work: of the shared steps; None before they have run.
        edits: of the dub's lines.
    """
    title, profile, language = branch.title, branch.profile, branch.language
    chosen = backends(profile, title.source_language, language)
    return step_key(
        "branch",
        1,
        settings={
            "loudness": profile.loudness,
            "finishing": Finishing.of(profile).facts(),
            "unheeded": ignored_style(profile.lipsync),
            "fit": profile.fit,
            "pace": profile.pace,
            "mix": profile.mix,
            "ingest": profile.ingest,
            "waivers": profile.waivers,
            "fake": profile.fake,
            **({"subtitles": profile.subtitles} if profile.subtitles.guided else {}),
            **({"label": [profile.label, BY_NAME["label"].version]} if profile.label != "none" else {}),
            **({"script approved": True} if holds_script(branch) else {}),
            **signing_facts(branch),
        },
        backend=" ".join(backend.fingerprint() for backend in chosen.values()),
        inputs={
            "shared": shared_key(branch),
            "dub": title.dubs.get(language),
            **({"translation": title.translations[language]} if language in title.translations else {}),
            "edits": edits.facts,
            "language": language,
            "casting": _casting(branch, work),
            "name": title.name,
            "versions": versions(of_part("branch")),
        },
    )


def signing_facts(run: Run) -> dict[str, Any]:
    """What of the credentials changes what is delivered; nothing where nothing is signed."""
    settings = run.profile.credentials
    if not settings.signs:
        return {}
    facts = {"version": BY_NAME["sign"].version, "certificate": certificate_digest(settings)}
    agreed = [record.reference for record in run.title.consent]
    return {"credentials": {**facts, "timestamp": settings.timestamp, "consent": agreed}}


def holds_script(branch: Branch) -> bool:
    """Whether nothing is spoken before somebody approved the script."""
    return "script" in branch.profile.review.after and not branch.title.preview_ms


def is_worded_by_people(branch: Branch) -> bool:
    """Whether every word of the script is a person's, who approved or brought it: no line is reworded to fit."""
    return holds_script(branch) or branch.language in branch.title.translations


def versions(steps: Iterable[Step]) -> list[tuple[str, int]]:
    """The versions of steps as keys hold them: each package once, in the order of the table."""
    return list({step.package: step.version for step in steps if step.keyed}.items())


def _casting(branch: Branch, work: SharedWork | None) -> dict[str, Any]:
    """Casting settings that affect the speech; empty before the shared steps have run."""
    cast = work if branch.profile.voices else None
    return casting_facts(branch, cast.script if cast else Script(language="und", lines=()))
