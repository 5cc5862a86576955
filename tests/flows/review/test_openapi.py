"""The endpoints are what their document says; ``python -m flows.review.openapi`` renews it."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi.routing import APIRoute

from flows.review import api as endpoints
from flows.review import changes, decisions
from flows.review.openapi import document

DOCUMENT = Path(__file__).parents[3] / "docs" / "review-api.json"


def test_the_document_is_that_of_the_routes() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), "run `python -m flows.review.openapi`"


def test_what_people_and_programs_need_is_in_it_and_each_endpoint_says_what_it_does() -> None:
    known = json.loads(DOCUMENT.read_text("utf-8"))["paths"]
    here = {(path, method) for path, methods in known.items() for method in methods}
    routes = {
        (route.path, method.lower())
        for router in (endpoints.router, changes.router, decisions.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert routes <= here
    assert [path for path, methods in known.items() for one in methods.values() if not one.get("description")] == []
