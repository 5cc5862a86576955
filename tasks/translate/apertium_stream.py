r"""Conversion between plain text and Apertium's stream format.

In the stream ``[ ] { } ^ $ / \ < > @`` are special and escaped with a backslash; text in ``[...]`` is passed
through untranslated. Unknown words come back as ``*word`` (``@word`` and ``#word`` where a later stage failed).
"""

from __future__ import annotations

import re

#: Passed through unchanged: URLs; marks that look like Apertium's own; symbols missing in its dictionaries.
_WHOLE = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|[*#@~♪♫–—|_=+]+")
_RESERVED = re.compile(r"([\[\]{}^$/\\<>@])")
_TOKEN = re.compile(r"\\(.)|\[((?:\\.|[^\]\\])*)\]|([*#@])(?=\S)|(.)", re.DOTALL)
_MARKED_WORD = re.compile(r"[\w'’.-]*[\w]")
_FIRST_LETTER = re.compile(r"[^\W\d_]")
#: Typographic signs for which Apertium's dictionaries have only the plain form.
_PLAIN = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "…": "...", "\u00a0": " ", "\u202f": " ", "\0": " "}
)


def deformat(text: str) -> str:
    """One line of text as a stream, with a final sentence mark (Apertium analyses the last word better with one)."""
    plain = text.translate(_PLAIN)
    parts = []
    at = 0
    for match in _WHOLE.finditer(plain):
        parts.append(_escape(plain[at : match.start()]))
        parts.append(f"[{_escape(match.group())}]")
        at = match.end()
    parts.append(_escape(plain[at:]))
    return "".join(parts) + ("[]" if _ended(plain) else ".[]")


def reformat(text: str, stream: str, unknown: list[str]) -> str:
    """The translated stream as text; Apertium's marks of unknown words are removed, the words added to ``unknown``.

    Args:
        text: the line given to `deformat`.
        stream: Apertium's output for it.
        unknown: receives each marked word.
    """
    parts = []
    for match in _TOKEN.finditer(stream.removesuffix("[]")):
        escaped, whole, mark, plain = match.groups()
        if whole is not None:
            parts.append(re.sub(r"\\(.)", r"\1", whole))
        elif mark:
            word = _MARKED_WORD.match(stream, match.end())
            unknown.extend([word.group()] if word else [])
        else:
            parts.append(escaped or plain)
    result = _cased_as(text, re.sub(r"[ \t]+", " ", "".join(parts)).strip())
    return result if _ended(text.translate(_PLAIN)) else result.removesuffix(".").rstrip()


def _escape(text: str) -> str:
    return _RESERVED.sub(r"\\\1", text)


def _cased_as(text: str, result: str) -> str:
    """Restore the case of the first letter as in the source, because Apertium changes it when it reorders words."""
    was, now = _FIRST_LETTER.search(text), _FIRST_LETTER.search(result)
    if not was or not now or was.group().isupper() == now.group().isupper():
        return result
    letter = now.group().upper() if was.group().isupper() else now.group().lower()
    return result[: now.start()] + letter + result[now.end() :]


def _ended(text: str) -> bool:
    return text.rstrip().endswith((".", "!", "?", ":", ";", "…", '."', '!"', '?"', ".)", "!)", "?)"))
