"""The content credentials of any file, ours or a stranger's: whether they hold, who signed, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tasks.records.record import Record
from tasks.sign.formats import SIDECAR
from tasks.sign.run import UNTRUSTED, read_file
from tasks.sign.statement import ASSERTION, SYNTHETIC
from tasks.words.visible import visible

#: ``trusted``: sound, by a signer of the trust list; ``valid``: sound, by another; ``expired``: so too, and its
#: certificate has ended; ``invalid``: not sound; ``unreadable``: damaged; ``broken``: the file itself is; ``none``.
State = Literal["trusted", "valid", "expired", "invalid", "unreadable", "broken", "none"]
_EXPIRED = ("signingCredential.expired", "claimSignature.outsideValidity")
_LONGEST, _MOST = 300, 40  # characters of a foreign text, and entries of a foreign list, that are shown
_WORDS = {
    "assertion.dataHash.mismatch": "the file is not the one that was signed, or was changed since",
    "assertion.bmffHash.mismatch": "the file was changed after it was signed",
    "assertion.boxesHash.mismatch": "the file was changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement was changed after it was signed",
    "assertion.missing": "a statement that was signed is not there",
    "claimSignature.mismatch": "the signature is not of what it stands under",
    "claimSignature.missing": "the signature is not there",
    "claimSignature.outsideValidity": "it was signed when the certificate was not valid",
    "signingCredential.expired": "the signer's certificate has expired, and no time stamp shows that it had not then",
    "signingCredential.invalid": "the signer's certificate is not one for content credentials",
    "signingCredential.revoked": "the signer's certificate was revoked",
    UNTRUSTED: "the signer is on no trust list that was given",
}


class Action(Record):
    """Something that was done to a file: what, by which program, and what kind of medium came of it."""

    does: str
    kind: str = ""
    by: str = ""
    description: str = ""

    @property
    def synthetic(self) -> bool:
        """Whether something synthetic came of it."""
        return self.kind in SYNTHETIC


class Origin(Record):
    """A file that another was made from, and whether it had credentials of its own."""

    name: str
    relation: str
    credentials: bool


class Dub(Record):
    """Polydub's own statement on a file: languages, what of it is synthetic, which part of a dub it is, and its source.

    ``made_by``: each step with its backends and versions; ``consent``: references of agreements.
    """

    dubbed: tuple[str, ...]
    synthetic_speech: bool
    altered_picture: bool
    part: str
    source: str
    made_by: tuple[str, ...] = ()
    consent: tuple[str, ...] = ()


class Credentials(Record):
    """What a file's content credentials come to.

    Attributes:
        state: whether they hold.
        why: why not, in words.
        beside: file that they lie in; empty where they are in the file itself.
        signer: whose certificate signed, as it names them.
        time: of signing, where an authority that is trusted confirmed it.
        made_with: the program that made them.
        actions: what was done.
        origins: what the file was made from.
        dub: Polydub's own statement, where there is one.
        elsewhere: address at which more is said to lie; nobody asks there.
    """

    state: State
    why: tuple[str, ...] = ()
    beside: str = ""
    signer: str = ""
    time: str = ""
    made_with: str = ""
    actions: tuple[Action, ...] = ()
    origins: tuple[Origin, ...] = ()
    dub: Dub | None = None
    elsewhere: str = ""

    @property
    def sound(self) -> bool:
        """Whether the file is what was signed."""
        return self.state in ("trusted", "valid", "expired")


def credentials_of(path: Path, anchors: str = "") -> Credentials:
    """The credentials in a file, else those in a ``.c2pa`` file beside it. It never raises for what a file holds.

    Args:
        path: any file that can be opened.
        anchors: PEM of the certificates that are trusted; empty: nobody is.
    """
    found = read_file(path, None, anchors)
    if "none" in found or "broken" in found:
        for beside in (path.with_suffix(SIDECAR), path.with_name(path.name + SIDECAR)):
            if beside != path and beside.is_file():
                return _understood(read_file(path, beside, anchors), beside.name)
    return _understood(found, "")


def _understood(found: Mapping[str, Any], beside: str) -> Credentials:
    if "error" in found:
        return Credentials(state="unreadable", why=(_text(found["error"]),), beside=beside)
    if "broken" in found:
        return Credentials(state="broken", why=(_text(found["broken"]),), beside=beside)
    if "store" not in found:
        return Credentials(state="none")
    try:
        return _credentials(found["store"], beside, _text(found.get("remote") or ""))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return Credentials(state="unreadable", why=("they are not what the format says",), beside=beside)


def _credentials(store: Mapping[str, Any], beside: str, elsewhere: str) -> Credentials:
    status = store.get("validation_status") or []
    codes = [str(one["code"]) for one in status]
    active = store["manifests"][store["active_manifest"]]
    signature = active.get("signature_info") or {}
    names = [_text(signature.get(key) or "") for key in ("common_name", "issuer")]
    return Credentials(
        state=_state(str(store.get("validation_state")), codes),
        why=tuple(dict.fromkeys(_WORDS.get(code, _text(code)) for code in codes)),
        beside=beside,
        signer=f"{names[0]} ({names[1]})" if all(names) else names[0] or names[1],
        time="" if _unsure_of_time(store) else _text(signature.get("time") or ""),
        made_with=_programs(active.get("claim_generator_info") or active.get("claim_generator") or ""),
        actions=tuple(_action(one) for one in _each(active, "c2pa.actions")),
        origins=tuple(_origin(one) for one in (active.get("ingredients") or [])[:_MOST]),
        dub=_dub(active),
        elsewhere=elsewhere,
    )


def _state(state: str, codes: Sequence[str]) -> State:
    if state == "Trusted":
        return "trusted"
    if state == "Valid":
        return "valid"
    if codes and set(codes) <= {UNTRUSTED, *_EXPIRED}:
        return "expired" if set(codes) & set(_EXPIRED) else "valid"
    return "invalid"


def _unsure_of_time(store: Mapping[str, Any]) -> bool:
    """Whether the time of signing is said by nobody who is trusted."""
    told = ((store.get("validation_results") or {}).get("activeManifest") or {}).get("informational") or []
    return any(str(one["code"]).startswith("timeStamp.") for one in told)


def _each(manifest: Mapping[str, Any], label: str) -> list[Any]:
    listed = [one["data"] for one in manifest.get("assertions") or [] if str(one.get("label", "")).startswith(label)]
    return [one for data in listed for one in data["actions"]][:_MOST]


def _action(one: Mapping[str, Any]) -> Action:
    return Action(
        does=_text(one["action"]).removeprefix("c2pa."),
        kind=_text(one.get("digitalSourceType") or "").rpartition("/")[2],
        by=_programs(one.get("softwareAgent") or ""),
        description=_text(one.get("description") or ""),
    )


def _origin(one: Mapping[str, Any]) -> Origin:
    return Origin(
        name=_text(one.get("title") or "a file without a name"),
        relation=_text(one.get("relationship") or ""),
        credentials=bool(one.get("active_manifest")),
    )


def _dub(manifest: Mapping[str, Any]) -> Dub | None:
    """Our own statement; None where there is none, or one that is not of our making."""
    told: Any = next((one["data"] for one in manifest.get("assertions") or [] if one.get("label") == ASSERTION), None)
    try:
        return Dub(
            dubbed=tuple(_text(tag) for tag in told["dubbed"][:_MOST]),
            synthetic_speech=told["synthetic_speech"],
            altered_picture=told["altered_picture"],
            part=_text(told["part"]),
            source=_text(told["source"]["sha256"]),
            made_by=tuple(map(_made_by, told["made_by"][:_MOST])),
            consent=tuple(_text(one["reference"]) for one in told["consent"][:_MOST]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _made_by(one: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
    return _text(f"{one['step']}: {', '.join(one['by'])}" + (f" ({versions})" if versions else ""))


def _programs(named: Any) -> str:
    """A program, or several, as credentials name them: ``name version``."""
    listed = named if isinstance(named, list) else [named]
    told = [
        f"{one.get('name', '')} {one.get('version') or ''}" if isinstance(one, dict) else str(one) for one in listed
    ]
    return _text(", ".join(part.strip() for part in told))


def _text(value: Any) -> str:
    """A foreign text, fit to be printed: one line, of a bounded length."""
    return visible(" ".join(str(value).split()))[:_LONGEST]
