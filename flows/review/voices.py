"""The voices that a line may be given."""

from __future__ import annotations

from flows.ask.plan import backends
from tasks.records.errors import PolydubError
from tasks.records.script import Speaker
from tasks.records.title import Run

_ASKED = 24
_PITCHES_HZ = (110.0, 210.0)
_known: dict[tuple[str, str], list[str]] = {}


def voices_of(run: Run, language: str) -> list[str]:
    """Names of the voices that the run's synthesizer gives to a crowd of men and women; empty where it gives none.

    Args:
        run: of the title.
        language: BCP-47 tag of the dub.
    """
    of = run.profile.model_dump_json(include={"synthesize"}), language
    if of not in _known:
        crowd = [Speaker(id=f"S{n}", pitch_hz=_PITCHES_HZ[n % 2]) for n in range(_ASKED)]
        try:
            synthesizer = backends(run.profile, run.title.source_language, language)["synthesize"]
            _known[of] = sorted(set(synthesizer.voices(language, crowd, {}).values()))
        except PolydubError:
            _known[of] = []
    return _known[of]
