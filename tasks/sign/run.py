"""Signs and reads by the child process; the key goes there by its standard input, never by a file or an argument."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from configs.credentials import CredentialsSettings
from tasks.machine import process
from tasks.records.credentials import Signer
from tasks.records.errors import BadInputError, PermanentError, ProcessFailedError, ProcessTimeoutError, TransientError
from tasks.sign.formats import media_type
from tasks.sign.key import SigningKey, signing_key

_SLOWEST = 10 << 20  # bytes a second that are read and hashed at the least
_LEAST_S = 120.0
#: What a reader says of a sound signature by a signer that it does not know.
UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Ingredient:
    """A file that another was made from.

    Attributes:
        path: where it lies here.
        format: its media type.
        definition: how it is named, and what it is to the other.
    """

    path: str
    format: str
    definition: dict[str, Any]


@dataclass(frozen=True)
class ToSign:
    """A file to sign.

    Attributes:
        source: the file.
        out: where the signed one goes.
        format: its media type.
        manifest: what is said of it.
        ingredients: what it was made from.
        sidecar: where its credentials go; empty: into the file.
    """

    source: str
    out: str
    format: str
    manifest: dict[str, Any]
    ingredients: tuple[Ingredient, ...] = ()
    sidecar: str = ""


def sign_files(files: Sequence[ToSign], key: SigningKey, timestamp: str | None) -> None:
    """Sign files, and read each again as a stranger would.

    Args:
        files: what is signed, and what of each is said.
        key: that signs.
        timestamp: address of a time-stamping authority; None for none.

    Raises:
        PermanentError: the library refused one, or one does not validate.
        TransientError: the time-stamping authority did not answer.
    """
    job = {
        "job": "sign",
        "certificate": key.certificate,
        "key": key.key,
        "algorithm": key.algorithm,
        "anchors": key.anchors,
        "timestamp": timestamp,
        "files": [asdict(one) for one in files],
    }
    paths = [path for one in files for path in (one.source, *(part.path for part in one.ingredients))]
    answer = _child(job, paths)
    if error := answer.get("error"):
        if timestamp and ("time stamp" in error.lower() or "timestamp" in error.lower() or "http" in error.lower()):
            raise TransientError(
                f"The time-stamping authority {timestamp} did not answer as it should: {error}.",
                "Try again later, or leave `credentials.timestamp` out of the profile.",
            )
        raise PermanentError(f"{Path(answer['file']).name} cannot be signed: {error}.", "See docs/credentials.md.")
    for one, read in zip(files, answer["files"], strict=True):
        if fault := _fault(read, key):
            raise PermanentError(
                f"{Path(one.out).name} was signed, and its credentials do not validate: {fault}.",
                "It is not delivered. See docs/credentials.md for certificates that serve.",
            )


def _fault(read: dict[str, Any], key: SigningKey) -> str:
    """Why what was signed does not validate; empty where it does."""
    if "store" not in read:
        return str(read.get("error") or read.get("broken") or "they are not found in it")
    state, status = read["store"]["validation_state"], read["store"].get("validation_status", [])
    codes = [one["code"] for one in status]
    if state == "Trusted" or (state == "Valid" and not key.anchors and set(codes) <= {UNTRUSTED}):
        return ""
    return "; ".join(f"{one['code']} ({one.get('explanation', '')})" for one in status) or state


def read_file(path: Path, sidecar: Path | None, anchors: str) -> dict[str, Any]:
    """What the library reads in a file, as `tasks.sign.child` answers; ``error`` where it could not.

    Args:
        path: any file.
        sidecar: the credentials beside it; None: those in it.
        anchors: PEM of the certificates that are trusted; may be empty.
    """
    told = media_type(path.name)
    job = {"job": "read", "file": str(path), "anchors": anchors, "sidecar": str(sidecar) if sidecar else ""}
    known = {"format": told} if sidecar else {}
    try:
        return _child({**job, **known}, [str(path)])
    except ProcessTimeoutError:
        return {"error": "reading them took too long"}
    except ProcessFailedError as error:
        code = error.data.get("returncode", 0)
        died = code < 0 or code >= 128
        return {"error": "what reads them broke on this file" if died else "they cannot be read", "broke": True}


@functools.lru_cache(maxsize=8)
def _tried(key: SigningKey) -> None:
    """Sign a moment of silence.

    Raises:
        BadInputError: what was signed does not validate.
    """
    with tempfile.TemporaryDirectory(prefix="polydub-sign-") as folder:
        source, out = Path(folder) / "silence.wav", Path(folder) / "signed.wav"
        with wave.open(str(source), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(1600))
        made = {
            "action": "c2pa.created",
            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/softwareImage",
        }
        manifest = {
            "claim_generator_info": [{"name": "Polydub"}],
            "format": "audio/wav",
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
        }
        try:
            sign_files([ToSign(str(source), str(out), "audio/wav", manifest)], key, None)
        except (PermanentError, ProcessFailedError) as error:
            raise BadInputError(
                f"The certificate of {key.signer} does not serve for content credentials: {error}",
                "docs/credentials.md says which do, `polydub keys new` makes a pair for tests.",
            ) from error


def usable_key(settings: CredentialsSettings) -> SigningKey:
    """The key of a profile, after something was signed with it and validated: once a process for each key.

    Raises:
        BadInputError: it cannot sign.
        TransientError: the Prefect server, which has the secret, does not answer.
    """
    key = signing_key(settings)
    _tried(key)
    return key


def signer_of(settings: CredentialsSettings) -> Signer | None:
    """Who signs by a profile; None where nothing is signed."""
    return signing_key(settings).signer if settings.signs else None


def _child(job: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    size = sum(Path(path).stat().st_size for path in paths)
    command = [sys.executable, "-m", "tasks.sign.child"]
    output = process.capture(command, deadline_s=_LEAST_S + 2 * size / _SLOWEST, stdin=json.dumps(job).encode())
    answer: dict[str, Any] = json.loads(output)
    return answer
