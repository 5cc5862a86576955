"""The operator's key and certificates, read and checked as a signature needs them."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from configs.credentials import SECRET, CredentialsSettings, is_file
from tasks.records.credentials import Signer
from tasks.records.errors import BadInputError
from tasks.services.secrets import advice, secret

#: In the name of a certificate that `polydub keys new` makes.
TRIAL = "test certificate"
_HOW = "docs/credentials.md says which certificates serve, `polydub keys new` makes a pair for tests."
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class SigningKey:
    """What signs.

    Attributes:
        key: PEM, PKCS #8.
        certificate: PEM, the signer's first.
        algorithm: as the library names it.
        anchors: PEM of the certificates by which what was signed is checked; empty where none is known.
        signer: whose it is.
    """

    key: str = field(repr=False)
    certificate: str
    algorithm: str
    anchors: str
    signer: Signer


def signing_key(settings: CredentialsSettings) -> SigningKey:
    """The key of a profile that signs.

    Raises:
        BadInputError: it or its certificate cannot be read, does not fit the other, or is not valid today.
        TransientError: the Prefect server, which has the secret, does not answer.
    """
    assert settings.key is not None
    assert settings.certificate is not None
    key, certificate = _pem(settings.key, "key"), _pem(settings.certificate, "certificate")
    trust = tuple(trusted(Path(file)) for file in settings.trust)
    return _checked(key, certificate, trust, bool(settings.timestamp), _today())


def certificate_digest(settings: CredentialsSettings) -> str:
    """What of the certificate enters content keys; where it cannot be read here, its name."""
    assert settings.certificate is not None
    try:
        return hashlib.sha256(_pem(settings.certificate, "certificate").encode()).hexdigest()
    except Exception:  # a machine that plans may not have it; the one that signs says what is wrong
        return settings.certificate


def trusted(file: Path) -> str:
    """The certificates of a trust list, as PEM.

    Raises:
        BadInputError: it cannot be read, or holds none.
    """
    from cryptography import x509

    text = _read(file, "trust list")
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise BadInputError(f"The trust list {str(file)!r} holds no certificate in PEM.", _HOW) from error
    return text


def anchors_of(settings: CredentialsSettings, files: Sequence[str] = ()) -> str:
    """The certificates that a profile trusts, as PEM: its trust list, or where it has none its own authority's.

    Args:
        settings: of the profile.
        files: further trust lists.

    Raises:
        BadInputError: one of them cannot be read.
    """
    from cryptography import x509

    listed = [trusted(Path(file).expanduser()) for file in (*settings.trust, *files)]
    if not listed and settings.certificate:
        chain = x509.load_pem_x509_certificates(_pem(settings.certificate, "certificate").encode())
        listed = [_as_pem(chain[-1])] if len(chain) > 1 else []
    return "\n".join(listed)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _pem(value: str, what: str) -> str:
    if is_file(value):
        return _read(Path(value).expanduser(), what)
    name = value.removeprefix(SECRET)
    if found := secret(name):
        return found
    raise BadInputError(f"The signing {what} is to come from the secret {name}, which is not there.", advice(name))


def _read(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20).decode("ascii")
    except OSError as error:
        raise BadInputError(f"The signing {what} {str(path)!r} cannot be read: {error.strerror}.", _HOW) from error
    except ValueError as error:
        raise BadInputError(f"The signing {what} {str(path)!r} is not a PEM file.", _HOW) from error


@functools.lru_cache(maxsize=8)
def _checked(key: str, certificate: str, trust: tuple[str, ...], stamped: bool, today: datetime.date) -> SigningKey:
    from cryptography import x509

    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
    except ValueError as error:
        raise BadInputError("The signing certificate holds no certificate in PEM.", _HOW) from error
    private = _private(key)
    leaf = chain[0]
    if private.public_key() != leaf.public_key():
        told = "The chain begins with another certificate." if _first_of(chain, private) else ""
        raise BadInputError("The signing key does not belong to the certificate.", told or _HOW)
    _in_time(chain)
    _in_a_chain(chain)
    anchors = [*trust, *([_as_pem(chain[-1])] if len(chain) > 1 else [])]
    return SigningKey(
        key=_plain(private),
        certificate="".join(map(_as_pem, chain)),
        algorithm=_algorithm(private),
        anchors="\n".join(anchors),
        signer=Signer(
            name=_name(leaf.subject, x509.NameOID.COMMON_NAME),
            organisation=_name(leaf.subject, x509.NameOID.ORGANIZATION_NAME),
            issuer=_name(leaf.issuer, x509.NameOID.COMMON_NAME),
            until=min(one.not_valid_after_utc for one in chain).date().isoformat(),
            certificate=hashlib.sha256(_as_der(leaf)).hexdigest(),
            trial=TRIAL in _name(leaf.subject, x509.NameOID.COMMON_NAME),
            stamped=stamped,
        ),
    )


def _private(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem.encode(), None)
    except TypeError as error:
        raise BadInputError(
            "The signing key is locked with a passphrase.",
            "Give it unlocked, in a file that the operator alone can read, or as a secret.",
        ) from error
    except Exception as error:
        raise BadInputError("The signing key is not a private key in PEM.", _HOW) from error


def _algorithm(private: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return "ps256"
    raise BadInputError(
        "The signing key is of a kind that content credentials do not know.",
        "Use P-256, P-384, P-521, Ed25519, or RSA from 2048 bits on.",
    )


def _first_of(chain: list[Any], private: Any) -> bool:
    return any(private.public_key() == one.public_key() for one in chain)


def _in_time(chain: list[Any]) -> None:
    now = datetime.datetime.now(datetime.UTC)
    for one in chain:
        name = _common(one.subject)
        if one.not_valid_after_utc < now:
            day = one.not_valid_after_utc.date().isoformat()
            raise BadInputError(f"The certificate of {name} expired on {day}.", "Have it renewed, or leave `key` out.")
        if one.not_valid_before_utc > now:
            day = one.not_valid_before_utc.date().isoformat()
            raise BadInputError(f"The certificate of {name} is valid from {day} on.", "Is this machine's clock right?")


def _in_a_chain(chain: list[Any]) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    if len(chain) == 1 and chain[0].issuer == chain[0].subject:
        raise BadInputError("The signing certificate vouches for itself, which content credentials refuse.", _HOW)
    try:
        authority = chain[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    if authority:
        raise BadInputError("The first certificate is an authority's, not a signer's.", _HOW)
    for one, issuer in pairwise(chain):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise BadInputError(
                f"The chain is broken: {_common(issuer.subject)} did not issue the certificate of "
                f"{_common(one.subject)}.",
                "Put the signer's certificate first, then each one's issuer.",
            ) from error


def _common(name: Any) -> str:
    from cryptography import x509

    return _name(name, x509.NameOID.COMMON_NAME) or name.rfc4514_string() or "(no name)"


def _name(name: Any, kind: Any) -> str:
    found = name.get_attributes_for_oid(kind)
    return str(found[0].value) if found else ""


def _as_pem(certificate: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return str(certificate.public_bytes(Encoding.PEM).decode())


def _as_der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.DER))


def _plain(private: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
