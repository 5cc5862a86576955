"""Notifications when a batch ends, by webhook or e-mail. A failure to send is reported and never fails the batch."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

from configs.night import MailSettings
from flows.kept.standing import DELIVERED
from flows.night.batches import Batch
from flows.night.morning import as_markdown, by_urgency, counts_of, headline
from tasks.records.errors import BadInputError, TransientError
from tasks.services.http import NoAnswerError, exchange
from tasks.services.secrets import advice, secret

_DEADLINE_S = 20.0


def notify(batch: Batch, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Send the notifications of the batch's settings.

    Returns:
        What could not be sent, and why; without addresses or secrets.
    """
    settings = batch.notify
    sent: list[tuple[str, Callable[[], None]]] = [("webhook", lambda: _post(settings.webhook_variable, batch, rows))]
    if (mail := settings.mail) is not None:
        sent.append(("e-mail", lambda: _mail(mail, batch, rows)))
    return [f"The {name} was not sent: {why}." for name, send in sent if (why := _try(send))]


def _try(send: Callable[[], None]) -> str:
    """Why it failed; empty if it did not."""
    try:
        send()
    except smtplib.SMTPResponseException as error:
        return f"the server returned status {error.smtp_code}"
    except (BadInputError, TransientError) as error:
        return error.what.rstrip(".")
    except NoAnswerError as error:
        return f"the server is not reachable ({error})"
    except (OSError, ValueError, smtplib.SMTPException) as error:  # the texts of some hold the address
        return f"the server is not reachable ({type(error).__name__})"
    return ""


def _payload(batch: Batch, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    shown = ("title", "language", "state", "why")
    undelivered = [{name: row[name] for name in shown} for row in by_urgency(rows) if row["state"] not in DELIVERED]
    waiting = [
        {name: row[name] for name in (*shown, "waits_for", "assignee", "until")} for row in rows if row["waits_for"]
    ]
    to_review = [
        {name: row[name] for name in (*shown, "review", "report", "link")}
        for row in rows
        if row["state"] == "needs_review"
    ]
    batch_facts = {"text": headline(batch, rows), "batch": batch.id, "counts": counts_of(rows)}
    return {**batch_facts, "undelivered": undelivered, "to_review": to_review, "waiting": waiting}


def _post(variable: str, batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    """Post to the address in the variable or its Secret block; no effect if there is none."""
    if not (url := secret(variable)):
        return
    if not url.startswith(("http://", "https://")):
        raise BadInputError("its address is not http or https", "")
    body = json.dumps(_payload(batch, rows), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    answer = exchange("POST", url, wait_s=_DEADLINE_S, within_s=_DEADLINE_S, content=body, headers=headers)
    if answer.status >= 300:  # a redirect too: nothing is posted to an address that the operator did not give
        raise TransientError(f"the server returned status {answer.status}.")


def _mail(settings: MailSettings, batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = headline(batch, rows), settings.sender
    message["To"] = ", ".join(settings.to)
    message.set_content(as_markdown(batch, rows, mailed=True))
    password = secret(settings.password_variable) if settings.user else ""
    if settings.user and not password:
        raise BadInputError(f"there is no password. {advice(settings.password_variable)}", "")
    context = ssl.create_default_context()
    if settings.port == 465:
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_DEADLINE_S, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_DEADLINE_S)
    with server:
        if settings.tls and settings.port != 465:
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, password)
        server.send_message(message)
