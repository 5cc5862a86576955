"""A hosted system as configured by a profile: model, provider and settings; its jobs and its price."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from configs.lipsync_models import LipsyncModel, Offer, Setting, lipsync_models
from tasks.keep.digests import file_sha256
from tasks.lipsync.hosted.jobs import Inputs, Job, Patience, Provider, Receipt
from tasks.lipsync.hosted.kept import jobs_folder
from tasks.records import registry
from tasks.records.errors import BadInputError, MissingBackendError
from tasks.records.progress import Progress
from tasks.services.secrets import advice, secret
from tasks.services.slots import provider_slot

#: Adapters by provider, cheapest to set up first.
PROVIDERS = {
    "replicate": "tasks.lipsync.hosted.replicate:Replicate",
    "fal": "tasks.lipsync.hosted.fal:Fal",
    "sync": "tasks.lipsync.hosted.sync:Sync",
    "heygen": "tasks.lipsync.hosted.heygen:HeyGen",
    "comfyui": "tasks.lipsync.hosted.comfyui:ComfyUI",
    "pixverse": "tasks.lipsync.hosted.pixverse:PixVerse",
    "veed": "tasks.lipsync.hosted.veed:Veed",
    "kling": "tasks.lipsync.hosted.kling:Kling",
}


class HostedOptions(registry.Options):
    """Options of a hosted system.

    Attributes:
        provider: the provider; empty for the first in the table whose key is set.
        url: another address of that provider.
        settings: the system's own settings, as listed in the table.
        jobs: folder of paid jobs; empty for ``lipsync-jobs`` in the store.
        deadline_s: seconds after which a job counts as stuck; None as in the table.
        first_pause_s: seconds between the first two polls; None as in the table.
        longest_pause_s: longest pause between two polls, seconds.
    """

    provider: str = ""
    url: str = Field("", pattern=r"^(https?://\S+)?$")
    settings: dict[str, Any] = Field(default_factory=dict)
    jobs: str = ""
    deadline_s: float | None = Field(None, gt=0)
    first_pause_s: float | None = Field(None, gt=0)
    longest_pause_s: float = Field(10.0, gt=0)


class Adapter(Protocol):
    """The adapter of a provider, with the facts known without a request."""

    title: str
    variables: tuple[str, ...]
    address: str

    def __call__(self, offer: Offer, values: Mapping[str, Any], url: str) -> Provider:
        """The protocol for one offer.

        Args:
            offer: from the table.
            values: its settings.
            url: base address; empty for the provider's own.
        """


def adapter(provider: str) -> Adapter:
    """The adapter of a provider."""
    module, _, name = PROVIDERS[provider].partition(":")
    found: Adapter = getattr(importlib.import_module(module), name)
    return found


def unset(provider: str) -> list[str]:
    """The variables of a provider that are neither set nor a Secret block."""
    return [name for name in adapter(provider).variables if not secret(name)]


class HostedSystem:
    """One model at one provider."""

    def __init__(self, name: str, options: HostedOptions) -> None:
        """Make no request.

        Raises:
            BadInputError: no such model, provider or setting.
        """
        self.name, self.options = name, options
        self.model = _model(name)
        self.provider = options.provider or _first_usable(self.model)
        if self.provider not in offered(self.model):
            raise BadInputError(
                f"{name} is not available from {self.provider!r}.", f"Choose one of: {', '.join(offered(self.model))}."
            )
        self.offer = self.model.offers[self.provider]
        self.adapter = adapter(self.provider)
        self.values = {**self.offer.fixed, **_checked(name, self.offer, options.settings)}
        self.url = (options.url or self.adapter.address).rstrip("/")

    def fingerprint(self) -> str:
        """System, provider, the provider's id, address and settings."""
        values = json.dumps(self.values, sort_keys=True)
        return f"hosted:1:{self.name}:{self.provider}:{self.offer.id}:{self.url}:{values}"

    def missing(self) -> list[str]:
        """The keys that are not set."""
        return [f"{self.adapter.title}: {advice(name)}" for name in unset(self.provider)]

    def cost_usd(self, seconds: float) -> float:
        """The price of this many seconds of result by the table."""
        step_s = self.offer.bill_step_s
        billed_s = math.ceil(seconds / step_s - 1e-9) * step_s if step_s else seconds
        return round(billed_s * self._usd_per_s(), 6)

    def client(self) -> Provider:
        """A client of the provider.

        Raises:
            MissingBackendError: a key is not set.
        """
        missing = self.missing()
        if missing:
            raise MissingBackendError(f"{self.adapter.title} is not set up.", " ".join(missing))
        return self.adapter(self.offer, self.values, self.url)

    def job(self, inputs: Inputs, progress: Progress) -> Job:
        """The job for these inputs, existing or new."""
        patience = Patience(
            self.options.first_pause_s or self.offer.poll_s,
            self.options.longest_pause_s,
            self.options.deadline_s or self.offer.deadline_s,
        )
        slot = provider_slot(self.provider)
        return Job(self.client(), inputs, self._folder(inputs), self._receipt, patience, progress, slot)

    def _folder(self, inputs: Inputs) -> Path:
        files = [file_sha256(path)[0] for path in (inputs.picture, inputs.speech) if path]
        key = hashlib.sha256("\n".join([self.fingerprint(), inputs.language, *files]).encode()).hexdigest()
        return jobs_folder(self.options.jobs) / key[:2] / key

    def _receipt(self, job: str, seconds: float, created: str, sha256: str) -> Receipt:
        return Receipt(
            provider=self.provider,
            model=self.name,
            job=job,
            seconds=round(seconds, 3),
            usd=self.cost_usd(seconds),
            created=created,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=sha256,
        )

    def _usd_per_s(self) -> float:
        for setting, prices in self.offer.usd_by.items():
            if self.values.get(setting) in prices:
                return prices[self.values[setting]]
        return self.offer.usd_per_s


def offered(model: LipsyncModel) -> list[str]:
    """The providers of a model that have an adapter."""
    return [provider for provider in model.offers if provider in PROVIDERS]


def _model(name: str) -> LipsyncModel:
    models = lipsync_models()
    if name not in models:
        raise BadInputError(f"There is no hosted lip sync named {name!r}.", f"Choose one of: {', '.join(models)}.")
    return models[name]


def _first_usable(model: LipsyncModel) -> str:
    providers = offered(model)
    return next((provider for provider in providers if not unset(provider)), providers[0])


def _checked(name: str, offer: Offer, settings: Mapping[str, Any]) -> dict[str, Any]:
    for setting, value in settings.items():
        allowed = offer.settings.get(setting)
        if allowed is None:
            known = ", ".join(offer.settings) or "none"
            raise BadInputError(f"{name} has no setting {setting!r}.", f"It has: {known}.")
        if not _fits(value, allowed):
            values = ", ".join(map(str, allowed)) if isinstance(allowed, tuple) else allowed
            raise BadInputError(f"{name}: {setting} cannot be {value!r}.", f"It takes: {values}.")
    files = {setting for setting in settings if offer.settings[setting] == "file"}
    return {setting: _read(value) if setting in files else value for setting, value in settings.items()}


def _read(path: str) -> Any:
    try:
        return json.loads(Path(path).expanduser().read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"The file {path} cannot be read as JSON: {error}.") from error


def _fits(value: Any, allowed: Setting) -> bool:
    if allowed == "flag":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if allowed == "integer":
        return isinstance(value, int)
    if isinstance(allowed, str):
        return isinstance(value, str)
    least, *_, most = allowed
    if isinstance(least, float) and isinstance(most, float):
        return isinstance(value, int | float) and least <= value <= most
    return value in allowed
