"""A title without a picture: what of its profile makes one is switched off, and said. No Prefect."""

from __future__ import annotations

from configs.profile import LipsyncSettings, Profile
from tasks.lipsync.choose import dubs_alone
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts
from tasks.records.title import Run

_SAID = "The title has no picture: its sound is dubbed, and there is no lip sync."


def as_it_is(run: Run, facts: MediaFacts) -> Run:
    """The run as its title can be dubbed.

    Args:
        run: the title with the profile that was asked for.
        facts: of its file.

    Raises:
        BadInputError: the profile has a service dub the film, and there is none.
    """
    if not facts.sound_only:
        return run
    profile = run.profile
    if dubs_alone(profile.lipsync.backend):
        raise BadInputError(
            f"{run.title.source} has no picture, and {profile.lipsync.backend} dubs whole films.",
            "Choose another --lipsync for it, such as none.",
        )
    notes = (*run.title.notes, _SAID, *_unheeded(profile))
    sound = {
        "lipsync": LipsyncSettings.model_validate({"backend": "none"}),
        "scene": None,
        "height": "source",
        "upscale": False,
    }
    title = run.title.model_copy(update={"notes": notes})
    return run.model_copy(update={"title": title, "profile": profile.model_copy(update=sound)})


def _unheeded(profile: Profile) -> tuple[str, ...]:
    wanted = {
        f"scene {profile.scene}": profile.scene is not None,
        f"height {profile.height}": profile.height != "source",
    }
    named = [name for name, asked in wanted.items() if asked]
    return (f"Of a picture, and so without effect here: {', '.join(named)}.",) if named else ()
