"""From the modes that are installed to the shortest chain of them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.errors import UnsupportedError
from tasks.translate.apertium_routes import Mode, find_route, parse_modes

NAMES = "eng-spa spa-eng en-ca ca-en es-fr fr-es es-pt es-pt_BR cat-spa spa-cat_valencia oc_aran-ca"
INSTALLED = parse_modes(NAMES.split(" "))


def names(source: str, target: str) -> list[str]:
    return [mode.name for mode in find_route(INSTALLED, source, target)]


def test_two_and_three_letter_names_are_one_language() -> None:
    assert Mode("en", "es", "eng-spa") in INSTALLED


@pytest.mark.parametrize("name", ["eng-spa-tagger", "-", "xx", "notalanguage-es", "eng_US_sml-spa"])
def test_what_is_no_direction_between_two_languages_is_left_out(name: str) -> None:
    assert parse_modes([name]) == []


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("en", "es", ["eng-spa"]),
        ("en", "fr", ["eng-spa", "es-fr"]),
        ("en", "pt-BR", ["eng-spa", "es-pt_BR"]),
        ("en", "pt-PT", ["eng-spa", "es-pt"]),
        ("en-US", "es-419", ["eng-spa"]),
        ("ca", "fr", ["cat-spa", "es-fr"]),
        ("fr", "ca", ["fr-es", "spa-eng", "en-ca"]),
        ("en-GB", "en-US", []),
    ],
)
def test_the_route_is_the_shortest_and_a_region_falls_back_to_its_language(
    source: str, target: str, expected: list[str]
) -> None:
    assert names(source, target) == expected


def test_the_order_of_the_list_does_not_matter() -> None:
    forth, back = parse_modes(["en-es", "en-ca", "es-fr", "ca-fr"]), parse_modes(["ca-fr", "es-fr", "en-ca", "en-es"])
    assert find_route(forth, "en", "fr") == find_route(back, "en", "fr")


def test_no_route_names_the_pair_and_the_package_that_would_help() -> None:
    with pytest.raises(UnsupportedError, match=r"English \(en\) to Icelandic \(is\).*apertium-isl-eng"):
        find_route(INSTALLED, "en", "is")


def test_no_route_and_no_package_says_what_can_be_reached() -> None:
    with pytest.raises(UnsupportedError, match=r"can reach: ca.* es, fr.*studio"):
        find_route(INSTALLED, "en", "ja")


_tags = st.sampled_from(["en", "es", "ca", "fr", "it", "pt", "gl"])
_modes = st.lists(st.builds(lambda a, b: Mode(a, b, f"{a}-{b}"), _tags, _tags), max_size=14, unique=True)


@given(modes=_modes, source=_tags, target=_tags)
def test_every_route_connects_and_none_is_found_only_where_there_is_none(
    modes: list[Mode], source: str, target: str
) -> None:
    if source == target:
        return
    reached, before = {source}, None
    while before != reached:
        before = set(reached)
        reached |= {mode.target for mode in modes if mode.source in reached}
    try:
        route = find_route(modes, source, target)
    except UnsupportedError:
        assert target not in reached
        return
    assert [route[0].source, route[-1].target] == [source, target]
    assert all(one.target == two.source for one, two in itertools.pairwise(route))
