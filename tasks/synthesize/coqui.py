"""Neural speech by Coqui TTS (MPL-2.0): any of its models by name, or one from a folder; XTTS v2 clones each speaker.

XTTS v2's weights are under the CPML, which forbids commercial use; nobody's agreement is given here on their behalf.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from configs.languages import display_name, primary
from tasks import registry
from tasks.errors import MissingBackendError, UnsupportedError
from tasks.model import Speaker
from tasks.synthesize import Spoken
from tasks.synthesize.wave import levelled, trim_bounds, write_wav
from tasks.weights import weights_digest

_XTTS = frozenset(
    ["en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh", "hu", "ko", "ja", "hi"]
)
_ONLY = "default"  # the voice of a model that has but one
_CLONE = "clone:"  # a voice made from a reference recording; its path follows
_LOADING = threading.Lock()


class CoquiSynthesizer:
    """Speaks with one model, loaded once a process."""

    class Options(registry.Options):
        """Which model, and where.

        Attributes:
            model: a name from Coqui's list, or the path of a model's folder or ``.pth`` file.
            config: the model's ``config.json`` where ``model`` is a path; beside the model where None.
            device: ``auto`` takes a GPU where there is one.
            languages: BCP-47 languages of a model from a path that has only one; none given: not checked.
        """

        model: str = "tts_models/multilingual/multi-dataset/xtts_v2"
        config: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        languages: tuple[str, ...] = ()

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="coqui",
        code_licence="MPL-2.0",
        weights_licence="CPML (XTTS v2); others by model",
        commercial=False,
        device="any",
        network=True,
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._local = Path(options.model).exists()

    def fingerprint(self) -> str:
        """Package version and the model: its name, or a digest of its files."""
        version = registry.package_version("coqui-tts")
        return f"coqui:1:{version}:{self._identity()}"

    def missing(self) -> list[str]:
        """The package, or the licence that has not been agreed to."""
        if registry.package_version("coqui-tts") == "absent":
            return ["The package coqui-tts is not installed: run `make setup`."]
        return [] if self._licence_settled() else [" ".join(_licence_words())]

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """A clone of each speaker with a reference (XTTS), else the model's own speakers in turn."""
        self._check_language(language)
        if self._is_xtts() and all(speaker.id in references for speaker in speakers):
            return {speaker.id: f"{_CLONE}{references[speaker.id]}" for speaker in speakers}
        known = sorted(self._model().speakers or [_ONLY])
        own = {speaker.id: known[index % len(known)] for index, speaker in enumerate(speakers)}
        if not self._is_xtts():
            return own
        return {name: f"{_CLONE}{references[name]}" if name in references else voice for name, voice in own.items()}

    def synthesize(self, text: str, voice: str, language: str, out: Path) -> Spoken:
        """Speak one line; silence that the model adds at the ends is trimmed."""
        self._check_language(language)
        model = self._model()
        settings = self._settings(model, voice, language)
        samples = _speak(model, text, settings)
        rate = int(model.synthesizer.output_sample_rate)
        start, stop = trim_bounds(samples, rate)
        if start == stop:
            raise UnsupportedError(f"The model finds nothing to say in {text[:60]!r}.", "Change or remove the line.")
        write_wav(out, levelled(samples[start:stop], rate), rate)
        return Spoken(audio=out, duration_ms=round((stop - start) * 1000 / rate))

    def _settings(self, model: Any, voice: str, language: str) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if voice.startswith(_CLONE):
            reference = Path(voice.removeprefix(_CLONE))
            if not reference.is_file():
                raise UnsupportedError(f"The reference recording {reference.name!r} of a voice is not there.")
            settings["speaker_wav"] = str(reference)
        elif voice != _ONLY:
            if voice not in (model.speakers or ()):
                raise UnsupportedError(f"The Coqui model has no speaker {voice!r}.")
            settings["speaker"] = voice
        if model.is_multi_lingual:
            settings["language"] = _model_language(language, model.languages or ())
        if self._is_xtts():
            settings["enable_text_splitting"] = True  # inside the model, without its pauses of 0.4 s
        return settings

    def _check_language(self, language: str) -> None:
        parts = self._options.model.split("/")
        if self._local or len(parts) != 4:
            spoken = set(self._options.languages)
        else:
            spoken = set(_XTTS) if self._is_xtts() else set() if parts[1] == "multilingual" else {parts[1]}
        if spoken and primary(language) not in {primary(tag) for tag in spoken}:
            raise UnsupportedError(
                f"The Coqui model {self._options.model!r} has no voice for {display_name(language)} ({language}).",
                f"It speaks {', '.join(sorted(spoken))}. Choose another model, or give a recorded dub (--dub).",
                language=language,
            )

    def _model(self) -> Any:
        if not self._licence_settled():
            raise MissingBackendError(*_licence_words())
        model, config = self._options.model, self._config()
        with _LOADING:
            return _loaded(model, config if self._local else None, self._options.device, self._identity())

    def _config(self) -> Path | None:
        if self._options.config:
            return self._options.config
        path = Path(self._options.model)
        return (path if path.is_dir() else path.parent) / "config.json"

    def _is_xtts(self) -> bool:
        return "xtts" in self._options.model.lower()

    def _licence_settled(self) -> bool:
        """A model from a folder is the user's own; XTTS by name asks for an agreement (variable, or Coqui's file)."""
        if self._local or not self._is_xtts() or os.environ.get("COQUI_TOS_AGREED") == "1":
            return True
        data = os.environ.get("TTS_HOME") or os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        folder = Path(data).expanduser() / "tts" / self._options.model.replace("/", "--")
        return (folder / "tos_agreed.txt").is_file()

    def _identity(self) -> str:
        if not self._local:
            return self._options.model
        path = Path(self._options.model)
        files = list(path.rglob("*")) if path.is_dir() else [path]
        config = self._config()
        return weights_digest([*files, config] if config and config not in files else files)


def _licence_words() -> tuple[str, str]:
    return (
        "The XTTS v2 weights are under the Coqui Public Model License (non-commercial), which nobody agreed to here.",
        "Read https://coqui.ai/cpml and set COQUI_TOS_AGREED=1 if you agree, or choose another model "
        "(synthesize.options.model).",
    )


def _model_language(language: str, known: Sequence[str]) -> str:
    """The model's code: Chinese is ``zh-cn`` in XTTS; regions are dropped elsewhere."""
    base = primary(language)
    for code in (language.lower(), base, f"{base}-cn", f"{base}-{base}", "pt-br" if base == "pt" else base):
        if code in known:
            return code
    raise UnsupportedError(
        f"The Coqui model has no voice for {display_name(language)} ({language}).",
        f"It speaks {', '.join(known)}.",
        language=language,
    )


def _speak(model: Any, text: str, settings: Mapping[str, Any]) -> NDArray[np.float32]:
    """The samples, float32 [N]; the models sample noise, so the seed depends on text and voice alone."""
    import torch

    seed = int.from_bytes(hashlib.sha256(f"{text}\0{sorted(settings.items())}".encode()).digest()[:4], "big")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        spoken = model.tts(text, split_sentences=False, **settings)
    return np.asarray(spoken, np.float32).reshape(-1)


@lru_cache(maxsize=1)
def _loaded(model: str, config: Path | None, device: str, _identity: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from TTS.api import TTS

        logging.getLogger("TTS").setLevel(logging.CRITICAL)  # it logs the traceback of what it then raises
        try:
            if config is None:
                loaded = TTS(model_name=model, progress_bar=False)
            else:
                loaded = TTS(model_path=_weights_of(model), config_path=str(config), progress_bar=False)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # every kind of model has its own ways to fail
            raise MissingBackendError(
                f"The Coqui model {model!r} cannot be loaded: {_first_line(error)}",
                "Models by name are downloaded on first use; or give the path of a folder with its files.",
            ) from error
        where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        return loaded.to(where)


def _weights_of(model: str) -> str:
    """Only XTTS can be given a folder; for the others it is the file in it."""
    file = Path(model) / "model.pth"
    return str(file) if file.is_file() else model


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:200] or type(error).__name__
