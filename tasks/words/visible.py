"""Text from files of clients, made safe to show, to name a folder after, and to put into a spreadsheet.

A control character can drive a terminal, and a direction override or a space without width makes one name look like
another.
"""

from __future__ import annotations

import re

_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, C1 among them
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u3164\uffa0"  # drawn as nothing
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # without width; direction marks and overrides
    r"\ud800-\udfff\U000e0000-\U000e001f"
)
_SHOWN = re.compile(f"[{_HIDDEN}]")
#: Joiners belong between letters of Arabic, Persian and Indic scripts and between emoji, nowhere else.
_LOOSE_JOINER = r"(?:(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f]))"
_NO_NAME = re.compile(rf"(?:[{_HIDDEN}\t\n/\\]|{_LOOSE_JOINER})+")
#: What spreadsheets take for a formula, full-width forms included.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def visible(text: str) -> str:
    r"""The text with what is not drawn as ``\u001b``, which JSON reads back; line ends and tabs stay."""
    return _SHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}" if ord(found[0]) < 0x10000 else "\\ufffd", text)


def name_part(text: str) -> str:
    """The text as one part of a path that looks like what it is: what is not drawn, and separators, become ``_``."""
    return _NO_NAME.sub("_", text)


def cell(value: object) -> object:
    """A value for a spreadsheet: a text that it would compute gets an apostrophe in front (as OWASP advises)."""
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if _FORMULA.match(shown) else shown
