"""Hosted, paid lip-sync systems: one table, one adapter per protocol, one life cycle of jobs.

To add a model: its lines in ``configs/lipsync_models.yaml``. To add a provider: ``tasks/lipsync/hosted/NAME.py``, its
line in `system.PROVIDERS`, a server in ``tests/lipsync/hosted/servers.py``; run ``tests/contracts/test_reanimator.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.lipsync.hosted.jobs import Inputs, Receipt, receipt_path
from tasks.lipsync.hosted.listing import Row, rows
from tasks.lipsync.hosted.system import HostedOptions, HostedSystem
from tasks.lipsync.reanimate import Limits, Takes
from tasks.records.errors import BadInputError
from tasks.records.progress import Progress

__all__ = ["HostedReanimator", "HostedTranslation", "Receipt", "Row", "receipt_path", "rows"]


class _Hosted:
    """What a system declares of itself, whatever it makes."""

    _system: HostedSystem

    def fingerprint(self) -> str:
        """System, provider, the provider's id, address and settings; no secret."""
        return self._system.fingerprint()

    @property
    def address(self) -> str:
        """The provider's URL."""
        return self._system.url

    def missing(self) -> list[str]:
        """The provider's key, if it is not set."""
        return self._system.missing()

    def cost_usd(self, seconds: float) -> float:
        """The price of this many seconds of result by the table; the provider's invoice may differ."""
        return self._system.cost_usd(seconds)


class HostedReanimator(_Hosted):
    """A hosted system that re-animates a face from speech, given a shot or a still."""

    takes: Takes
    limits: Limits

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        """Make no request.

        Args:
            model: its name in the table.
            options: fields of `HostedOptions`.

        Raises:
            BadInputError: no such model, provider, option or setting.
        """
        self._system = HostedSystem(model, _options(options))
        takes = self._system.model.takes
        if takes == "translate":
            raise BadInputError(f"{model} translates a whole video and takes no speech.", "Use another model.")
        self.takes = takes
        self.limits = Limits(**self._system.model.limits_at(self._system.provider).model_dump())

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: Progress) -> None:
        """Run a job, or reuse the result of an earlier job with the same files; writes `receipt_path` beside ``out``.

        Args:
            picture: MP4 of one shot, or a PNG.
            speech: the dub of that shot, WAV.
            out: where the result is written.
            progress: called with the share done, 0 to 1.

        Raises:
            TransientError: it may succeed later; the job is found again then.
            MissingBackendError: no key, or a wrong one.
            PermanentError: it will not succeed; gives the provider's message.
        """
        self._system.job(Inputs(picture, speech), progress).deliver(out)


class HostedTranslation(_Hosted):
    """A hosted system that dubs a whole video: speech, voices and mouths."""

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        """Make no request; arguments and errors as `HostedReanimator`."""
        self._system = HostedSystem(model, _options(options))
        if self._system.model.takes != "translate":
            raise BadInputError(f"{model} does not translate.", "Use heygen-video-translate.")

    def translate(self, video: Path, language: str, out: Path, progress: Progress) -> str:
        """Dub the video, or reuse the result of an earlier job.

        Args:
            video: the title, with sound.
            language: BCP-47 tag of the dub.
            out: where the result is written, picture and sound; its length may differ.
            progress: called with the share done, 0 to 1.

        Returns:
            The provider's name of the language, possibly of another region than requested.

        Raises:
            UnsupportedError: the provider does not support the language.
            TransientError: it may succeed later; the job is found again then.
            PermanentError: it will not succeed; gives the provider's message.
        """
        from tasks.lipsync.hosted.languages import named

        name = named(language, self._system.client())
        self._system.job(Inputs(video, language=name), progress).deliver(out)
        return name


def _options(options: Mapping[str, Any]) -> HostedOptions:
    try:
        return HostedOptions(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        known = ", ".join(HostedOptions.model_fields)
        raise BadInputError(f"Profile: lipsync.options.{where}: {first['msg']}.", f"It has: {known}.") from error
