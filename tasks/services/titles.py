"""Brings a title from an address into the store, once: what did not change there is not fetched again. One door.

Whatever an address or a redirect leads to is checked against the operator's list, and the machine that was checked is
the one that is connected to. What comes is a file; ffmpeg opens it as any other, and never an address.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from configs.sources import SourceSettings
from tasks.keep.folder import private_folder
from tasks.keep.store import Store, text_sha256
from tasks.machine.download import TooLargeError, continued
from tasks.records.errors import BadInputError, DiskFullError, PolydubError, TransientError, disk_full
from tasks.records.record import Asset
from tasks.services.addresses import Address, address_of, check_allowed, machine_of
from tasks.services.http import answering_as
from tasks.services.seen import Seen
from tasks.words.visible import name_part

_NOTE = "fetched"
_TRIES, _REDIRECTS = 4, 5
_LATER = {408, 425, 429, 500, 502, 503, 504}
#: Of contents that are no media, though servers answer them with status 200.
_NO_MEDIA = re.compile(r"(text/|image/|application/(json|xml|.*\+xml|pdf|zip|.*mpegurl|dash\+xml))", re.IGNORECASE)
_BEGINS = (b"<", b"#EXTM3U", b"{", b"[")
_GB = 1 << 30


class PageError(BadInputError):
    """A page came instead of a file."""


@dataclass(frozen=True)
class Brought:
    """A title that was fetched: its file in the store, its name, and whether it was there already."""

    asset: Asset
    name: str
    known: bool


def bring(
    text: str, settings: SourceSettings, store: Store, progress: Callable[[float], None] = lambda _: None
) -> Brought:
    """Fetch the title at an address; the file that was fetched before is used if it is still that.

    Args:
        text: ``https://...``, or the address of an object store.
        settings: what the operator allows.
        store: keeps the file, by its content.
        progress: called with the share done, 0 to 1.

    Raises:
        BadInputError: not allowed, no such file, no media, or too large.
        TransientError: it did not come; the next attempt goes on where this one stopped.
    """
    address = address_of(text)
    check_allowed(address, settings)
    key = text_sha256(address.lasting)
    with store.claim(f"{_NOTE}-{key}"):
        known = store.read_note(_NOTE, key) or {}
        asset = Asset.model_validate(known["asset"]) if known.get("asset") else None
        if asset is not None and not store.holds(asset):
            known, asset = {}, None
        folder = store.root / "fetching"
        private_folder(folder)
        coming = _Coming(address, settings, folder / key, known if asset else {}, progress)
        try:
            coming.fetch()
        except OSError as error:
            raise disk_full(error, folder) or TransientError(
                f"{address.shown} could not be fetched ({type(error).__name__}).", "Try again: it goes on."
            ) from None
        if coming.unchanged and asset is not None:
            return Brought(asset, str(known["name"]), known=True)
        asset = _kept(coming, store)
        store.write_note(_NOTE, key, {"asset": asset.model_dump(mode="json"), "name": coming.name, **vars(coming.seen)})
        return Brought(asset, coming.name, known=False)


def _kept(coming: _Coming, store: Store) -> Asset:
    """Into the store, with the ending that its name has."""
    ending = Path(coming.name).suffix.lower()
    ending = ending if re.fullmatch(r"\.[a-z0-9]{1,5}", ending) else ""
    named = coming.part.with_name(f"{coming.part.stem}.whole{ending}")
    coming.part.rename(named)
    coming.forget()
    return store.add(named)


class _Coming:
    """One title on its way.

    Attributes:
        part: what came of it so far.
        seen: what the server says of it.
        name: of the file, safe to use.
        unchanged: it is what the store has.
    """

    def __init__(
        self,
        address: Address,
        settings: SourceSettings,
        place: Path,
        known: Mapping[str, Any],
        progress: Callable[[float], None],
    ) -> None:
        self._address, self._settings, self._known, self._progress = address, settings, known, progress
        self.part, self._memo = place.with_suffix(".part"), place.with_suffix(".json")
        self.seen, self.name, self.unchanged = Seen(), address.name, False
        self._ends = time.monotonic() + settings.within_s
        self._most = settings.largest_gb * _GB

    def fetch(self) -> None:
        """Until it is here, or is seen to be unchanged."""
        if self._address.is_object:
            from tasks.services.objects import fetch_object

            seen = fetch_object(self._address, self._known, self._before(), self.part, self._watch, self._remember)
            self.unchanged, self.seen = seen is None, seen or self.seen
            return
        try:
            self._by_http()
        except PageError:
            if not self._settings.yt_dlp:
                raise
            from tasks.services.pages import fetch_page

            self.forget()
            self.name = fetch_page(self._address, self._settings, self.part)

    def forget(self) -> None:
        """Remove what is left of an attempt."""
        for path in (self.part, self._memo):
            path.unlink(missing_ok=True)

    def _before(self) -> dict[str, Any]:
        """What was seen of the file that ``part`` is the beginning of."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(self._memo.read_bytes()))
        return {}

    def _remember(self, seen: Seen) -> None:
        self._memo.write_text(json.dumps(vars(seen)), "utf-8")

    def _watch(self, done: int, total: int) -> None:
        """Bounds of size and time, and room, while it comes."""
        if max(done, total) > self._most:
            raise self._too_large()
        if time.monotonic() > self._ends:
            raise self._late()
        free = shutil.disk_usage(self.part.parent).free
        if total - done > free:
            raise DiskFullError(
                f"{self._address.shown} has {total} bytes, and {free} are free in {self.part.parent}.", "Make room."
            )
        self._progress(min(1.0, done / total) if total else 0.0)

    def _too_large(self) -> BadInputError:
        self.forget()
        return BadInputError(
            f"{self._address.shown} is larger than {self._settings.largest_gb:g} GB, the maximum for a title.",
            "The operator may raise it: `sources: {largest_gb: ...}`.",
        )

    def _late(self) -> TransientError:
        within = f"{self._settings.within_s:.0f} s"
        return TransientError(f"{self._address.shown} did not come within {within}.", "Try again: it goes on.")

    def _by_http(self) -> None:
        import httpx

        if not Seen(**self._before()).same:
            self.part.unlink(missing_ok=True)  # nothing says what it is the beginning of
        why = "no answer"
        for _ in range(_TRIES):
            try:
                continued(
                    self._opened,
                    self.part,
                    self._progress,
                    same=Seen(**self._before()).same,
                    most_bytes=self._most,
                    ends=self._ends,
                )
            except TooLargeError:
                raise self._too_large() from None
            except TimeoutError:
                raise self._late() from None
            except (httpx.TransportError, httpx.StreamError, ConnectionError) as error:
                why = type(error).__name__
                continue
            if self.unchanged or self._is_whole():
                return
            why = "it ended too early"
        raise TransientError(
            f"{self._address.shown} could not be fetched completely ({why}).", "Try again: it goes on where it stopped."
        )

    def _is_whole(self) -> bool:
        size = self.part.stat().st_size
        if self.seen.bytes and size > self.seen.bytes:
            self.forget()
            return False
        return size > 0 and size >= self.seen.bytes

    @contextlib.contextmanager
    def _opened(self, asked: Mapping[str, str]) -> Iterator[Any]:
        """The answer to a request after all redirects, each checked like the first address."""
        address, headers = self._address, dict(asked)
        if not headers.get("Range") and self._known.get("tag"):
            headers["If-None-Match"] = str(self._known["tag"])
        elif not headers.get("Range") and self._known.get("modified"):
            headers["If-Modified-Since"] = str(self._known["modified"])
        for _ in range(_REDIRECTS + 1):
            if time.monotonic() > self._ends:
                raise TimeoutError
            url, named = self._to(address, headers)
            with answering_as(address.host, "GET", url, wait_s=self._settings.wait_s, headers=named) as answer:
                if not answer.has_redirect_location:
                    yield self._judged(answer)
                    return
                there = urljoin(address.url, answer.headers["Location"])
            address = self._redirected(there)
        raise BadInputError(f"{self._address.shown} leads on too often.", "Give the address that it ends at.")

    def _redirected(self, url: str) -> Address:
        try:
            address = address_of(url)
            if address.is_object:
                raise BadInputError(f"{self._address.shown} leads to an object store.")
            check_allowed(address, self._settings)
        except BadInputError as error:
            raise BadInputError(f"{self._address.shown} leads elsewhere: {error.what}", error.fix) from None
        return address

    def _to(self, address: Address, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The request to the machine that was checked, by its number, under the name that was asked for."""
        number = machine_of(address, self._settings)
        place = f"[{number}]" if ":" in number else number
        parts = urlsplit(address.url)
        host = f"[{address.host}]" if ":" in address.host else address.host
        named = host if parts.port is None else f"{host}:{parts.port}"
        url = urlunsplit((address.scheme, f"{place}:{address.port}", parts.path or "/", parts.query, ""))
        return url, {**headers, "Host": named}

    def _judged(self, answer: Any) -> Any:
        """An answer with content of the right kind, or that says that nothing changed."""
        status = answer.status_code
        if status == 304 and self._known:
            self.unchanged = True
            return _Nothing()
        if status == 416:
            if self.seen.bytes == 0:
                self.seen = Seen(**self._before())
            return answer
        if status in _LATER:
            raise ConnectionError(f"status {status}")
        if status not in (200, 206):
            raise BadInputError(f"{self._address.shown} answered with status {status}.", "Check the address.")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if _NO_MEDIA.match(kind):
            raise self._no_media(kind)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise BadInputError(f"{self._address.shown} is sent compressed, though it was not asked to be.", "")
        self.seen = _seen(answer)
        if self._known and status == 200 and self.seen.is_still(self._known):
            self.unchanged = True
            return _Nothing()
        self.name = _name_in(answer.headers.get("Content-Disposition", "")) or self.name
        self._watch(0, self.seen.bytes)
        self._remember(self.seen)
        return _Looked(answer, self._no_media) if status == 200 else answer

    def _no_media(self, kind: str) -> PolydubError:
        what = name_part(kind)[:40]
        return PageError(
            f"{self._address.shown} is no file with picture or sound: it answered {what}.",
            "Give the address of the file itself.",
        )


class _Nothing:
    """An answer without content: there is nothing to fetch."""

    status_code = 416


class _Looked:
    """An answer whose first bytes are looked at: pages and playlists come under any type."""

    def __init__(self, answer: Any, refusal: Callable[[str], PolydubError]) -> None:
        self.status_code, self.headers, self._answer, self._refusal = (
            answer.status_code,
            answer.headers,
            answer,
            refusal,
        )

    def iter_raw(self) -> Iterator[bytes]:
        first = True
        for block in self._answer.iter_raw():
            if first and block.lstrip()[:7].upper().startswith(_BEGINS):
                raise self._refusal("a page or a list")
            first = first and not block
            yield block


def _seen(answer: Any) -> Seen:
    headers = answer.headers
    whole = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    size = int(whole) if whole.isascii() and whole.isdigit() else 0
    return Seen(headers.get("ETag", "")[:200], headers.get("Last-Modified", "")[:100], size)


def _name_in(disposition: str) -> str:
    """The file's name as a server gives it, made safe; empty where it gives none."""
    if not disposition:
        return ""
    header = Message()
    header["Content-Disposition"] = disposition[:1000]
    name = header.get_filename("") or ""
    return name_part(name.replace("\\", "/").rpartition("/")[2]).strip(". ")[-200:]
