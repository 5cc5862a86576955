"""The child process of `tasks.sign`: a JSON job on stdin, a JSON answer on stdout. Only here is the library loaded.

A foreign file may be made to break what reads it: that ends this process, with a limit on memory, and nothing else.
It never asks the network, but for the time stamp that the operator named.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

#: Bytes of memory of this process; media are read in pieces.
_MEMORY = 6 << 30
#: Manifests longer than this as JSON are not read.
_LONGEST = 16 << 20
#: What the library says of a damaged file, as against damaged credentials in a sound one.
_UNREADABLE = "asset could not be parsed"


def main() -> None:
    """Do the job described on stdin."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = json.load(sys.stdin)
    answer = _sign(job) if job["job"] == "sign" else _read(Path(job["file"]), job)
    print(json.dumps(answer), flush=True)


def _context(anchors: str) -> Any:
    import c2pa

    off = {"enabled": False}
    ours = {"auto_opened_action": off, "auto_created_action": off, "auto_placed_action": off}
    return c2pa.Context.from_dict(
        {
            "verify": {
                "verify_trust": True,
                "verify_after_reading": True,
                "verify_after_sign": False,  # the written file is read instead
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
            },
            "trust": {"trust_anchors": anchors} if anchors else {},
            "core": {"allow_redirects": False},
            "builder": {"thumbnail": off, "actions": ours, "bmff_hash_exclude_free_and_skip_boxes": False},
        }
    )


def _sign(job: dict[str, Any]) -> dict[str, Any]:
    """Sign files and read each again; ``{"files": [what was read]}`` or ``{"error": words}``."""
    import c2pa

    context = _context(job["anchors"])
    chain, key = job["certificate"].encode(), job["key"].encode()
    stamp = job["timestamp"].encode() if job["timestamp"] else None
    done = []
    for one in job["files"]:
        try:
            signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(job["algorithm"].encode(), chain, key, stamp))
            _write(one, signer, context)
        except c2pa.C2paError as error:
            return {"error": _words(error), "file": one["source"]}
        manifest = {"sidecar": one["sidecar"]} if one["sidecar"] else {}
        done.append(_read(Path(one["out"]), {"anchors": job["anchors"], "format": one["format"], **manifest}))
    return {"files": done}


def _write(one: dict[str, Any], signer: Any, context: Any) -> None:
    import c2pa

    builder = c2pa.Builder(one["manifest"], context=context)
    for ingredient in one["ingredients"]:
        _add(builder, ingredient)
    if one["sidecar"]:
        builder.set_no_embed()
    source, out = Path(one["source"]), Path(one["out"])
    with source.open("rb") as there, out.open("w+b") as here:
        manifest = builder.sign(signer, one["format"], there, here)
    if one["sidecar"]:
        Path(one["sidecar"]).write_bytes(manifest)
        shutil.copyfile(source, out)  # not a byte of it changes


def _add(builder: Any, ingredient: dict[str, Any]) -> None:
    """An ingredient with the credentials that it has; one whose credentials cannot be read is named without them."""
    import c2pa

    definition, path = ingredient["definition"], Path(ingredient["path"])
    with path.open("rb") as file:
        try:
            builder.add_ingredient(definition, ingredient["format"], file)
        except c2pa.C2paError as error:
            told = f"Its own credentials could not be read: {_words(error)}"
            named = {**definition, "description": told}
            with Path("/dev/null").open("rb") as nothing:
                builder.add_ingredient(named, "application/octet-stream", nothing)


def _read(path: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What the credentials of a file say: ``{"store": JSON, ...}``, ``none``, or why not.

    ``broken``: the file itself is damaged; ``error``: its credentials are.
    """
    import c2pa

    sidecar = Path(job["sidecar"]).read_bytes() if job.get("sidecar") else None
    try:
        with path.open("rb") as file:
            reader = c2pa.Reader(job.get("format"), file, sidecar, context=_context(job["anchors"]))
            text, remote = reader.json(), reader.get_remote_url()
            embedded = sidecar is None and reader.is_embedded()
    except c2pa.C2paError.ManifestNotFound:
        return {"none": True}
    except c2pa.C2paError.NotSupported:
        return {"none": True, "format": "unknown"}
    except (c2pa.C2paError, MemoryError) as error:
        return {"broken" if _UNREADABLE in str(error) else "error": _words(error)}
    if len(text) > _LONGEST:
        return {"error": f"they are {len(text)} characters long, and at most {_LONGEST} are read"}
    return {"store": json.loads(text), "embedded": embedded, "remote": remote}


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


if __name__ == "__main__":
    main()
