"""Who may do what on the review server: people with a token of their own, or named by the operator's proxy.

Tokens are kept as digests, in a file that only its user may read: ``POLYDUB_REVIEW_TOKENS``, else in Prefect's home
folder beside the password.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.service.login import password_file
from tasks.keep.locks import locked
from tasks.keep.staging import staged
from tasks.records.errors import BadInputError

#: From the one who may least to the one who may all; each may what those before may.
Role = Literal["viewer", "reviewer", "editor", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
_MOST = 1000


class Person(BaseModel):
    """Somebody who may use the review server.

    Attributes:
        name: as records name them; of a proxy's user, as the proxy does.
        role: what they may do.
        sha256: digest of their token; empty for one whom a proxy names.
        made: when, ISO 8601, UTC.
        until: when it ends, likewise; empty: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    role: Role
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$")
    made: str = ""
    until: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the token has ended."""
        return bool(self.until) and datetime.datetime.now(datetime.UTC) >= datetime.datetime.fromisoformat(self.until)


@dataclass(frozen=True)
class Proxy:
    """The operator's reverse proxy, which has asked its users who they are.

    Attributes:
        peers: addresses that it comes from; empty: there is none.
        header: in which it names the user; it must remove what a client sends under that name.
    """

    peers: frozenset[str] = frozenset()
    header: str = "x-forwarded-user"

    @classmethod
    def of_environment(cls) -> Proxy:
        """As ``POLYDUB_REVIEW_PROXY`` (addresses, separated by commas) and ``POLYDUB_REVIEW_PROXY_HEADER`` say."""
        peers = (part.strip() for part in os.environ.get("POLYDUB_REVIEW_PROXY", "").split(","))
        header = os.environ.get("POLYDUB_REVIEW_PROXY_HEADER", "X-Forwarded-User").strip().lower()
        return cls(frozenset(filter(None, peers)), header or "x-forwarded-user")


def tokens_file() -> Path:
    """Where people are kept."""
    named = os.environ.get("POLYDUB_REVIEW_TOKENS")
    return Path(named).expanduser() if named else password_file().with_name("polydub-review-tokens.json")


def people() -> tuple[Person, ...]:
    """Everybody who is known.

    Raises:
        BadInputError: the file is there and cannot be read: nobody is let in by it then.
    """
    path = tokens_file()
    try:
        listed = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path} cannot be read: {type(error).__name__}.", "Restore it, or move it away."
        ) from error
    try:
        return tuple(Person.model_validate(one) for one in listed)
    except (ValidationError, TypeError) as error:
        raise BadInputError(f"{path} is no list of people.", "Restore it, or move it away.") from error


def person_of(token: str, known: Iterable[Person]) -> Person | None:
    """Whose token it is; None for nobody's, or one that has ended."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    found = [one for one in known if one.sha256 and hmac.compare_digest(one.sha256, digest)]
    return found[0] if token and found and not found[0].is_over else None


def proxied(name: str, known: Iterable[Person]) -> Person | None:
    """The person whom a proxy names; None for one who is not known."""
    return next((one for one in known if not one.sha256 and one.name == name and not one.is_over), None)


def may(role: Role, method: str, path: str) -> bool:
    """Whether a role may ask for that.

    Args:
        role: of the one who asks.
        method: of the request.
        path: of its address.
    """
    return ROLES.index(role) >= ROLES.index(_needed(method, path))


def new_token(name: str, role: str, days: float | None = None) -> str:
    """Give somebody a token; it is returned once, and kept as its digest.

    Args:
        name: whose it is; nobody may have that name yet.
        role: what they may do.
        days: after which it ends; None: never.

    Raises:
        BadInputError: the name is taken or none, or the role does not exist.
    """
    token = f"polydub-{secrets.token_urlsafe(32)}"
    _add(name, role, hashlib.sha256(token.encode()).hexdigest(), days)
    return token


def new_user(name: str, role: str) -> None:
    """Let in somebody whom the proxy names; raises as `new_token`."""
    _add(name, role, "", None)


def revoke(name: str) -> None:
    """Let somebody in no longer.

    Raises:
        BadInputError: nobody has that name.
    """
    with locked(tokens_file().with_suffix(".lock")):
        known = people()
        left = [one for one in known if one.name != name]
        if len(left) == len(known):
            raise BadInputError(f"Nobody here is called {name[:80]!r}.", "`polydub tokens list` names them.")
        _write(left)


def _needed(method: str, path: str) -> Role:
    if method in ("GET", "HEAD"):
        return "viewer"
    if path.startswith("/api/v1/") and path.rstrip("/").endswith(("/decisions", "/decisions/undo", "/preview", "/fit")):
        return "reviewer"
    return "editor"


def _add(name: str, role: str, sha256: str, days: float | None) -> None:
    now = datetime.datetime.now(datetime.UTC)
    until = "" if days is None else (now + datetime.timedelta(days=days)).isoformat(timespec="seconds")
    told = {"name": name, "role": role, "sha256": sha256, "made": now.isoformat(timespec="seconds"), "until": until}
    try:
        person = Person.model_validate(told)
    except ValidationError as error:
        where = error.errors()[0]["loc"][0]
        fix = f"Choose one of {', '.join(ROLES)}." if where == "role" else "Give a name of at most 100 characters."
        raise BadInputError(f"{told[str(where)]!r} is no {where} of a person.", fix) from error
    path = tokens_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        known = people()
        if any(one.name == name for one in known):
            raise BadInputError(f"There is somebody called {name!r} already.", f"`polydub tokens revoke {name}` first.")
        if len(known) >= _MOST:
            raise BadInputError(f"There are {len(known)} people already.")
        _write([*known, person])


def _write(known: Iterable[Person]) -> None:
    with staged(tokens_file()) as part:
        part.touch(mode=0o600)
        part.chmod(0o600)
        part.write_text(json.dumps([one.model_dump(exclude_defaults=True) for one in known], indent=1) + "\n", "utf-8")
