"""What a batch may spend, and who is told how it ended."""

from __future__ import annotations

import datetime

from pydantic import BaseModel, ConfigDict, Field


class BudgetSettings(BaseModel):
    """Limits of one batch; a branch that is not expected to fit is carried over. None: no limit.

    Attributes:
        until: a time of day (``06:00``), in the machine's time zone.
        hours: of wall clock.
        gpu_minutes: of all accelerators together.
        usd: for paid services.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: str | None = Field(None, pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")
    hours: float | None = Field(None, gt=0)
    gpu_minutes: float | None = Field(None, ge=0)
    usd: float | None = Field(None, ge=0)

    def deadline(self, begun: datetime.datetime) -> datetime.datetime | None:
        """When no branch may be running any more: the earlier of ``until`` and ``hours``.

        Args:
            begun: when the batch begins, with its time zone; without one, on this machine's clock, whose zone may
                change to or from summer time before the end.
        """
        ends = []
        if self.hours is not None:
            ends.append(begun.astimezone(datetime.UTC) + datetime.timedelta(hours=self.hours))
        if self.until is not None:
            hour, minute = map(int, self.until.split(":"))
            end = begun.replace(hour=hour, minute=minute, second=0, microsecond=0)
            end = end if end > begun else end + datetime.timedelta(days=1)
            ends.append(end if end.tzinfo else end.astimezone())
        return min(ends, default=None)


class MailSettings(BaseModel):
    """A mail server and who is written to.

    Attributes:
        host: of the SMTP server.
        port: 465 speaks TLS from the start; on others ``tls`` asks for STARTTLS.
        sender: address that it comes from.
        to: addresses.
        user: name at the server; empty: no login.
        password_variable: the environment variable, or Secret block (`tasks.services.secrets`), that holds the
            password.
        tls: whether the connection must be encrypted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int = Field(587, ge=1, le=65535)
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    user: str = ""
    password_variable: str = Field(default="POLYDUB_MAIL_PASSWORD", pattern=r"^[A-Z][A-Z0-9_]*$")
    tls: bool = True


class NotifySettings(BaseModel):
    """Who is told how a batch ended.

    Attributes:
        webhook_variable: the environment variable, or Secret block (`tasks.services.secrets`), that holds a
            webhook's address.
        mail: an e-mail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook_variable: str = Field(default="POLYDUB_WEBHOOK_URL", pattern=r"^[A-Z][A-Z0-9_]*$")
    mail: MailSettings | None = None
