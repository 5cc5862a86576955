"""The password of the Prefect server on this machine: created once, readable only by its user, found by every command.

It is Prefect's own (``PREFECT_SERVER_API_AUTH_STRING`` of the server, ``PREFECT_API_AUTH_STRING`` of its clients), of
the form ``user:password``; the environment takes precedence. The stored one is only sent to a server on this machine.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks.keep.staging import write_first

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def password_file() -> Path:
    """The file of the password: in Prefect's home folder, readable only by its user."""
    return _home() / "polydub-password"


def password() -> str:
    """The server's password, ``user:password``: from the environment, else the stored one; created if there is none."""
    return os.environ.get("PREFECT_SERVER_API_AUTH_STRING") or _kept() or _made()


def fresh_password() -> str:
    """A random password."""
    return f"polydub:{secrets.token_urlsafe(24)}"


def log_in() -> None:
    """Give this process and its children the password of this machine's server, if they use that server."""
    profile = _prefect_profile()
    if os.environ.get("PREFECT_API_AUTH_STRING") or "PREFECT_API_AUTH_STRING" in profile:
        return
    if urlsplit(named_server()).hostname in _LOOPBACK and (found := _kept()):
        os.environ["PREFECT_API_AUTH_STRING"] = found


def named_server() -> str:
    """The address of the user's own server: ``PREFECT_API_URL``, else the active Prefect profile's; empty if none."""
    return os.environ.get("PREFECT_API_URL") or str(_prefect_profile().get("PREFECT_API_URL", ""))


def _home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def _prefect_profile() -> dict[str, Any]:
    try:
        profiles = tomllib.loads((_home() / "profiles.toml").read_text("utf-8"))
        found = profiles["profiles"][profiles["active"]]
    except (OSError, KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _kept() -> str:
    try:
        return password_file().read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _made() -> str:
    """Create the password; the first process wins, so that two servers starting at once share it."""
    file = password_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_first(file, fresh_password() + "\n", private=True)
    return _kept()
