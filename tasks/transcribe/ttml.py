"""TTML, IMSC, EBU-TT-D, DFXP and iTunes Timed Text as cues."""

from __future__ import annotations

from configs.languages import LanguageError, parse_language
from tasks.records.errors import BadInputError
from tasks.transcribe.cues import Cue, checked
from tasks.words.ttml import read_ttml


def read_cues(content: bytes, name: str) -> tuple[list[Cue], str | None]:
    """The cues of a document, and the language that it says it is in; one that never ends has no duration.

    Args:
        content: of the file.
        name: of it, for messages.

    Raises:
        BadInputError: it is no TTML, holds no text, or a cue that ends before it starts or is far too long.
    """
    try:
        document = read_ttml(content)
    except BadInputError as error:
        raise BadInputError(f"The subtitles {name!r} cannot be read. {error.what}", error.fix) from error
    cues = [
        checked(
            Cue(
                one.start_ms,
                one.start_ms if one.end_ms is None else one.end_ms,
                one.text,
                one.where,
                speaker=one.speaker,
                language=_tag(one.language),
            ),
            name,
        )
        for one in document.paragraphs
    ]
    if not cues:
        raise BadInputError(
            f"The subtitles {name!r} contain no cue with text.", "Pictures of text are not read: export it as text."
        )
    return cues, document.language or None


def _tag(text: str) -> str:
    try:
        return parse_language(text) if text else ""
    except LanguageError:
        return ""
