"""Transfer of files to a provider: inside the request, or to an upload address from the provider."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tasks.lipsync.hosted.fetch import check_address, is_local
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.services.http import NoAnswerError, exchange

#: Maximum bytes of a file sent as a data URI (the smaller of the two limits that Replicate documents).
DATA_URI_BYTES = 256_000
_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".wav": "audio/wav",
}
_WAIT_S = 300.0


def media_type(path: Path) -> str:
    """The MIME type of a file to send."""
    return _TYPES.get(path.suffix.lower(), "application/octet-stream")


def data_uri(path: Path) -> str:
    """The file as a data URI."""
    return f"data:{media_type(path)};base64,{base64.b64encode(path.read_bytes()).decode()}"


def put(path: Path, url: str, base: str, more: Mapping[str, str] | None = None) -> None:
    """Upload to an address that the provider signed for this file; the key is not sent.

    Args:
        path: the file.
        url: the signed address.
        base: the provider's own address; decides whether the upload address may be local (`check_address`).
        more: headers that the provider returned with the address.
    """
    check_address(url, local=is_local(urlsplit(base).hostname or ""))
    size = str(path.stat().st_size)
    headers = {"Content-Type": media_type(path), **(more or {}), "Content-Length": size}
    try:
        with path.open("rb") as file:
            status = exchange("PUT", url, wait_s=_WAIT_S, content=file, headers=headers).status
    except NoAnswerError as error:
        raise ProviderBusyError(f"{path.name} could not be uploaded ({error}).") from None
    except OSError as error:
        raise ProviderBusyError(f"{path.name} could not be uploaded ({type(error).__name__}).") from None
    if status >= 500:
        raise ProviderBusyError(f"{path.name} could not be uploaded (status {status}).")
    if status >= 300:
        raise PermanentError(f"{path.name} was not taken by the provider's storage (status {status}).")
