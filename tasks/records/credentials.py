"""Who signed what was delivered."""

from __future__ import annotations

from tasks.records.record import Asset, Record


class Signer(Record):
    """Whose certificate signed.

    Attributes:
        name: of the signer, as the certificate has it.
        organisation: of the signer; empty where the certificate has none.
        issuer: who issued the certificate.
        until: the last day on which it is valid, ISO 8601.
        certificate: its SHA-256.
        trial: it is a test certificate, which nobody else trusts.
        stamped: the time of signing was confirmed by an authority, so that signatures outlive the certificate.
    """

    name: str
    organisation: str = ""
    issuer: str
    until: str
    certificate: str
    trial: bool = False
    stamped: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.organisation})" if self.organisation else self.name


class Signed(Record):
    """Files with content credentials, by place: the signed file, or the file as it was and its ``.c2pa`` beside it."""

    files: dict[str, Asset]
    signer: Signer


def told(signer: Signer | None) -> dict[str, str | bool]:
    """What ``summary.json`` says of it."""
    if signer is None:
        return {"state": "unsigned"}
    return {
        "state": "signed",
        "by": str(signer),
        "issuer": signer.issuer,
        "until": signer.until,
        "test_certificate": signer.trial,
        "time_stamped": signer.stamped,
    }
