"""title.json and summary.json: what was made, from what, and how each language ended. No Prefect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.languages import display_name
from flows.ask.naming import card_of, take
from flows.ask.plan import backends
from flows.kept.approving import approvals_in_store
from flows.kept.branches import branch_key, finished, last_attempt
from flows.kept.branches import known as known_of
from flows.kept.deliver import write_json
from flows.kept.delivered import Delivery
from flows.kept.keys import shared_key
from flows.kept.links import note_delivered
from flows.kept.review import Verdict, tally, verdict
from tasks.keep.store import store_at, text_sha256
from tasks.records.credentials import Signer, told
from tasks.records.quality import Gate
from tasks.records.record import Asset, Record
from tasks.records.registry import package_version
from tasks.records.result import BranchResult, Failure, SharedWork
from tasks.records.step_record import StepUse
from tasks.records.title import Run


class TitleResult(Record):
    """How a title ended: the shared work, its branches, the multi-track master and its languages, or why not.

    ``multi_gates``: whether the sound of each language lies with the picture in the multi-track master.
    ``notes``: fallbacks and limits of the title besides those of its shared work. ``title``: its name, ``source``: the
    digest of its video, ``steps``: of its end. ``beside``: files of the multi-track master besides itself, by place;
    ``signed``: what it was signed with (`flows.kept.keys.signing_facts`), and ``signed_by``: by whom.
    ``deliveries``: its delivery presets besides the masters.
    """

    work: SharedWork | None = None
    branches: tuple[BranchResult, ...] = ()
    multi: Asset | None = None
    multi_languages: tuple[str, ...] = ()
    multi_gates: Mapping[str, Gate] = {}
    beside: Mapping[str, Asset] = {}
    signed: Mapping[str, Any] = {}
    signed_by: Signer | None = None
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    title: str = ""
    source: str = ""
    steps: tuple[StepUse, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


def keep_title_result(run: Run, result: TitleResult) -> None:
    """Remember a title's last result."""
    kept = result.model_copy(update={"title": run.title.name, "source": run.title.video.sha256})
    store_at(run.store).write_note("title", _title_key(run), kept.model_dump(mode="json"))


def title_result(run: Run) -> TitleResult | None:
    """A title's last result."""
    try:
        return TitleResult.model_validate(store_at(run.store).read_note("title", _title_key(run)))
    except ValidationError:
        return None


def forget_title_result(run: Run) -> None:
    """Remove a title's last result before a new attempt."""
    store_at(run.store).write_note("title", _title_key(run), None)


def results_of(run: Run, found: Mapping[str, BranchResult]) -> list[BranchResult]:
    """How each asked language ended: ``found`` before anything was launched, else as its last attempt ended."""
    results = []
    for language in run.title.languages:
        key = branch_key(run.branch(language))
        result = found.get(language) or last_attempt(run, key)
        if result is None:
            failure = Failure(kind="Unknown", what="The branch left no result.", fix="Run the command again.")
            result = BranchResult(language=language, state="failed", key=key, failure=failure)
        results.append(result)
    return results


def earlier_languages(run: Run) -> list[BranchResult]:
    """Languages delivered to this folder before, from the same source and settings, that this run was not asked for."""
    try:
        known = json.loads((Path(run.title.folder) / "summary.json").read_bytes())["languages"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    others = [language for language in known if language not in run.title.languages]
    return [result for language in others if (result := finished(run.branch(language))) is not None]


def write_summary(run: Run, result: TitleResult) -> dict[str, Any]:
    """Write ``title.json`` (when the shared steps are done) and ``summary.json``; returns the summary.

    Nothing is written into a folder that another source owns.
    """
    folder = Path(run.title.folder)
    summary = summarize(run, result)
    if not take(run):
        return summary
    if result.work is not None:
        write_json(folder / "title.json", _title(run, result))
    write_json(folder / "summary.json", summary)
    note_delivered(run)
    return summary


def summarize(run: Run, result: TitleResult) -> dict[str, Any]:
    """The content of ``summary.json``; state and counts are of this run's languages, earlier ones are listed beside.

    ``outcome`` is one line; ``why`` and ``review`` of a language are those of `flows.kept.review.Verdict`.
    """
    title = run.title
    branches = [*result.branches, *(earlier_languages(run) if result.branches else [])]
    delivered = [branch for branch in result.branches if branch.delivered]
    failed = [branch for branch in result.branches if branch.state == "failed"]
    states = [verdict_of(result, branch).state for branch in result.branches]
    return {
        "title": title.name,
        "source": title.source,
        "folder": title.folder,
        "state": _state(result),
        "profile": run.profile.name,
        "fake": run.profile.fake,
        "preview_seconds": title.preview_ms / 1000 or None,
        "preview_from_seconds": title.preview_start_ms / 1000 if title.preview_ms else None,
        "error": result.failure.model_dump() if result.failure else None,
        "multi": f"{title.name}{result.work.facts.multi_ending}" if result.multi and result.work else None,
        "multi_credentials": told(result.signed_by) if result.multi else None,
        "deliver": {one.preset: one.as_json() for one in result.deliveries},
        "multi_gates": {tag: gate.model_dump(mode="json") for tag, gate in result.multi_gates.items()},
        "shared": {
            **_ledger(result.work.steps if result.work else ()),
            "notes": title_notes(run, result),
        },
        "languages": {branch.language: _language(run, result, branch) for branch in branches},
        "outcome": tally(states),
        "ready": states.count("completed"),
        "to_review": states.count("needs_review"),
        "delivered": len(delivered),
        "failed": len(failed),
        "carried_over": sum(branch.state == "carried_over" for branch in result.branches),
        "waiting": sum(branch.state == "waiting" for branch in result.branches),
    }


def verdict_of(title: TitleResult | None, branch: BranchResult) -> Verdict:
    """The verdict on a language, the multi-track master included."""
    if title is None:
        return verdict(branch)
    return verdict(branch, title.multi_gates.get(branch.language), title.failure)


def title_notes(run: Run, result: TitleResult) -> list[str]:
    """Fallbacks and limits of the title itself, each once: planned, met by the shared steps, met at its end."""
    fake = ["FAKE profile: every result is invented, for tests of orchestration only."] if run.profile.fake else []
    shared = result.work.notes if result.work else ()
    presets = [f"deliver {one.preset}: {note}" for one in result.deliveries for note in one.notes]
    return list(dict.fromkeys([*fake, *run.title.notes, *shared, *result.notes, *presets]))


def notes_of(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All notes of a summary on fallbacks and limits: the title's own (no language), then each language's."""
    notes = [("", note) for note in summary["shared"]["notes"]]
    return notes + [(tag, note) for tag, branch in summary["languages"].items() for note in branch["notes"]]


def _state(result: TitleResult) -> str:
    states = {branch.state for branch in result.branches}
    if result.failure or states == {"failed"} or not states:
        return "failed"
    if states == {"carried_over"}:
        return "carried_over"
    presets = {one.state for one in result.deliveries}
    if states & {"failed", "carried_over"} or "failed" in presets:
        return "partial"
    if "waiting" in states:
        return "waiting"
    failed = any(gate.status == "fail" and not gate.waiver for gate in result.multi_gates.values())
    return "needs_review" if failed or "needs_review" in states | presets else "completed"


def _language(run: Run, title: TitleResult, branch: BranchResult) -> dict[str, Any]:
    delivered = branch.delivered
    known = verdict_of(title, branch)
    approvals = approvals_in_store(known_of(run.branch(branch.language)))
    return {
        "state": known.state,
        **known.as_json(),
        "language": display_name(branch.language),
        "error": branch.failure.model_dump() if branch.failure else None,
        "waits": branch.waits.model_dump(exclude={"material"}) if branch.waits else None,
        "approval": approvals.as_json() if approvals else None,
        "master": branch.master if delivered else None,
        "report": f"{branch.language}/report.html" if delivered else None,
        "credentials": told(branch.signed_by) if delivered else None,
        "watermark": (branch.watermark or "not watermarked") if delivered else None,
        **_ledger(branch.steps),
        "notes": list(branch.notes),
    }


def _ledger(steps: tuple[StepUse, ...]) -> dict[str, Any]:
    return {
        "seconds": {use.step: use.seconds for use in steps},
        "cache_hits": {use.step: {"reused": use.reused, "hits": use.hits, "parts": use.parts} for use in steps},
        "computed": sum(not use.reused for use in steps),
    }


#: Of a profile, what the delivered folder tells: how the title was made, and nothing of whose machines made it.
_TOLD = {
    "name",
    "fake",
    "commercial",
    "source_language",
    "loudness",
    "scene",
    "height",
    "upscale",
    "sidecar",
    "realign",
}
_TOLD |= {"pace", "fit", "mix", "ingest", "waivers"}


def _title(run: Run, result: TitleResult) -> dict[str, Any]:
    work = result.work
    assert work is not None
    return {
        **card_of(run.title),
        "facts": work.facts.model_dump(mode="json"),
        "client_bed": work.client_bed.model_dump(mode="json") if work.client_bed else None,
        "script": work.script.model_dump(mode="json"),
        "speakers": [speaker.model_dump(mode="json") for speaker in work.script.speakers],
        "consent": [record.model_dump(mode="json") for record in run.title.consent],
        "provenance": {
            "disclosure": {one.language: one.disclosure for one in result.branches if one.disclosure},
            "polydub": package_version("polydub"),
            "profile": run.profile.model_dump(mode="json", include=_TOLD),
            "backends": _backends(run),
        },
        "deliver": {one.preset: one.as_json()["files"] for one in result.deliveries},
        "notes": title_notes(run, result),
    }


def _backends(run: Run) -> dict[str, Any]:
    """The backend of each step; ``synthesize.LANGUAGE`` if that language was spoken by another than the first."""
    languages = run.title.languages or (None,)
    made = backends(run.profile, run.title.source_language, languages[0])
    for language in languages[1:]:
        voice = backends(run.profile, run.title.source_language, language)["synthesize"]
        if voice.facts.name != made["synthesize"].facts.name:
            made[f"synthesize.{language}"] = voice
    return {
        step: {
            "name": backend.facts.name,
            "code_licence": backend.facts.code_licence,
            "weights_licence": backend.facts.weights_licence,
        }
        for step, backend in made.items()
    }


def _title_key(run: Run) -> str:
    name = run.title.name.encode()
    return f"{shared_key(run)}-{name.hex() if len(name) < 16 else text_sha256(run.title.name)[:32]}"
