"""The document of the review server's endpoints (OpenAPI); ``python -m flows.review.openapi`` renews it in ``docs``."""

from __future__ import annotations

import json
from pathlib import Path

from flows.review.api import api


def document() -> str:
    """The document, as JSON; the server has it at ``/api/v1/openapi.json``."""
    found = api().openapi()
    found["servers"] = [{"url": "/api/v1"}]
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs" / "review-api.json").write_text(document(), "utf-8")
