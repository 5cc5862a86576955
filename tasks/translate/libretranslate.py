"""Translation by a LibreTranslate server (AGPL, own or hosted), several lines per request.

``POST /translate`` with ``{"q": [...], "source", "target", "format": "text", "api_key"?}`` returns
``{"translatedText": [...]}``; ``GET /languages`` lists ``{"code", "targets"}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import langcodes
from pydantic import Field

from configs.languages import display_name, primary
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, UnsupportedError
from tasks.services.hosted import Service, ServiceOptions
from tasks.services.secrets import advice, secret
from tasks.translate import PLAIN, Guidance, Note, Rewrite, quiet
from tasks.translate.rows import by_rows

_HOSTED = "https://libretranslate.com"
_VARIABLE = "LIBRE_API_KEY"


class LibreTranslateTranslator:
    """Translates by one server, which may also offer alternative translations."""

    batch = 25
    context = 0
    timed = False

    class Options(ServiceOptions):
        """``url``: the server; ``alternatives``: number of alternative translations for a line that does not fit."""

        url: str = Field(_HOSTED, pattern=r"^https?://\S+$")
        alternatives: int = Field(3, ge=0, le=10)

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = registry.BackendFacts(
            name="libretranslate",
            code_licence="Apache-2.0",
            network=True,
            services=frozenset({"libretranslate"}),
            address=options.url,
        )
        self._known: dict[str, set[str]] | None = None

    def fingerprint(self) -> str:
        """The address; the server's version is unknown without a request."""
        return f"libretranslate:1:{self._options.url}"

    def missing(self) -> list[str]:
        """The key of the hosted server; your own server needs none."""
        needs = self._options.url.rstrip("/") == _HOSTED and not secret(_VARIABLE)
        return [f"{advice(_VARIABLE)} Or set the address of your own server (url)."] if needs else []

    def route(self, source: str, target: str) -> list[str]:
        """The direct route; the server's languages are known after the first request."""
        return [source] if source == target else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts, all in one request; texts without letters or digits are not sent."""
        return by_rows(texts, lambda rows: self._ask(rows, source, target, note), self.batch)

    def _ask(self, rows: list[str], source: str, target: str, note: Note) -> list[str]:
        body = self._body(rows, self._code(source, quiet), self._code(target, note))
        answer = self._service().post("/translate", body)
        got = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(got, list) or len(got) != len(rows) or not all(isinstance(text, str) for text in got):
            raise PermanentError("LibreTranslate returned something that is not a translation of the lines.")
        return got

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """The server's alternatives; it does not consider length, so the caller has to measure it."""
        if not self._options.alternatives or not lines:
            return [[] for _ in lines]
        body = self._body([line.source for line in lines], self._code(source, quiet), self._code(target, quiet))
        answer = self._service().post("/translate", {**body, "alternatives": self._options.alternatives})
        found = answer.get("alternatives") if isinstance(answer, dict) else None
        if not isinstance(found, list) or len(found) != len(lines):
            return [[] for _ in lines]
        return [[text for text in texts if isinstance(text, str)] if isinstance(texts, list) else [] for texts in found]

    def _body(self, texts: Sequence[str], source: str, target: str) -> dict[str, Any]:
        key = secret(_VARIABLE)
        asked = {"q": list(texts), "source": source, "target": target, "format": "text"}
        return {**asked, "api_key": key} if key else asked

    def _service(self) -> Service:
        for sentence in self.missing():
            raise MissingBackendError("libretranslate.com needs a key.", sentence)
        key = secret(_VARIABLE)
        return Service("LibreTranslate", self._options.url, self._options, key=key, variable=_VARIABLE)

    def _code(self, tag: str, note: Note) -> str:
        """The server's code for a language: the exact tag if it has it, else the nearest."""
        if self._known is None:
            listed = self._service().get("/languages")
            if not isinstance(listed, list) or not all(isinstance(one, dict) and "code" in one for one in listed):
                raise PermanentError("LibreTranslate's list of languages is not valid.", "Check the address.")
            self._known = {str(one["code"]): set(one.get("targets") or ()) for one in listed}
        code, distance = langcodes.closest_match(tag, sorted(self._known), max_distance=20)
        if code == "und":
            raise UnsupportedError(f"This LibreTranslate server has no {display_name(tag)} ({tag}).", language=tag)
        if distance and primary(tag) != tag:
            note(f"LibreTranslate has no {tag}; translated into {code}.")
        return str(code)
