"""Budget and notifications of a batch."""

from __future__ import annotations

import datetime

from pydantic import BaseModel, ConfigDict, Field


class BudgetSettings(BaseModel):
    """Limits of one night; a branch that is not expected to fit is carried over. None for no limit.

    Attributes:
        until: a time of day (``06:00``), in the machine's time zone.
        hours: hours of wall-clock time.
        gpu_minutes: minutes of all accelerators together.
        usd: US dollars for paid services.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: str | None = Field(None, pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")
    hours: float | None = Field(None, gt=0)
    gpu_minutes: float | None = Field(None, ge=0)
    usd: float | None = Field(None, ge=0)

    def deadline(self, begun: datetime.datetime) -> datetime.datetime | None:
        """The time by which all branches must have ended: the earlier of ``until`` and ``hours``.

        Args:
            begun: start of the batch, with its time zone; without one, in this machine's local time, which may switch
                to or from summer time before the end.
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
    """A mail server and its recipients.

    Attributes:
        host: host of the SMTP server.
        port: 465 uses TLS from the start; on other ports ``tls`` means STARTTLS.
        sender: address of the sender.
        to: addresses of the recipients.
        user: login name; empty for no login.
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
    """Recipients of a batch's result.

    Attributes:
        webhook_variable: the environment variable, or Secret block (`tasks.services.secrets`), that holds a
            webhook's address.
        mail: e-mail settings; None for no e-mail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook_variable: str = Field(default="POLYDUB_WEBHOOK_URL", pattern=r"^[A-Z][A-Z0-9_]*$")
    mail: MailSettings | None = None
