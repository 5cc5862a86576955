"""What is known of a Coqui model without loading it: licence, languages, whether it clones, where it would lie."""

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
#: Packages that turn the script into sounds, optional in coqui-tts (its extras ``ja`` and ``zh``).
_READERS = {"ja": "cutlet", "zh-cn": "pypinyin"}
_BY_PRIMARY = {primary(code): code for code in XTTS_CODES}


@dataclass(frozen=True)
class ModelFacts:
    """A model by name (``tts_models/LANGUAGE/DATASET/MODEL``) or in a folder of the user.

    Attributes:
        known: the name is in the package's list, or the folder has a readable config.
        licence: of the weights, as the package's list writes it; ``"unknown"`` for local files.
        clones: XTTS, which speaks in the voice of a reference clip.
        languages: BCP-47 primary subtags; None where the model does not say.
        terms: must be agreed to before it is downloaded, and have not been.
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
        """What forbids commercial use, where something is known to."""
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
        entry = {"license": "CC BY-NC 4.0"}  # not listed: the package makes it up from the language
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
    """Where the package keeps a model of its list."""
    home = os.environ.get("TTS_HOME") or os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "tts" / name.replace("/", "--")


def xtts_code(language: str) -> str:
    """XTTS's code of a BCP-47 tag.

    Raises:
        UnsupportedError: it does not speak the language.
        MissingBackendError: it does, with a package that is not installed.
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
    """The second part of a model's name; ``multilingual`` ones do not say which."""
    try:
        return frozenset({primary(parse_language(code))})
    except LanguageError:
        return None


def _agreed(name: str) -> bool:
    """As the package decides it: an environment variable, or a file that its own prompt wrote."""
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
