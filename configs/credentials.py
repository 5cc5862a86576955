"""The ``credentials`` of a profile: with which key masters are signed, and whose signatures count as known."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Begins a value that names a secret instead of a file.
SECRET = "secret:"


class CredentialsSettings(BaseModel):
    """Key, certificate and trust list of the operator; a manifest or a client's profile cannot set them.

    ``key`` and ``certificate`` each name a PEM file, or a secret as ``secret:NAME``: the variable NAME of the
    environment, else a Prefect Secret block (`tasks.services.secrets`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str | None = Field(None, description="the private key: a PEM file, or secret:NAME")
    certificate: str | None = Field(
        None, description="its certificate, then those that vouch for it: a PEM file, or secret:NAME"
    )
    trust: tuple[str, ...] = Field((), description="PEM files of the certificates that `polydub verify` trusts")
    timestamp: str | None = Field(None, description="address of a time-stamping authority (RFC 3161); default: none")

    @field_validator("trust", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("key", "certificate")
    @classmethod
    def _a_secret_has_a_name(cls, value: str | None) -> str | None:
        name = value.removeprefix(SECRET) if value and value.startswith(SECRET) else None
        if name is not None and not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            raise ValueError(f"{name[:80]!r} is not the name of a secret (secret:SIGNING_KEY)")
        return value

    @field_validator("timestamp")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://\S+", value):
            raise ValueError(f"{value[:80]!r} is not an address; leave it out for no time stamp")
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> CredentialsSettings:
        if (self.key is None) != (self.certificate is None):
            raise ValueError("key and certificate belong together: give both, or neither")
        return self

    @property
    def signs(self) -> bool:
        """Whether masters are signed."""
        return self.key is not None


def is_file(value: str | None) -> bool:
    """Whether a value of it names a file."""
    return bool(value) and not str(value).startswith(SECRET)
