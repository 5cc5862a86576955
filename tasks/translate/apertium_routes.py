"""Finds the shortest chain of Apertium's installed modes between two languages."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from configs.languages import LanguageError, display_name, parse_language, primary
from tasks.records.errors import UnsupportedError

#: Debian 12's pair packages, for advice. Not all of them work in both directions.
# fmt: off
DEBIAN_PAIRS = (
    "af-nl", "arg-cat", "bel-rus", "br-fr", "ca-it", "cat-srd", "dan-nor", "en-gl", "eng-cat", "eng-spa", "eo-ca",
    "eo-en", "eo-es", "eo-fr", "es-ast", "es-gl", "es-pt", "es-ro", "eu-en", "eu-es", "fr-es", "fra-cat", "fra-frp",
    "hbs-eng", "hbs-mkd", "hbs-slv", "id-ms", "is-sv", "isl-eng", "mk-bg", "mk-en", "nno-nob", "oc-ca", "oc-es",
    "oci-fra", "pol-szl", "por-cat", "pt-gl", "rus-ukr", "spa-arg", "spa-cat", "spa-ita", "srd-ita", "swe-dan",
    "swe-nor", "urd-hin",
)
# fmt: on


@dataclass(frozen=True, order=True)
class Mode:
    """One installed direction: BCP-47 tags of both ends, and Apertium's name for it."""

    source: str
    target: str
    name: str


def parse_modes(names: Iterable[str]) -> list[Mode]:
    """The modes that translate between two known languages, sorted, without style variants of a pair."""
    found = []
    for name in names:
        ends = name.split("-")
        tags = [_tag(end) for end in ends]
        if len(ends) == 2 and tags[0] and tags[1]:
            found.append(Mode(tags[0], tags[1], name))
    return sorted(found)


def find_route(modes: Sequence[Mode], source: str, target: str) -> list[Mode]:
    """The shortest route from one language to another; empty if both are variants of one language.

    An exact tag is preferred (``pt-BR``), else the plain language, else any variant. Of several routes of the same
    length the alphabetically first is used, so that the result does not depend on the order of the list.

    Args:
        modes: installed modes.
        source: BCP-47 tag.
        target: BCP-47 tag.

    Raises:
        UnsupportedError: no chain of installed modes; the message names the pair and gives advice.
    """
    exact = _search(modes, source, target)
    if exact:
        return exact
    if primary(source) == primary(target):
        return []
    plain = _search(modes, source, primary(target))
    forms = sorted({mode.target for mode in modes if primary(mode.target) == primary(target)})
    routes = [route for route in (plain, *(_search(modes, source, form) for form in forms)) if route]
    if routes:
        return min(routes, key=len)
    raise UnsupportedError(
        f"Apertium has no route from {display_name(source)} ({source}) to {display_name(target)} ({target}).",
        _advice(modes, source, target),
        source=source,
        target=target,
    )


def _search(modes: Sequence[Mode], source: str, target: str) -> list[Mode]:
    """Breadth-first search; a variant (``en-US``) also continues as its plain language."""
    starts = {source, primary(source)}
    waiting: deque[tuple[set[str], list[Mode]]] = deque([(starts, [])])
    seen = set(starts)
    while waiting:
        here, path = waiting.popleft()
        for mode in modes:
            if mode.source not in here or mode.target in seen:
                continue
            if mode.target == target:
                return [*path, mode]
            reached = {mode.target, primary(mode.target)}
            seen |= reached - {target}
            waiting.append((reached, [*path, mode]))
    return []


def _advice(modes: Sequence[Mode], source: str, target: str) -> str:
    reachable = _reachable(modes, source)
    offered = [
        package
        for package in DEBIAN_PAIRS
        if {_tag(end) for end in package.split("-")} & reachable and primary(target) in map(_tag, package.split("-"))
    ]
    if offered:
        names = " or ".join(f"apertium-{package}" for package in offered)
        return f"Install the Debian package {names}, or use --profile studio."
    choices = ", ".join(sorted(reachable - {primary(source), source}))
    return f"From {source} it can reach: {choices or 'nothing'}. Use --profile studio for {target}."


def _reachable(modes: Sequence[Mode], source: str) -> set[str]:
    found = {source, primary(source)}
    while True:
        more = {form for mode in modes if mode.source in found for form in (mode.target, primary(mode.target))} - found
        if not more:
            return found
        found |= more


def _tag(code: str) -> str:
    """Apertium's code (``eng``, ``pt_BR``, ``cat_valencia``) as a BCP-47 tag; empty for what is not a language."""
    try:
        tag = parse_language(code)
    except LanguageError:
        return ""
    return "" if len(tag.split("-")) > 2 else tag
