"""BCP-47 language tags: validated once on input, canonical afterwards."""

from __future__ import annotations

import langcodes

#: Longer labels are cut before they are parsed.
_LONGEST_LABEL = 80


class LanguageError(ValueError):
    """An invalid language code."""


def parse_language(tag: str) -> str:
    """The canonical form of a BCP-47 tag (``"PT_br"`` becomes ``"pt-BR"``).

    Raises:
        LanguageError: not a tag, or an unknown language, script or region.
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
    """The BCP-47 tag for a container's language label, a code or a name; ``"und"`` if it is unknown.

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
    """The language subtag: ``"pt"`` of ``"pt-BR"``."""
    return langcodes.Language.get(tag).language or tag


def iso639_2(tag: str, *, bibliographic: bool = False) -> str:
    """The ISO 639-2 code for containers, /T (MP4) or /B (Matroska); ``"und"`` if there is none."""
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
