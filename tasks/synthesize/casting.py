"""Settings of speech beyond the backend: pronunciations, readings, and stored voices. No Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.profile import SynthesizeSettings
from tasks.records.registry import BackendFacts
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.synthesize import speaking
from tasks.synthesize.cast import cast_of
from tasks.synthesize.lexicon import Entry, read_lexicon
from tasks.understood.ears import ears_for

_RETAKES = 2


def casting_facts(branch: Branch, source: Script) -> dict[str, Any]:
    """All of these settings, as part of a step's key.

    Args:
        branch: one language of a title.
        source: the source script with speakers.

    Raises:
        BadInputError: the lexicon or the voices file is not valid.
    """
    settings, facts = branch.profile.synthesize, speaking(branch.profile.synthesize, branch.language).backend.facts
    listens = retakes_of(settings, facts) > 0 or (settings.takes > 1 and facts.varies)
    return {
        "lexicon": [[entry.word, entry.say, entry.ipa] for entry in lexicon_of(branch)],
        "takes": settings.takes,
        "retakes": retakes_of(settings, facts),
        "ears": ears_for(branch.profile.transcribe, branch.language).fingerprint() if listens else None,
        "cast": cast_of(branch, source).facts(),
    }


def retakes_of(settings: SynthesizeSettings, facts: BackendFacts) -> int:
    """Maximum retakes of an unintelligible line: two, unless the profile sets another number.

    A paid voice is used again only if the profile says so.
    """
    if settings.retakes is None:
        return 0 if facts.paid else _RETAKES
    return settings.retakes


def lexicon_of(branch: Branch) -> tuple[Entry, ...]:
    """The pronunciations of the branch's language; errors as `read_lexicon`."""
    named = branch.profile.synthesize.lexicon
    return read_lexicon(Path(named)).of(branch.language) if named else ()
