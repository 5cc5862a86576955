"""The names by which a translating service knows languages, found in the list that it gives itself."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import langcodes

from tasks.lipsync.hosted.jobs import Provider
from tasks.records.errors import UnsupportedError


@runtime_checkable
class Lists(Protocol):
    """A provider that says which languages it has."""

    def languages(self) -> list[str]:
        """Names such as ``Spanish (Spain)``."""


def named(tag: str, provider: Provider) -> str:
    """A provider's name of a BCP-47 language.

    Raises:
        UnsupportedError: it has no such language.
    """
    assert isinstance(provider, Lists)
    return best(tag, provider.languages(), provider.title)


def best(tag: str, names: list[str], title: str) -> str:
    """The name in a list that is the language: of the region asked for, of none, of its usual one, of its script."""
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
    raise UnsupportedError(f"{title} does not translate into {bare}.", f"It knows: {', '.join(names)}.", language=tag)
