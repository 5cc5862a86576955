"""Titles named by addresses, fetched into the store before anything is planned. No Prefect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from configs.profile import Profile
from flows.printed import say
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.package.mark import dubbed_into
from tasks.records.errors import BadInputError
from tasks.services.addresses import address_of, check_allowed, is_address
from tasks.services.titles import bring


def titles_here(
    titles: Sequence[str], before: Mapping[str, Any], profile: Profile, store: Store
) -> tuple[list[str], dict[str, Any]]:
    """The titles, those of addresses in the store, and named without what is secret of their addresses.

    Args:
        titles: as they were asked for.
        before: what is in the store already, by address as shown.
        profile: says what may be fetched.
        store: where titles go.

    Returns:
        The titles, and what is in the store now, by address as shown.

    Raises:
        BadInputError: an address that is not allowed, or leads to no title.
        TransientError: a title did not come.
    """
    videos: list[str] = []
    here: dict[str, Any] = dict(before)
    for video in titles:
        if video in here or not is_address(video):
            videos.append(video)
            continue
        address = address_of(video)
        check_allowed(address, profile.sources)
        say(f"Fetching {address.shown}, unless it is here already ...", err=True)
        found = bring(video, profile.sources, store)
        if languages := dubbed_into(path_of(found.asset)):
            raise BadInputError(
                f"{address.shown} is a master that Polydub made ({', '.join(languages)}), not an original.",
                "Name the original.",
            )
        asset = found.asset.model_dump(mode="json")
        shown = address.shown
        if shown in here and here[shown]["asset"] != asset:  # they differ in what is not shown
            shown = f"{shown}#{found.asset.sha256[:8]}"
        here[shown] = {"asset": asset, "name": found.name}
        videos.append(shown)
    return videos, here
