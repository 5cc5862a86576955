"""Language codes of deep-translator's hosted translators for BCP-47 tags.

The lists are the package's own (version 1.11.4); the names that differ from BCP-47 are Google's and MyMemory's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

import langcodes

from configs.languages import display_name, primary
from tasks.records.errors import UnsupportedError

Provider = Literal["google", "libre", "mymemory", "deepl"]

#: Google's page uses codes that ISO 639 has replaced.
_OLD_NAMES = {"he": "iw", "jv": "jw", "nb": "no", "fil": "tl", "mni": "mni-Mtei"}
_NEW_NAMES = {"no": "nb", "tl": "fil", "iw": "he", "jw": "jv"}
#: Territories that write Chinese in traditional characters.
_TRADITIONAL = {"TW", "HK", "MO"}


def provider_code(provider: Provider, tag: str) -> tuple[str, bool]:
    """The provider's code for a language, and whether it is exactly that tag, not a broader or other variant.

    Raises:
        UnsupportedError: the provider does not support the language.
    """
    known = _known(provider)
    for code, exact in _candidates(tag):
        if code in known:
            return code, exact
    raise UnsupportedError(
        f"{provider} (by deep-translator) does not support {display_name(tag)} ({tag}).",
        "Choose another provider.",
        language=tag,
    )


def _candidates(tag: str) -> Iterator[tuple[str, bool]]:
    """Codes to try, best first; the default region of a plain tag (``pt-BR`` of ``pt``) counts as that tag."""
    base, language = primary(tag), langcodes.Language.get(tag)
    plain = tag == base
    names = [name for name in (base, _OLD_NAMES.get(base), _NEW_NAMES.get(base)) if name]
    if base == "zh":
        traditional = language.script == "Hant" or language.territory in _TRADITIONAL
        yield from ((tag, True), ("zh-TW" if traditional else "zh-CN", True), ("zh", not traditional))
        return
    yield tag, True
    for name in names:
        yield name, plain
    for name in names:
        likely = langcodes.Language.get(name).maximize()
        yield f"{name}-{likely.territory}", plain
        yield f"{name}-{likely.script}-{likely.territory}", plain


def _known(provider: Provider) -> Collection[str]:
    from deep_translator import constants

    lists: dict[str, dict[str, str]] = {
        "google": constants.GOOGLE_LANGUAGES_TO_CODES,
        "libre": constants.LIBRE_LANGUAGES_TO_CODES,
        "mymemory": constants.MY_MEMORY_LANGUAGES_TO_CODES,
        "deepl": constants.DEEPL_LANGUAGE_TO_CODE,
    }
    return frozenset(lists[provider].values())
