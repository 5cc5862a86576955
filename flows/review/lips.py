"""What the lip sync did to the picture, in order of time, as the delivered ``lipsync.json`` has it."""

from __future__ import annotations

from typing import Any

from flows.kept.dub_lines import DubLines
from flows.review.lines import read_json

_MOST = 50_000


def lip_spans(dub: DubLines) -> list[tuple[int, int, str]] | None:
    """Begin and end in milliseconds, and ``edited`` or the reason why the picture was left as it is.

    Args:
        dub: the language.

    Returns:
        None where that is not known: no lips were drawn, or by a version or a system that does not say.
    """
    found = read_json(dub.folder / dub.language / "lipsync.json").get("spans")
    if not isinstance(found, list) or len(found) > _MOST or not all(map(_is_span, found)):
        return None
    return [(begin, end, what) for begin, end, what in found]


def _is_span(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 3
        and type(found[0]) is type(found[1]) is int
        and 0 <= found[0] <= found[1]
        and isinstance(found[2], str)
        and len(found[2]) <= 100
    )
