"""What a dub is said to be: in the file's own comment, on its page, and in ``title.json``."""

from __future__ import annotations


def statement(*, synthetic_speech: bool, altered_picture: bool) -> str:
    """In words.

    Args:
        synthetic_speech: whether a machine speaks.
        altered_picture: whether mouths were changed to match.
    """
    speech = "The speech of this dub is synthetic." if synthetic_speech else "This dub is a recording."
    return f"{speech} Mouth movements were altered by a machine to match it." if altered_picture else speech
