"""One object of an object store, through fsspec: in pieces, so that a cut costs a piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tasks.keep.remote import file_system
from tasks.records.errors import BadInputError, PolydubError, TransientError
from tasks.services.addresses import Address
from tasks.services.seen import Seen

_PIECE = 8 << 20


def fetch_object(
    address: Address,
    known: Mapping[str, Any],
    before: Mapping[str, Any],
    part: Path,
    watch: Callable[[int, int], None],
    remember: Callable[[Seen], None],
) -> Seen | None:
    """Fetch an object; it goes on where an earlier attempt stopped, if the object is still the same.

    Args:
        address: of the object.
        known: what was seen of the one that the store has; empty for none.
        before: what was seen of the one that ``part`` is the beginning of; empty for none.
        part: what came so far.
        watch: called with bytes that came and all bytes; raises where a bound is passed.
        remember: keeps what is seen of it.

    Returns:
        What was seen of it; None where it is the one that the store has.

    Raises:
        BadInputError: there is none, or access is denied.
        TransientError: the object store does not answer.
    """
    files = file_system(address.scheme)
    path = f"{address.host}{address.path}"
    try:
        facts = files.info(path)
        tag, size = str(facts.get("ETag") or facts.get("etag") or facts.get("md5Hash") or ""), int(facts["size"])
        seen = Seen(tag, str(facts.get("LastModified") or facts.get("updated") or ""), size)
        if known and seen.is_still(known):
            return None
        if not (before and part.exists() and Seen(**before) == seen and part.stat().st_size <= size):
            part.unlink(missing_ok=True)
        watch(0, size)
        remember(seen)
        with part.open("ab") as target:
            while (at := target.tell()) < size:
                target.write(files.cat_file(path, start=at, end=min(size, at + _PIECE)))
                watch(target.tell(), size)
    except PolydubError:
        raise
    except FileNotFoundError:
        raise BadInputError(f"{address.shown} does not exist.", "Check the address.") from None
    except PermissionError:
        raise BadInputError(f"Access to {address.shown} was denied.", "Check the object store's policy.") from None
    except Exception as error:  # from botocore, aiohttp and the operating system
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise TransientError(
            f"{address.shown} could not be fetched ({type(error).__name__}).", "Try again: it goes on."
        ) from None
    return seen
