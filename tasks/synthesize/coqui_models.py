"""Facts of a Coqui model without loading it: licence, languages, whether it clones, its folder."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.languages import LanguageError, parse_language, primary
from tasks.records import registry
from tasks.records.errors import MissingBackendError, UnsupportedError

#: The XTTS v2 model card's 17 languages, by its own codes.
XTTS_CODES = ("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-cn", "hu", "ko", "ja", "hi")
#: Packages that convert text to phonemes, optional in coqui-tts (its extras ``ja`` and ``zh``).
_READERS = {"ja": "cutlet", "zh-cn": "pypinyin"}
_BY_PRIMARY = {primary(code): code for code in XTTS_CODES}


@dataclass(frozen=True)
class ModelFacts:
    """A model by name (``tts_models/LANGUAGE/DATASET/MODEL``) or in a folder of the user.

    Attributes:
        known: whether the name is in the package's list, or the folder has a readable config.
        licence: licence of the weights as in the package's list; ``"unknown"`` for local files.
        clones: whether it speaks in the voice of a reference clip (XTTS).
        languages: BCP-47 primary subtags; None if the model does not state them.
        terms: whether terms must be accepted before the download and have not been.
    """

    known: bool
    licence: str
    clones: bool
    languages: frozenset[str] | None
    terms: bool = False

    @property
    def commercial(self) -> bool:
        """Whether the licence is known to allow commercial use."""
        return self.licence not in ("unknown", "CPML") and "NC" not in self.licence

    @property
    def clause(self) -> str:
        """The terms that forbid commercial use, if known."""
        if self.licence == "CPML":
            return "Coqui Public Model License 1.0.0: non-commercial use of the model and its outputs only"
        if "NC" in self.licence:
            return f"{self.licence}, section 2(a)(1): for NonCommercial purposes only"
        return "" if self.commercial else "no licence is known that allows it"


def named_model(name: str) -> ModelFacts:
    """The facts of a model of the package's list (its ``.models.json``)."""
    parts = name.split("/")
    entry: Any = _catalogue()
    for part in parts:
        entry = entry.get(part) if isinstance(entry, dict) else None
    if len(parts) == 4 and parts[2] == "fairseq":
        entry = {"license": "CC BY-NC 4.0"}  # not listed: the package builds it from the language
    if len(parts) != 4 or parts[0] != "tts_models" or not isinstance(entry, dict):
        return ModelFacts(known=False, licence="unknown", clones=False, languages=None)
    clones = parts[3].startswith("xtts")
    return ModelFacts(
        known=True,
        licence=entry.get("license") or "unknown",
        clones=clones,
        languages=frozenset(_BY_PRIMARY) if clones else _language(parts[1]),
        terms=bool(entry.get("tos_required")) and not _agreed(name),
    )


def local_model(config: Path) -> ModelFacts:
    """The facts of a model in the user's own files, as far as its config tells."""
    try:
        kind = json.loads(config.read_text("utf-8")).get("model")
    except (OSError, ValueError, AttributeError):
        return ModelFacts(known=False, licence="unknown", clones=False, languages=None)
    if kind == "xtts":
        return ModelFacts(known=True, licence="CPML", clones=True, languages=frozenset(_BY_PRIMARY))
    return ModelFacts(known=True, licence="unknown", clones=False, languages=None)


def model_folder(name: str) -> Path:
    """The package's cache folder for a model of its list."""
    home = os.environ.get("TTS_HOME") or os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "tts" / name.replace("/", "--")


def xtts_code(language: str) -> str:
    """XTTS's code of a BCP-47 tag.

    Raises:
        UnsupportedError: it does not support the language.
        MissingBackendError: the language needs a package that is not installed.
    """
    if primary(language) not in _BY_PRIMARY:
        raise UnsupportedError(
            f"XTTS does not speak {language}.",
            f"It speaks: {', '.join(sorted(_BY_PRIMARY))}. Choose another model, or the espeak backend.",
            language=language,
        )
    code = _BY_PRIMARY[primary(language)]
    if code in _READERS and importlib.util.find_spec(_READERS[code]) is None:
        raise MissingBackendError(
            f"XTTS reads {language} with the package {_READERS[code]}, which is not installed.",
            f"Install {_READERS[code]}, or choose the espeak backend.",
            language=language,
        )
    return code


def _language(code: str) -> frozenset[str] | None:
    """The language in a model's name; None for ``multilingual`` models."""
    try:
        return frozenset({primary(parse_language(code))})
    except LanguageError:
        return None


def _agreed(name: str) -> bool:
    """Whether the terms are accepted, as the package decides it: by variable, or by a file from its own prompt."""
    if os.environ.get("COQUI_TOS_AGREED") == "1":
        return True
    return (model_folder(name) / "tos_agreed.txt").is_file()


@functools.cache
def _catalogue() -> dict[str, Any]:
    if registry.package_version("coqui-tts") == "absent":
        return {}
    listed = importlib.metadata.distribution("coqui-tts").locate_file("TTS/.models.json")
    catalogue: dict[str, Any] = json.loads(Path(str(listed)).read_text("utf-8"))
    return catalogue
