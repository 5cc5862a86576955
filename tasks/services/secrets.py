"""Service keys, the mail password, the webhook address: from the environment, else from a Prefect Secret block.

``DEEPL_API_KEY`` is looked for as that variable, then as the block ``polydub-deepl-api-key`` of the server at
``PREFECT_API_URL``. No secret is ever in a parameter, a result, a record or a log; it is read here where it is used.
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
        raise ValueError(f"{variable[:80]!r} is not the name of a provider's key (NAME_API_KEY)")
    return variable


#: A variable that a profile may name as a provider's key, so that no other secret of the machine is sent to a service.
KeyVariable = Annotated[str, AfterValidator(_of_a_provider)]


def secret(variable: str) -> str:
    """The secret of this variable's name; empty if there is none.

    Raises:
        TransientError: the Prefect server does not answer.
    """
    if found := os.environ.get(variable):
        return found
    server = os.environ.get("PREFECT_API_URL")
    return _from_block(block_name(variable), server) if server else ""


def block_name(variable: str) -> str:
    """The name of the Secret block for a variable: ``DEEPL_API_KEY`` is ``polydub-deepl-api-key``."""
    return f"polydub-{variable.lower().replace('_', '-')}"


def advice(variable: str) -> str:
    """How the user provides the key."""
    return f"Set {variable} in the environment, or create the Prefect Secret block {block_name(variable)}."


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
    except httpx.HTTPError:  # `from None`: the response may contain the secret
        raise TransientError(
            f"{server} did not answer the request for the Secret block {name}.", "Is the Prefect server running?"
        ) from None
    return str(block.data.get("value", ""))
