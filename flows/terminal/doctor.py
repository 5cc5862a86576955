"""Reports what is installed, what each profile lacks, and how to install it. Loads no model and no heavy package."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from configs.models import models
from configs.profile import load_profile, profile_names
from flows.ask.plan import backends, checked_profile, parse_languages
from flows.ask.preflight import language_lacks
from flows.printed import Console
from tasks.keep.store import store_root
from tasks.machine.process import capture
from tasks.machine.weights import Downloading, advice, here
from tasks.records.errors import PolydubError
from tasks.records.registry import package_version
from tasks.sign.run import usable_key
from tasks.synthesize import speaking
from tasks.transcribe import listening

_PROGRAMS = {
    "ffmpeg": "apt-get install ffmpeg",
    "ffprobe": "apt-get install ffmpeg",
    "apertium": "apt-get install apertium apertium-eng-spa",
}
_NEEDED = ("ffmpeg", "ffprobe")  # by every profile
_PACKAGES = (
    "prefect",
    "torch",
    "pocketsphinx",
    "openai-whisper",
    "faster-whisper",
    "onnxruntime",
    "ai-edge-litert",
    "coqui-tts",
    "demucs",
    "deep-translator",
)


def examine(profile: str | None, spoken: str | None = None, languages: Sequence[str] = ()) -> dict[str, Any]:
    """The findings as JSON-like data; ``ready``: titles can be dubbed with the profile, or with one of those given.

    Args:
        profile: a profile's name or file; None for all bundled profiles.
        spoken: the language of titles; None for any that is heard.
        languages: of dubs, which each profile is asked for.

    Raises:
        BadInputError: unknown profile.
    """
    names = [profile] if profile else profile_names()
    root = store_root()
    existing = next(path for path in (root, *root.parents) if path.exists())
    programs = {name: _program(name, fix) for name, fix in _PROGRAMS.items()}
    source, wanted = parse_languages([spoken])[0] if spoken else None, parse_languages(languages) if languages else ()
    profiles = [_profile(name, source, wanted) for name in names]
    return {
        "polydub": package_version("polydub"),
        "ready": all(programs[name]["found"] for name in _NEEDED)
        and any(
            not one["missing"] and not any(one["languages"].values()) and (one["name"] != "fake" or profile)
            for one in profiles
        ),
        "programs": programs,
        "packages": {name: package_version(name) for name in _PACKAGES},
        "gpu": _gpu(),
        "prefect_api": os.environ.get("PREFECT_API_URL") or "none: a temporary server is started for each run",
        "store": {"path": str(root), "free_gb": round(shutil.disk_usage(existing).free / 1e9, 1)},
        "models": {name: here(name) for name, model in models().items() if model.setup},
        "profiles": profiles,
    }


def show(found: dict[str, Any]) -> None:
    """Print the findings."""
    console = Console()

    def say(good: bool, text: str) -> None:
        mark = Text("ok    ", "green") if good else Text("lacks ", "red")
        console.print(Text.assemble(mark, text), soft_wrap=True)

    for name, program in found["programs"].items():
        say(program["found"], f"{name}: {program['version'] or program['fix']}")
    for name, version in found["packages"].items():
        say(version != "absent", f"{name} {version}")
    for name, there in found["models"].items():
        say(there, f"model {name}" + ("" if there else f": {advice(name)}"))
    say(True, f"GPU: {found['gpu']}")
    say(True, f"Prefect: {found['prefect_api']}")
    say(found["store"]["free_gb"] > 5, f"store: {found['store']['path']}, {found['store']['free_gb']} GB free")
    for profile in found["profiles"]:
        say(not profile["missing"], f"profile {profile['name']}: {', '.join(profile['backends'].values())}")
        for line in [*profile["missing"], *profile["remarks"]]:
            console.print(Text(f"        {line}"), soft_wrap=True)
        for language, lacks in profile["languages"].items():
            say(not lacks, f"profile {profile['name']}, {language}: {' '.join(lacks) or 'can be dubbed'}")
    if not found["ready"]:
        console.print(Text("Nothing can be dubbed yet: install what is lacking.", "red"))


def _program(name: str, fix: str) -> dict[str, Any]:
    path = shutil.which(name)
    version = ""
    if path:
        try:
            version = (
                capture([path, "-version" if name.startswith("ff") else "--version"]).decode().splitlines()[0][:60]
            )
        except (PolydubError, IndexError):
            version = "present"
    return {"found": bool(path), "version": version, "fix": fix}


def _profile(name: str, spoken: str | None, languages: Sequence[str]) -> dict[str, Any]:
    profile = checked_profile(name, {}) if name not in profile_names() else load_profile(name)
    chosen = backends(profile)
    missing = [f"{step}: {line}" for step, backend in chosen.items() for line in backend.missing()]
    remarks = [
        f"{step}: {note}"
        for step, notes in (
            ("transcribe", listening(profile.transcribe, None).notes),
            ("synthesize", speaking(profile.synthesize, None).notes),
        )
        for note in notes
    ]
    if profile.credentials.signs:
        try:
            signer = usable_key(profile.credentials).signer
            remarks.append(f"sign: {signer} signs, with a certificate that ends on {signer.until}")
        except PolydubError as error:
            missing.append(f"sign: {error}")
    for step, backend in chosen.items():
        if isinstance(backend, Downloading):
            remarks += [f"{step}: {one}" for one in backend.weights()]
        elif backend.facts.network:
            remarks.append(f"{step}: {backend.facts.name} needs the network")
        if not backend.facts.commercial:
            remarks.append(
                f"{step}: {backend.facts.name} weights are {backend.facts.weights_licence}: not for commercial use"
            )
    return {
        "name": name,
        "backends": {step: f"{step} {backend.facts.name}" for step, backend in chosen.items()},
        "missing": missing,
        "languages": {tag: language_lacks(profile, spoken, tag) for tag in languages},
        "remarks": remarks,
    }


def _gpu() -> str:
    program = shutil.which("nvidia-smi")
    if not program:
        return "none (CPU is used)"
    try:
        return capture([program, "--query-gpu=name,memory.total", "--format=csv,noheader"]).decode().strip()
    except PolydubError:
        return "none (nvidia-smi fails; CPU is used)"
