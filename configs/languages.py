"""BCP-47 language tags: checked once at the edge, canonical afterwards."""

from __future__ import annotations

import langcodes

#: A longer label names no language.
_LONGEST_LABEL = 80


class LanguageError(ValueError):
    """A language code that is none."""


def parse_language(tag: str) -> str:
    """The canonical form of a BCP-47 tag (``"PT_br"`` becomes ``"pt-BR"``).

    Raises:
        LanguageError: not a tag, or a tag of no known language, script or region.
    """
    text = tag.strip()
    try:
        canonical = langcodes.standardize_tag(text.replace("_", "-"))
    except ValueError:
        canonical = ""
    if not canonical or canonical.startswith("x-") or not langcodes.Language.get(canonical).is_valid():
        raise LanguageError(f"{tag!r} is not a language code. Use BCP-47 tags such as es, fr, pt-BR or zh-Hans.")
    if langcodes.Language.get(canonical).language in (None, "und", "mul", "zxx"):
        raise LanguageError(f"{tag!r} names no single language. Use BCP-47 tags such as es, fr, pt-BR or zh-Hans.")
    return canonical


def tag_of(label: str) -> str:
    """The BCP-47 tag that a container's label means, code or name; ``"und"`` where it means none.

    ``"eng"`` is ``en``, ``"en_US"`` ``en-US``, ``"Français"`` ``fr``; ``mul``, ``zxx`` and private tags stay.
    """
    text = label.strip()[:_LONGEST_LABEL]
    try:
        canonical = langcodes.standardize_tag(text.replace("_", "-"))
        if langcodes.tag_is_valid(canonical):
            return canonical
    except ValueError:
        pass
    try:
        return str(langcodes.find(text))
    except LookupError:
        return "und"


def primary(tag: str) -> str:
    """The language part alone: ``"pt"`` of ``"pt-BR"``."""
    return langcodes.Language.get(tag).language or tag


def iso639_2(tag: str, *, bibliographic: bool = False) -> str:
    """Three letters for containers: ISO 639-2/T (MP4), or /B (Matroska); ``"und"`` where there are none."""
    try:
        return langcodes.Language.get(tag).to_alpha3(variant="B" if bibliographic else "T")
    except LookupError:
        return "und"


def display_name(tag: str) -> str:
    """The language's English name, for reports and track names."""
    return langcodes.Language.get(tag).display_name()


def autonym(tag: str) -> str:
    """The language's own name for itself."""
    return langcodes.Language.get(tag).autonym()
