"""The dub that a request is about, and who sends it."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request

from flows.kept import links
from flows.kept.dub_lines import DubLines, signature
from tasks.records.errors import BadInputError


def opened(key: str, language: str) -> DubLines:
    """A language of a delivered title.

    Raises:
        HTTPException: there is none.
    """
    title = links.delivered_title(key)
    if title is None:
        raise HTTPException(404, "There is no such title.")
    try:
        return DubLines(title.folder, language)
    except BadInputError as error:
        raise HTTPException(404, "The title has no such language.") from error


def signed_by(request: Request, why: str) -> dict[str, Any]:
    """Who edits: the user that the guard knows, else this machine's."""
    who = getattr(request.state, "who", "")
    return {**signature(why), "source": "page", **({"who": who} if who else {})}
