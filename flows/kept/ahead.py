"""The steps that a run will execute. No Prefect."""

from __future__ import annotations

from configs.delivery import delivery_presets
from configs.profile import Profile
from tasks.lipsync.choose import dubs_alone
from tasks.lipsync.plain import takes_as_it_is
from tasks.records.facts import MediaFacts
from tasks.records.title import Branch, Run
from tasks.step.table import Part, Step, Way, of_part, of_way
from tasks.watermark import NONE, marking


def way_of(branch: Branch) -> Way:
    """How a language is dubbed."""
    if branch.language in branch.title.dubs:
        return "recorded"
    return "service" if dubs_alone(branch.profile.lipsync.backend) else "spoken"


def steps_ahead(run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    """The steps of a branch; of a title, those that its languages share.

    Args:
        run: of a title, or a branch.
        facts: of the title, or of its preview.
    """
    if not isinstance(run, Branch):
        return _needed("title", run, facts)
    subtitles = run.profile.subtitles
    needed = {
        "find-shots": subtitles.guided,
        "timed-text": subtitles.guided,
        "burn": subtitles.burns(run.language) and not facts.sound_only,
        "sign": run.profile.credentials.signs,
        "lipsync": not facts.sound_only,
        **({"find-shots": False} if facts.sound_only else {}),
        "label": run.profile.label != "none" and not facts.sound_only,
        **dict.fromkeys(("watermark", "find-watermark"), is_marked(run.profile)),
    }
    return tuple(step for step in of_way(way_of(run)) if needed.get(step.name, True))


def is_marked(profile: Profile) -> bool:
    """Whether spoken lines get a watermark here."""
    return marking(profile.watermark).backend.facts.name != NONE


def last_steps(run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    """The steps of a title when its languages are done; arguments as of `steps_ahead`."""
    return _needed("end", run, facts)


def is_turned(facts: MediaFacts) -> bool:
    """Whether a picture is stored turned or mirrored."""
    return facts.picture is not None and bool(facts.picture.rotation or facts.picture.mirrored)


def _needed(part: Part, run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    needed = {
        "cut-preview": run.title.preview_ms > 0,
        "plain-picture": not facts.sound_only and not takes_as_it_is(run, facts),
        "track-faces": not facts.sound_only,
        "match-speech": not facts.sound_only,
        "turn-picture": is_turned(facts),
        "sign-multi": run.profile.credentials.signs,
        **_for_presets(run),
    }
    return tuple(step for step in of_part(part) if needed.get(step.name, True))


def _for_presets(run: Run) -> dict[str, bool]:
    """Which steps the title's delivery presets take."""
    presets = [delivery_presets()[name] for name in run.profile.deliver]
    kinds = {one.kind for one in presets}
    encoded = any(one.kind == "broadcast" and one.picture != "copy" for one in presets)
    return {
        "translate-name": bool(kinds & {"platform", "podcast"}),
        "deliver-ladder": "streaming" in kinds,
        "deliver-picture": encoded,
        "deliver": bool(kinds - {"file"}),
        "sign-presets": bool(kinds - {"file"}) and run.profile.credentials.signs,
    }
