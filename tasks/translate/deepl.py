"""Translation by DeepL's API: up to 50 lines per request, with formality, your glossary and surrounding lines.

``POST /v2/translate`` with ``{"text": [...], "source_lang", "target_lang", "formality", "glossary_id", "context"}`` and
``Authorization: DeepL-Auth-Key KEY`` returns ``{"translations": [{"text"}]}``. Context is not billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from configs.languages import primary
from tasks.machine.meter import bill
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError
from tasks.services.hosted import Service, ServiceOptions
from tasks.services.secrets import advice, secret
from tasks.translate import PLAIN, Guidance, Note, quiet
from tasks.translate.rows import by_rows

_VARIABLE = "DEEPL_API_KEY"
#: ``prefer_``: languages without the distinction are translated nevertheless.
_FORMALITY = {"formal": "prefer_more", "informal": "prefer_less"}
_TEXTS = 50  # a request
_CONTEXT = 4000  # characters
#: As a target, these need a variant; as a source they must not have one.
_TARGETS = {"en": "EN-US", "pt": "PT-PT", "zh": "ZH-HANS", "no": "NB"}
_FORMS = {"EN-GB", "EN-US", "PT-BR", "PT-PT", "ZH-HANS", "ZH-HANT", "ES-419"}


class DeepLTranslator:
    """Translates by DeepL with the key in ``DEEPL_API_KEY``."""

    batch = 40
    context = 2
    timed = False

    class Options(ServiceOptions):
        """Options of DeepL.

        Attributes:
            url: another address; by default DeepL's free one for a free key (``...:fx``), else the paid one.
            glossary_ids: ids of glossaries at DeepL, by target language.
            context: a sentence about the title, sent with every request.
        """

        url: str | None = Field(None, pattern=r"^https?://\S+$")
        glossary_ids: dict[str, str] = Field(default_factory=dict)
        context: str = ""

    def __init__(self, options: Options) -> None:
        self._options = options
        free = secret(_VARIABLE).endswith(":fx")
        self._url = options.url or ("https://api-free.deepl.com" if free else "https://api.deepl.com")
        self.facts = registry.BackendFacts(
            name="deepl",
            code_licence="Apache-2.0",
            network=True,
            services=frozenset({"deepl"}),
            address=self._url,
            paid=not free,
            price="deepl",
        )

    def fingerprint(self) -> str:
        """The address, the glossaries and the sentence about the title; never the key."""
        chosen = self._options
        return f"deepl:1:{chosen.url or ''}:{sorted(chosen.glossary_ids.items())}:{chosen.context}"

    def missing(self) -> list[str]:
        """The key."""
        return [] if secret(_VARIABLE) else [advice(_VARIABLE)]

    def route(self, source: str, target: str) -> list[str]:
        """The direct route; DeepL itself rejects unsupported languages."""
        return [source] if source == target else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts; texts without letters or digits are not sent."""
        return by_rows(texts, lambda rows: self._ask(rows, source, target, note, guidance), _TEXTS)

    def _ask(self, rows: list[str], source: str, target: str, note: Note, guidance: Guidance) -> list[str]:
        code = _target(target)
        if code != target.upper() and primary(target) != target:
            note(f"DeepL has no {target}; translated into {code}.")
        body: dict[str, Any] = {
            "text": rows,
            "source_lang": primary(source).upper(),
            "target_lang": code,
            "preserve_formatting": True,
        }
        around = [self._options.context, *guidance.before, *rows, *guidance.after]
        if len(around) > 2:  # a single line without surrounding lines has no context
            body["context"] = "\n".join(text for text in around if text)[:_CONTEXT]
        if guidance.formality in _FORMALITY:
            body["formality"] = _FORMALITY[guidance.formality]
        ids = self._options.glossary_ids
        if found := ids.get(target) or ids.get(primary(target)):
            body["glossary_id"] = found
        answer = self._service().post("/v2/translate", body)
        if self.facts.paid:
            bill(self.facts.price, characters=sum(map(len, rows)))
        listed = answer.get("translations") if isinstance(answer, dict) else None
        got = [one.get("text") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if len(got) != len(rows) or not all(isinstance(text, str) for text in got):
            raise PermanentError("DeepL returned something that is not a translation of the lines.")
        return [str(text) for text in got]

    def _service(self) -> Service:
        key = secret(_VARIABLE)
        if not key:
            raise MissingBackendError("DeepL needs a key.", advice(_VARIABLE))
        return Service("DeepL", self._url, self._options, key=key, variable=_VARIABLE, scheme="DeepL-Auth-Key")


def _target(tag: str) -> str:
    if tag.upper() in _FORMS:
        return tag.upper()
    return _TARGETS.get(primary(tag), primary(tag).upper())
