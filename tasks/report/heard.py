"""Script and recognition side by side: each text in parts, with differing parts marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What a marked part is, for readers who do not see colours.
WORDS = {
    "other": "heard as something else",
    "alike": "spelled otherwise, said the same",
    "name": "a name that sounds nearly the same",
}


def said_and_heard(said: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A line as the page shows it.

    Args:
        said: the line of the script.
        facts: of the line in ``qc.json``; without ``heard`` there was no recogniser.

    Returns:
        ``said`` and ``heard`` as lists of ``(text, mark)``, ``mark`` empty or one of `WORDS`; ``listened``; and
        ``understood``: whether the line is.
    """
    if "heard" not in facts:
        return {"listened": False, "said": [(said, "")], "heard": [], "understood": True}
    differs = facts["differs"]
    return {
        "listened": True,
        "said": list(_parts(said, [(start, end, verdict) for start, end, _, _, verdict in differs])),
        "heard": list(_parts(facts["heard"], [(start, end, verdict) for _, _, start, end, verdict in differs])),
        "understood": facts["understood"],
    }


def _parts(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[tuple[str, str]]:
    at = 0
    for start, end, verdict in sorted(spans):
        if end <= at or start >= end:  # nothing stands in this text's place
            continue
        yield text[at:start], ""
        yield text[start:end], verdict
        at = end
    yield text[at:], ""
