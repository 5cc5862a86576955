"""A chain of certificates for tests, which nobody else trusts."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from tasks.keep.staging import staged
from tasks.records.errors import BadInputError
from tasks.sign.key import TRIAL

KEY, CERTIFICATE, TRUST = "key.pem", "certificate.pem", "trust.pem"
#: What the signer's certificate is for: C2PA claims, and mail, which older readers ask for.
_PURPOSES = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4")


def new_chain(folder: Path, name: str, since: datetime.datetime, until: datetime.datetime) -> None:
    """Write ``key.pem``, ``certificate.pem`` (the signer's, then its authority's) and ``trust.pem`` (the authority's).

    The authority's own key is thrown away: it vouches for this one certificate and for no other.

    Args:
        folder: made where missing.
        name: of the organisation that signs.
        since: when both become valid.
        until: when both expire.

    Raises:
        BadInputError: one of the files is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if there := next((one for one in (KEY, CERTIFICATE, TRUST) if (folder / one).exists()), None):
        raise BadInputError(f"{folder / there} is there already.", "Choose another --out: no key is overwritten.")
    if not 1 <= len(name) <= 64:
        raise BadInputError("The name is empty or longer than 64 characters.", "Give another --name.")
    key, authority, leaf = _made(name, since, until)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signer, anchor = (one.public_bytes(Encoding.PEM) for one in (leaf, authority))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content, mode in (
            (KEY, private, 0o600),
            (CERTIFICATE, signer + anchor, 0o644),
            (TRUST, anchor, 0o644),
        ):
            with staged(folder / file) as part:
                part.touch(mode=mode)
                part.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"{folder} cannot be written: {error.strerror}.", "Choose another --out.") from error


def _made(name: str, since: datetime.datetime, until: datetime.datetime) -> tuple[Any, Any, Any]:
    """The signer's key, the authority's certificate and the signer's."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    vouches, signs = _named(name, f"{TRIAL}: authority"), _named(name, f"{TRIAL}: signer")
    authority = _certificate(vouches, vouches, root, root, since, until, ())
    purposes = [x509.ObjectIdentifier(one) for one in _PURPOSES]
    return key, authority, _certificate(signs, vouches, key, root, since, until, purposes)


def _named(name: str, role: str) -> Any:
    from cryptography import x509

    parts = ((x509.NameOID.COMMON_NAME, role), (x509.NameOID.ORGANIZATION_NAME, name))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _certificate(
    subject: Any, issuer: Any, key: Any, issuer_key: Any, since: datetime.datetime, until: datetime.datetime, uses: Any
) -> Any:
    """A certificate; one without uses is an authority's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    none = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    authority = not uses
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=authority, crl_sign=authority, **none), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if uses:
        built = built.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    return built.sign(issuer_key, hashes.SHA256())
