"""A key that cannot sign is refused before the first step, with what is wrong and what to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from configs.credentials import CredentialsSettings
from tasks.records.errors import BadInputError
from tasks.sign.key import signing_key
from tasks.sign.run import usable_key
from tests.signing import chain


def with_files(folder: Path, settings: CredentialsSettings, **files: bytes) -> CredentialsSettings:
    for name, content in files.items():
        (folder / f"{name}.other").write_bytes(content)
    return settings.model_copy(update={name: str(folder / f"{name}.other") for name in files})


def test_a_test_chain_signs_and_says_what_it_is(tmp_path: Path) -> None:
    key = usable_key(chain(tmp_path))
    assert key.algorithm == "es256"
    assert key.signer.trial
    assert str(key.signer) == "test certificate: signer (Example Dubbing)"
    assert "PRIVATE" not in repr(key)
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    chain(tmp_path)
    with pytest.raises(BadInputError, match="is there already"):
        chain(tmp_path)


def test_a_key_comes_from_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chain(tmp_path).model_copy(update={"key": "secret:SIGNING_KEY"})
    with pytest.raises(BadInputError, match=r"SIGNING_KEY.*polydub-signing-key"):
        signing_key(settings)
    monkeypatch.setenv("SIGNING_KEY", (tmp_path / "key.pem").read_text())
    assert signing_key(settings).signer.trial


@pytest.mark.parametrize(("begins_in", "told"), [(-40, "expired on"), (5, "valid from")])
def test_a_certificate_that_is_not_valid_today(tmp_path: Path, begins_in: int, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        signing_key(chain(tmp_path, begins_in=begins_in))


def test_keys_and_certificates_that_do_not_fit(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    settings, others = chain(ours), chain(theirs)
    key, certificate = (ours / "key.pem").read_bytes(), (ours / "certificate.pem").read_bytes()
    signer, authority = (part.encode() for part in certificate.decode().split("-----END CERTIFICATE-----\n")[:2])
    signer, authority = (part + b"-----END CERTIFICATE-----\n" for part in (signer, authority))
    locked = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    wrong = {
        "does not belong": {"key": Path(str(others.key)).read_bytes()},
        "begins with another": {"certificate": authority + signer},
        "chain is broken": {"certificate": signer + Path(str(others.trust[0])).read_bytes()},
        "not a private key": {"key": certificate},
        "no certificate in PEM": {"certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        "not a PEM file": {"key": b"\x00\xff"},
        "passphrase": {"key": locked},
    }
    for told, files in wrong.items():
        with pytest.raises(BadInputError, match=told):
            signing_key(with_files(tmp_path, settings, **files))
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        signing_key(settings.model_copy(update={"key": str(tmp_path / "none.pem")}))


def test_a_certificate_for_another_purpose_is_found_out_by_signing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.sign.trial._PURPOSES", ("1.3.6.1.5.5.7.3.1",))  # of web servers
    with pytest.raises(BadInputError, match="does not serve for content credentials"):
        usable_key(chain(tmp_path))


def test_a_signature_of_another_key_does_not_pass(tmp_path: Path) -> None:
    """The gate behind every signed file: it is read again, against the operator's own chain."""
    from tasks.sign import run

    mine, theirs = (signing_key(chain(tmp_path / name)) for name in ("mine", "theirs"))
    with pytest.raises(BadInputError, match="untrusted"):
        run._tried(dataclasses.replace(mine, anchors=theirs.anchors))
