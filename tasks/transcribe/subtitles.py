"""A script from the user's own file: SubRip, WebVTT, ASS, TTML or JSON, found next to the video or given.

This is the best transcript there is, and the only one offline for languages other than English. Reading takes time in
proportion to the file's length, whatever it holds.
"""

from __future__ import annotations

from pathlib import Path

from configs.languages import LanguageError, parse_language
from tasks.records.errors import BadInputError
from tasks.records.script import Change, Script
from tasks.transcribe.captions import spoken
from tasks.transcribe.cues import Cue, checked, counted, lines_from_cues
from tasks.transcribe.decoding import decoded
from tasks.transcribe.rolling import unrolled
from tasks.transcribe.script_json import read_json
from tasks.transcribe.sidecar import FORMATS, XML_FORMATS, named_language
from tasks.transcribe.srt_vtt import language_of_vtt, read_srt, read_vtt
from tasks.transcribe.substation import read_substation, signs_of
from tasks.transcribe.ttml import read_cues

_LARGEST = 10_000_000  # bytes; a film's subtitles have 0.1 MB


def read_script(path: Path, language: str | None) -> Script:
    """The script of a subtitle or JSON file: a line for each cue that is spoken, in order, never overlapping.

    Args:
        path: ``.srt``, ``.vtt``, ``.ass``, ``.ssa``, ``.json``, or TTML in any of its dialects (``.ttml``, ``.dfxp``,
            ``.itt``, ``.xml``).
        language: BCP-47; None: as the file or its name says.

    Raises:
        BadInputError: not readable, malformed (names file and line), without any words, or in no known language.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise BadInputError(
            f"{path.name!r} is not a script: its name ends in {suffix or 'nothing'}.",
            f"Supported: {', '.join(FORMATS)}.",
        )
    data = _bytes(path)
    if suffix in XML_FORMATS:
        in_file, said = read_cues(data, path.name)
        cues, changes = unrolled(in_file)
        note = ""
    else:
        headed = language_of_vtt(data[:4000].decode("latin-1")) if suffix == ".vtt" else None
        text, note = decoded(data, path.name, language or _tag(headed) or named_language(path))
        cues, said, changes = _cues(text, suffix, path.name)
    voiced, passages, captioned = spoken(cues)
    lines, timed = lines_from_cues(voiced)
    changes = [*changes, *captioned, *timed]
    if not lines:
        why = " ".join(counted(changes))
        raise BadInputError(f"The subtitles {path.name!r} contain no spoken words. {why}".strip(), "Check the file.")
    return Script(
        language=language or _language(path, said),
        lines=lines,
        kept=passages,
        origin="subtitles",
        notes=(*([note] if note else []), *counted(changes)),
        changes=tuple(changes),
    )


def read_cues_of(path: Path, language: str | None) -> list[Cue]:
    """The cues of a file as they are, sounds and signs among them; arguments and errors as for `read_script`."""
    suffix, data = path.suffix.lower(), _bytes(path)
    if suffix in XML_FORMATS:
        return read_cues(data, path.name)[0]
    text, _ = decoded(data, path.name, language)
    if suffix in (".ass", ".ssa"):
        return [*read_substation(text, suffix, path.name)[0], *signs_of(text, suffix, path.name)]
    return _cues(text, suffix, path.name)[0]


def _cues(text: str, suffix: str, name: str) -> tuple[list[Cue], str | None, list[Change]]:
    """The cues, the language that the file says it is in, and what was left out on the way."""
    if suffix == ".json":
        cues, said = read_json(text, name)
        return [checked(cue, name) for cue in cues], said, []
    if suffix in (".ass", ".ssa"):
        spoken_or_sung, changes = read_substation(text, suffix, name)
        return spoken_or_sung, None, changes
    cues, changes = read_vtt(text, name) if suffix == ".vtt" else (read_srt(text, name), [])
    apart, rolled = unrolled(cues)
    return apart, language_of_vtt(text) if suffix == ".vtt" else None, [*changes, *rolled]


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"{path.name!r} is too large for a script ({path.stat().st_size} bytes).")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"The script {path.name!r} cannot be read: {error.strerror}.") from error


def _tag(text: str | None) -> str | None:
    try:
        return parse_language(text or "")
    except LanguageError:
        return None


def _language(path: Path, said: str | None) -> str:
    tag = _tag(said) or named_language(path)
    if tag is None:
        raise BadInputError(
            f"The language of the subtitles {path.name!r} is not known.",
            f"Set it with --from, or in the file's name (such as {path.stem}.en{path.suffix}).",
        )
    return tag
