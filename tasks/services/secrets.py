"""Keys of services, a mailbox's password, a webhook's address: from the environment, else from a Prefect Secret block.

``DEEPL_API_KEY`` is looked for as that variable, then as the block ``polydub-deepl-api-key`` of the server at
``PREFECT_API_URL``. None is ever in a parameter, a result, a record or a log: whoever needs it asks here.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Annotated

from pydantic import AfterValidator

from tasks.records.errors import TransientError


def _of_a_provider(variable: str) -> str:
    ours = variable.startswith(("AWS_", "PREFECT_", "POLYDUB_"))
    if ours or not re.fullmatch(r"[A-Z][A-Z0-9_]*_API_(KEY|TOKEN)", variable):
        raise ValueError(f"{variable[:80]!r} is not named as a provider's key is (NAME_API_KEY)")
    return variable


#: A variable that a profile may name as a provider's key: what is sent to a service is no other secret of the machine.
KeyVariable = Annotated[str, AfterValidator(_of_a_provider)]


def secret(variable: str) -> str:
    """The key that is known by this variable's name; empty where there is none.

    Raises:
        TransientError: the Prefect server does not answer.
    """
    if found := os.environ.get(variable):
        return found
    server = os.environ.get("PREFECT_API_URL")
    return _from_block(block_name(variable), server) if server else ""


def block_name(variable: str) -> str:
    """The Secret block that holds what the variable would: ``DEEPL_API_KEY`` is ``polydub-deepl-api-key``."""
    return f"polydub-{variable.lower().replace('_', '-')}"


def advice(variable: str) -> str:
    """How the user gives the key."""
    return f"Set {variable} in the environment, or make the Prefect Secret block {block_name(variable)}."


@functools.cache
def _from_block(name: str, server: str) -> str:
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        with get_client(sync_client=True) as client:
            block = client.read_block_document_by_name(name, "secret")
    except ObjectNotFound:
        return ""
    except httpx.HTTPError:  # `from None`: what was answered may hold what was asked for
        raise TransientError(
            f"{server} did not answer for the Secret block {name}.", "Is the Prefect server running?"
        ) from None
    return str(block.data.get("value", ""))
