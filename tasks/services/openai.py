"""Servers with OpenAI's HTTP interface, including OpenAI's own: their address and their key."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from tasks.records.errors import MissingBackendError
from tasks.records.registry import BackendFacts
from tasks.services.hosted import Service, ServiceOptions
from tasks.services.secrets import KeyVariable, advice, secret

_OPENAI = "https://api.openai.com/v1"


class OpenAiOptions(ServiceOptions):
    """The model and the server.

    Attributes:
        model: its name on the server.
        url: the base URL, without ``/chat/completions``, ``/audio/speech`` or ``/audio/transcriptions``.
        key_variable: the environment variable with the key, ``NAME_API_KEY``. Default: ``OPENAI_API_KEY`` for OpenAI's
            address and for this machine, none for any other server.
        paid: whether the service costs money.
        commercial: whether the model's licence or the service's terms allow commercial use of its output.
    """

    model: str = Field(min_length=1)
    url: str = Field(_OPENAI, pattern=r"^https?://\S+$")
    key_variable: KeyVariable | None = None
    paid: bool = True
    commercial: bool = True
    deadline_s: float = Field(120.0, gt=0)

    @property
    def variable(self) -> str:
        """The variable whose key is sent to this address; empty for no key."""
        host = urlsplit(self.url).hostname or ""
        own = host in ("localhost", "127.0.0.1", "::1") or host == "openai.com" or host.endswith(".openai.com")
        return self.key_variable or ("OPENAI_API_KEY" if own else "")

    def facts(self, name: str, **more: Any) -> BackendFacts:
        """The facts of a backend of that name on this server; ``more`` are further fields of `BackendFacts`."""
        return BackendFacts(
            name=name,
            code_licence="Apache-2.0",
            weights_licence=f"of {self.model}",
            commercial=self.commercial,
            network=True,
            services=frozenset({name}),
            address=self.url,
            paid=self.paid,
            price=f"{name}/{self.model}",
            **more,
        )

    def missing(self) -> list[str]:
        """The key for OpenAI's own address; other servers may need none."""
        needs = self.url.rstrip("/") == _OPENAI and not secret(self.variable)
        return [f"{advice(self.variable)} Or set the address of your own server (url)."] if needs else []

    def service(self) -> Service:
        """A client of the server.

        Raises:
            MissingBackendError: no key for OpenAI's own address.
        """
        for sentence in self.missing():
            raise MissingBackendError(f"{self.model} needs a key.", sentence)
        key = secret(self.variable) if self.variable else ""
        variable = self.variable or "key_variable"
        return Service(self.model, self.url, self, key=key, variable=variable, scheme="Bearer")
