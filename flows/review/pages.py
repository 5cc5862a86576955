"""The pages of the review server: the queue of languages, the page of one language, and the files that they load."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from configs.languages import display_name
from flows.kept import links
from flows.kept.dub_lines import DubLines
from flows.review.api import languages_of, worst_first
from flows.review.catalogue import CHOICE, catalogues, chosen
from flows.review.decisions import material
from flows.review.opened import seen
from tasks.report.report import SOURCE
from tasks.words.visible import visible

#: A page runs its own scripts, and loads from its own server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv", "ckb"})


def queue(request: Request) -> Response:
    """Every language of every title, worst first; by state, language and name as asked."""
    rows = worst_first(request.app.state.only)
    asked = {name: request.query_params.get(name, "")[:200] for name in ("find", "state", "language")}
    found = [row for row in rows if _is_asked(row, asked)]
    return _page(
        request,
        "queue.html.j2",
        rows=[_row(row) for row in found],
        any=bool(rows),
        asked=asked,
        states=sorted({row["state"] for row in rows}),
        languages=sorted({(row["language"], row["tag"]) for row in rows}),
    )


def language(request: Request) -> Response:
    """The page of one language."""
    key, tag = request.path_params["key"], request.path_params["language"]
    dub = seen(key, tag).dub
    known = next((row for row in languages_of(key, dub.folder) if row["tag"] == tag), None)
    if dub.language != tag or known is None:
        raise HTTPException(404)
    return _page(
        request,
        "language.html.j2",
        key=key,
        tag=tag,
        title=visible(dub.title),
        language=display_name(tag),
        source_language=dub.source_language,
        source_name=display_name(dub.source_language),
        dub_direction="rtl" if tag.partition("-")[0] in _RIGHT_TO_LEFT else "ltr",
        source=f"/titles/{key}/{SOURCE}",
        film="audio" if (known["master"] or "").endswith(".m4a") else "video",
        dub=_place(key, known["master"] or _waiting_film(dub)),
        report=_place(key, known["report"]),
        duration_ms=dub.duration_ms,
    )


def static(request: Request) -> Response:
    """A file of the pages."""
    name = request.path_params["name"]
    content = _files().get(name)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type=_TYPES[name[name.rindex(".") :]])


ROUTES = (
    Route("/", queue),
    Route("/review/{key}/{language}", language),
    Route("/static/{name}", static),
)


@cache
def _files() -> dict[str, bytes]:
    folder = files("flows.review").joinpath("static")
    entries = (entry for entry in folder.iterdir() if entry.name.endswith(tuple(_TYPES)))
    return {entry.name: entry.read_bytes() for entry in entries}


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("flows.review", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(request: Request, template: str, **facts: Any) -> Response:
    tag = chosen(request)
    words = catalogues()[tag]
    shown = _templates().get_template(template)
    others = [(other, catalogue["name"]) for other, catalogue in catalogues().items()]
    page = shown.render(t=words, words=tag, catalogues=others, path=request.url.path, **facts)
    answer = HTMLResponse(page, headers={"Content-Security-Policy": POLICY})
    if request.query_params.get(CHOICE) == tag:
        answer.set_cookie(f"polydub-{CHOICE}", tag, httponly=True, samesite="lax", max_age=365 * 86_400)
    return answer


def _is_asked(row: dict[str, Any], asked: dict[str, str]) -> bool:
    text = f"{row['title']} {row['language']} {row['tag']}".casefold()
    return (
        asked["find"].casefold() in text
        and asked["state"] in ("", row["state"])
        and asked["language"] in ("", row["tag"])
    )


def _place(key: str, place: str | None) -> str:
    return f"/titles/{key}/{links.quoted(place)}" if place else ""


def _waiting_film(dub: DubLines) -> str:
    """Of a language that waits for approval, the picture or else the mix that there is to look at."""
    there = [place for place in material(dub) if not place.endswith(".json")]
    return next((place for place in there if "/picture" in place), next(iter(there), ""))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    there = row["state"] in ("completed", "needs_review", "waiting")
    return {
        **row,
        "title": visible(row["title"]),
        "language": visible(row["language"]),
        "why": visible(row["why"]),
        "page": f"/review/{row['key']}/{links.quoted(row['tag'])}" if there else "",
        "report": _place(row["key"], row["report"]),
        "master": _place(row["key"], row["master"]),
    }
