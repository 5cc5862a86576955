"""The words of the review page, in the languages that it is shown in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from starlette.requests import Request

FALLBACK = "en"
#: Of an address, and of the cookie that remembers it.
CHOICE = "words"


@cache
def catalogues() -> dict[str, dict[str, str]]:
    """Every catalogue by its language's tag."""
    folder = files("flows.review").joinpath("words")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): yaml.safe_load(folder.joinpath(name).read_text("utf-8")) for name in names}


def chosen(request: Request) -> str:
    """The tag of the catalogue that a request is answered in: as chosen, else as its browser prefers."""
    asked = [request.query_params.get(CHOICE, ""), request.cookies.get(f"polydub-{CHOICE}", "")]
    asked += [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")[:20]]
    plain = [tag.lower().partition("-")[0] for tag in asked]
    return next((tag for tag in plain if tag in catalogues()), FALLBACK)
