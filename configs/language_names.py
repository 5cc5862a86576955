"""Languages as people write them: by tag, by English name, or by their own name."""

from __future__ import annotations

import difflib
import functools
import re

import langcodes
from language_data import names

from configs.languages import LanguageError, parse_language

#: A name in Latin letters is longer than a code; shorter ones are names of languages that nobody means.
_SHORTEST_NAME = 4
_LONGEST_NAME = 80
_HOW = "Write a tag such as es, pt-BR or zh-Hans, or a name such as Spanish."
#: Languages with fewer speakers are not suggested for a mistyped name.
_SPEAKERS = 1_000_000
_IN_BRACKETS = re.compile(r"\s*[(（]([^()（）]+)[)）]\s*$")


def language_of(text: str) -> str:
    """The canonical BCP-47 tag of a language given as a tag, a name or an autonym.

    ``"pt-br"``, ``"Brazilian Portuguese"``, ``"Portuguese (Brazil)"`` and ``"português (Brasil)"`` are ``pt-BR``.

    Raises:
        LanguageError: none of these; says which language may be meant.
    """
    try:
        return parse_language(text)
    except LanguageError as error:
        if named := _named(text):
            return named
        meant = f"Did you mean {' or '.join(likely)}?" if (likely := _meant(text)) else _HOW
        raise LanguageError(f"{text[:_LONGEST_NAME]!r} is not a language. {meant}") from error


def split_languages(text: str) -> list[str]:
    """The languages of a list as they are written in it, separated by commas, semicolons or blanks.

    A name may contain blanks: ``"es, Brazilian Portuguese"`` are two, ``"es fr"`` are two.
    """
    found: list[str] = []
    for part in filter(None, (one.strip() for one in re.split(r"[,;\n]+", text))):
        found += [part] if _named(part) else part.split()
    return found


def _named(text: str) -> str:
    """The tag of a language's name, with a region or script behind it; empty if it is none."""
    name = text.strip()[:_LONGEST_NAME]
    if len(name) < _SHORTEST_NAME and name.isascii():
        return ""
    if bracket := _IN_BRACKETS.search(name):
        return _with_part(name[: bracket.start()], bracket[1])
    before, _, last = name.rpartition(" ")
    return (_with_part(before, last) if before else "") or _found("language", name)


def _with_part(name: str, part: str) -> str:
    """The tag of a language of a region or script, such as Portuguese and Brazil."""
    language = _found("language", name)
    where = _found("territory", part) or _found("script", part)
    return langcodes.standardize_tag(f"{language}-{where}") if language and where else ""


def _found(kind: str, name: str) -> str:
    """The code of that very name; `langcodes.find` also takes names that only begin like one (``klingonese``)."""
    code = names.name_to_code(kind, name) or ""
    return code if code and names.normalize_name(name) in names.TRIES[f"und/name_to_{kind}"] else ""


def _meant(text: str) -> list[str]:
    """Languages that somebody may mean who writes a country's code, or a name with a slip, as ``es (Spanish)``."""
    code = text.strip()
    tags: list[str] = []
    if len(code) == 2 and names.code_to_names(code.upper()):  # a country's
        tags.append(langcodes.Language.get(f"und-{code}").maximize().language or "")
    known = _well_known_names()
    tags += [known[name] for name in difflib.get_close_matches(code.casefold()[:_LONGEST_NAME], known, 2, 0.75)]
    return [f"{tag} ({langcodes.Language.get(tag).display_name()})" for tag in dict.fromkeys(tags) if tag]


@functools.cache
def _well_known_names() -> dict[str, str]:
    from language_data.population_data import LANGUAGE_SPEAKING_POPULATION

    known: dict[str, str] = {}
    for tag, speakers in LANGUAGE_SPEAKING_POPULATION.items():
        if speakers >= _SPEAKERS and tag.isalpha():
            language = langcodes.Language.get(tag)
            known |= {language.autonym().casefold(): tag, language.display_name().casefold(): tag}
    return known
