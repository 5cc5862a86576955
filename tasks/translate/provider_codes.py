"""BCP-47 tags to the codes that hosted translation services use."""

from __future__ import annotations

from collections.abc import Iterator

import langcodes

_ALIASES = {
    "google": {"he": "iw", "nb": "no", "nn": "no", "fil": "tl", "jv": "jw", "mni": "mni-Mtei"},
    "libre": {"nb": "no", "nn": "no"},
    "mymemory": {"en": "en-GB", "no": "nb-NO", "pt": "pt-PT", "es": "es-ES", "fr": "fr-FR", "sr": "sr-Latn-RS"},
    "deepl": {},
}
_CHINESE = {"google": ("zh-CN", "zh-TW"), "libre": ("zh", "zh"), "mymemory": ("zh-CN", "zh-TW"), "deepl": ("zh", "")}


def provider_code(provider: str, tag: str) -> str:
    """The provider's code for a language; empty where it does not know it.

    Args:
        provider: ``google``, ``libre``, ``mymemory`` or ``deepl``.
        tag: BCP-47.
    """
    known = _known(provider)
    return next((code for code in _candidates(provider, tag) if code in known), _any_region(known, tag))


def _candidates(provider: str, tag: str) -> Iterator[str]:
    language = langcodes.Language.get(tag)
    base = language.language or tag
    if base == "zh":
        traditional = language.maximize().script == "Hant"
        yield _CHINESE[provider][traditional]
        return
    aliases = _ALIASES[provider]
    for code in (tag, base):
        yield code
        if code in aliases:
            yield aliases[code]


def _any_region(known: frozenset[str], tag: str) -> str:
    language = langcodes.Language.get(tag).language
    return "" if language == "zh" else min((code for code in known if code.split("-")[0] == language), default="")


def _known(provider: str) -> frozenset[str]:
    from deep_translator import constants

    tables = {
        "google": constants.GOOGLE_LANGUAGES_TO_CODES,
        "libre": constants.LIBRE_LANGUAGES_TO_CODES,
        "mymemory": constants.MY_MEMORY_LANGUAGES_TO_CODES,
        "deepl": constants.DEEPL_LANGUAGE_TO_CODE,
    }
    return frozenset(tables[provider].values())
