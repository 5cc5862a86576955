"""Addresses of titles: which are allowed, to which machine they lead, and how they are shown without their secrets."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from configs.sources import SourceSettings
from tasks.records.errors import BadInputError, TransientError
from tasks.words.visible import name_part, visible

#: Object stores that fsspec knows; its other file systems lead to this machine, or anywhere.
STORES = frozenset({"s3", "gs", "gcs", "az", "abfs", "abfss", "oss", "b2"})
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*", re.DOTALL)
_PLAIN = re.compile(r"[^\s\\\x00-\x20\x7f]+")
#: Parameters of signed addresses, which are others each time.
_SIGNED = re.compile(
    r"(x-(amz|goog|oss)-.*|awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|token|sig|se|st|sp|sv|sr)",
    re.IGNORECASE,
)
_LONGEST = 4096
_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Address:
    """The address of a title, taken apart.

    Attributes:
        url: all of it, with its secrets.
        scheme: ``https``, ``http`` or that of an object store.
        host: name or number, in ASCII; of an object store the bucket.
        port: 0 for an object store.
        path: with its slash.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_object(self) -> bool:
        """Whether it is in an object store."""
        return self.scheme in STORES

    @property
    def shown(self) -> str:
        """The address to be shown and kept: a query may be a signature, and is left out."""
        port = f":{self.port}" if self.port not in (0, _PORTS.get(self.scheme)) else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        asked = "?…" if urlsplit(self.url).query else ""
        return visible(f"{self.scheme}://{host}{port}{self.path}{asked}")

    @property
    def name(self) -> str:
        """The file's name: the last part of the path, safe to use."""
        return name_part(unquote(self.path.rstrip("/").rpartition("/")[2])).strip(". ")[-200:] or self.host

    @property
    def lasting(self) -> str:
        """The address without what only a signature changes: the same for the same file."""
        parts = urlsplit(self.url)
        query = [(name, value) for name, value in parse_qsl(parts.query, True) if not _SIGNED.fullmatch(name)]
        return urlunsplit((self.scheme, f"{self.host}:{self.port}", self.path, urlencode(query), ""))


def is_address(text: str) -> bool:
    """Whether a title is named by an address, not a path."""
    return _ADDRESS.match(text) is not None


def address_of(text: str) -> Address:
    """An address taken apart.

    Raises:
        BadInputError: of another kind, malformed, or with a password in it; the message repeats none of it.
    """
    scheme = text.partition("://")[0].lower()
    if scheme not in (*_PORTS, *STORES):
        raise BadInputError(
            f"Titles are not fetched by {visible(scheme)[:20]}://.",
            "Give a file, or an address with https:// or s3://.",
        )
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(scheme, 0)
        host = (parts.hostname or "").encode("ascii" if ":" in (parts.hostname or "") else "idna").decode()
    except (ValueError, UnicodeError):
        host, port = "", 0
    if not host or len(text) > _LONGEST or not _PLAIN.fullmatch(text):
        raise BadInputError(f"An address with {scheme}:// is malformed.", "Copy it again, with spaces as %20.")
    if "@" in parts.netloc:
        raise BadInputError(
            f"The address at {host} has a name or password in it.", "Leave it out: addresses are kept with a title."
        )
    if scheme in STORES:
        path = "/" + text.partition("://")[2].partition("/")[2]
        if ".." in path.split("/") or path == "/":
            raise BadInputError(f"{visible(text)[:80]!r} names no object.", "Write s3://bucket/path/file.mp4.")
        return Address(text, scheme, host, 0, path)
    return Address(text, scheme, host, port, parts.path or "/")


def check_allowed(address: Address, settings: SourceSettings) -> None:
    """Refuse an address that the operator does not allow.

    Raises:
        BadInputError: no entry of ``sources.allow`` is about it.
    """
    if any(_is_about(entry, address) for entry in settings.allow.split()):
        return
    place = f"{address.scheme}://{address.host}" if address.is_object or address.scheme == "http" else address.host
    raise BadInputError(
        f"Titles from {place} are not allowed here.",
        "The operator allows hosts and buckets: `sources: {allow: ...}` in a profile, or POLYDUB_SOURCES__ALLOW.",
    )


def _is_about(entry: str, address: Address) -> bool:
    scheme, _, rest = entry.rpartition("://")
    if address.is_object:
        bucket, _, prefix = rest.partition("/")
        inside = not prefix.strip("/") or address.path.startswith(f"/{prefix.strip('/')}/")
        return scheme.lower() == address.scheme and bucket == address.host and inside
    if (scheme.lower() or "https") != address.scheme:
        return False
    try:
        wanted = urlsplit(f"//{rest.rstrip('/')}")
        port = wanted.port or _PORTS[address.scheme]
    except ValueError:
        return False
    return port == address.port and fnmatchcase(address.host.lower(), (wanted.hostname or "").lower())


def machine_of(address: Address, settings: SourceSettings) -> str:
    """The number of the machine that an address leads to now. It is the one to connect to: a name may change.

    Raises:
        BadInputError: it is of this machine or its network, and ``sources.private`` is off.
        TransientError: the name is not known.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TransientError(f"The host {address.host} is not known.", "Check the address and the network.") from error
    numbers = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not settings.private and any(not is_public(number) for number in numbers):
        raise BadInputError(
            f"{address.host} is inside this network, and titles are not fetched from there.",
            "The operator may allow it: `sources: {private: true}`.",
        )
    return numbers[0]


def is_public(number: str) -> bool:
    """Whether an IP address is a public one, whatever form it is written in."""
    one: Any = ipaddress.ip_address(number)
    if one.version == 6:
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo[1] if one.teredo else None)
        if one in _NAT64:
            inner = ipaddress.ip_address(int(one) & 0xFFFFFFFF)
        one = inner or one
    return bool(one.is_global and not one.is_multicast)
