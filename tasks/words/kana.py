"""Japanese as it is said, by Open JTalk."""

from __future__ import annotations

import re


def readings(text: str) -> list[str]:
    """How each word of a text is said, in katakana; empty for what is not said."""
    from pyopenjtalk import run_frontend

    words = run_frontend(text, use_sudachi_kanji_yomi=False)
    return [re.sub("[^ァ-ヺー]", "", word["pron"]) if word["mora_size"] else "" for word in words]
