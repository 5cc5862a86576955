"""What decides how lines are spoken beyond the backend: pronunciations, readings, and remembered voices. No Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.model import Run, Script
from tasks.synthesize.cast import cast_of
from tasks.synthesize.lexicon import Entry, read_lexicon
from tasks.transcribe import listening


def casting_facts(run: Run, source: Script) -> dict[str, Any]:
    """All of it, as part of a step's key.

    Args:
        run: one language of a title.
        source: the source script with speakers.

    Raises:
        BadInputError: the lexicon or the voices file is not valid.
    """
    settings = run.profile.synthesize
    return {
        "lexicon": [[entry.word, entry.say, entry.ipa] for entry in lexicon_of(run)],
        "takes": settings.takes,
        "judge": listening(run.profile.transcribe, run.language).backend.fingerprint() if settings.takes > 1 else None,
        "cast": cast_of(run, source).facts(),
    }


def lexicon_of(run: Run) -> tuple[Entry, ...]:
    """The pronunciations of the run's language; errors as `read_lexicon`."""
    named = run.profile.synthesize.lexicon
    return read_lexicon(Path(named)).of(run.language) if named else ()
