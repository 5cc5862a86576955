"""A translation service's names of languages, looked up in its own list."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import langcodes

from tasks.lipsync.hosted.jobs import Provider
from tasks.records.errors import UnsupportedError


@runtime_checkable
class LanguageLister(Protocol):
    """A provider that lists its languages."""

    def languages(self) -> list[str]:
        """Names such as ``Spanish (Spain)``."""


def named(tag: str, provider: Provider) -> str:
    """A provider's name for a BCP-47 tag.

    Raises:
        UnsupportedError: it does not support the language.
    """
    assert isinstance(provider, LanguageLister)
    return best(tag, provider.languages(), provider.title)


def best(tag: str, names: list[str], title: str) -> str:
    """The best name for a language in a list: of the requested region, of none, of its default region, of its script.

    Args:
        tag: BCP-47 tag.
        names: the provider's names.
        title: the provider, for messages.
    """
    wanted = langcodes.Language.get(tag)
    usual = langcodes.Language.make(language=wanted.language).maximize()
    bare = langcodes.Language.make(language=wanted.language).display_name()
    known = {name.casefold(): name for name in names}
    places = [f"{bare} ({language.territory_name()})" for language in (wanted, usual) if language.territory]
    for name in [*(places[:1] if wanted.territory else []), bare, *places]:
        if name.casefold() in known:
            return known[name.casefold()]
    script = wanted.maximize().script_name().partition(" ")[0]  # "Simplified Han" is "Simplified" to people
    others = [name for name in names if name.partition(" (")[0].casefold() == bare.casefold()]
    if others:
        return next((name for name in others if script in name), others[0])
    raise UnsupportedError(
        f"{title} does not translate into {bare}.", f"It supports: {', '.join(names)}.", language=tag
    )
