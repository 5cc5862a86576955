"""Neural speech by Coqui TTS (MPL-2.0): XTTS in the speakers' own voices, or any other model by name or from files.

XTTS's weights are under the Coqui Public Model License, which forbids commercial use; the user must accept it
(``COQUI_TOS_AGREED=1``). It is never accepted here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from configs.languages import primary
from tasks.keep.digests import known_sha256
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import Weights, needed, users
from tasks.records import registry
from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import PLAIN, Manner, NothingToSayError, Spoken
from tasks.synthesize.coqui_models import local_model, model_folder, named_model, xtts_code
from tasks.synthesize.wave import levelled, trim_bounds, write_wav
from tasks.words.sentences import pieces

#: Maximum characters of XTTS at once; beyond it the package warns.
_LIMIT = {"ja": 71, "zh-cn": 82, "ko": 95, "hi": 150, "ar": 166}
_LIMIT_ELSE = 180
_PAUSE_S = 0.15  # between the pieces of one line, in place of the package's 10,000 silent samples
_ONE_VOICE = "default"
_XTTS = "tts_models/multilingual/multi-dataset/xtts_v2"
#: One at a time: the models use PyTorch's global random state, which is seeded before each line.
_speaking = threading.Lock()


class CoquiSynthesizer:
    """Speaks with one model, loaded once per process."""

    class Options(registry.Options):
        """The model, its source and its device.

        Attributes:
            model: name in Coqui's list, downloaded on first use; empty with ``model_path``. XTTS v2 is taken from
                ``xtts_v2`` in the user's folder of models if it exists.
            model_path: the checkpoint (or, for XTTS, its folder) of a model of your own.
            config_path: that model's config; None for ``config.json`` beside it.
            device: ``auto`` uses a GPU if there is one.
            seed: random seed of the model; another seed gives another reading.
        """

        model: str = _XTTS
        model_path: Path | None = None
        config_path: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        seed: int = Field(0, ge=0)

        @property
        def config(self) -> Path:
            """The config of the local model."""
            assert self.model_path is not None
            folder = self.model_path if self.model_path.is_dir() else self.model_path.parent
            return self.config_path or folder / "config.json"

        @model_validator(mode="after")
        def _one_source(self) -> CoquiSynthesizer.Options:
            if self.config_path and not self.model_path:
                raise ValueError("config_path needs model_path")
            return self

    def __init__(self, options: Options) -> None:
        if options.model == _XTTS and not options.model_path and (folder := users("xtts_v2")):
            options = options.model_copy(update={"model_path": folder})
        self._options = options
        self._model = local_model(options.config) if options.model_path else named_model(options.model)
        self._name = str(options.model_path) if options.model_path else options.model
        self._references: dict[str, Path] = {}
        self.facts = registry.BackendFacts(
            name="coqui",
            packages=("coqui-tts", "torch"),
            code_licence="MPL-2.0",
            weights_licence=self._model.licence,
            commercial=self._model.commercial,
            clause=self._model.clause,
            device="any",
            network=options.model_path is None,
            clones=self._model.clones,
            paces=self._model.clones,  # only XTTS has an argument for it
            varies=True,  # another seed is another reading
            languages=self._model.languages,
        )

    def fingerprint(self) -> str:
        """The package, the model's name or its files' digests, and the seed."""
        chosen = self._options
        model = chosen.model
        if chosen.model_path:
            folder = chosen.model_path if chosen.model_path.is_dir() else None
            files = sorted(folder.glob("*.*")) if folder else [chosen.model_path]
            model = " ".join(known_sha256(file)[:16] for file in [*files, chosen.config] if file.is_file())
        return f"coqui:1:{registry.package_version('coqui-tts')}:{model}:{chosen.seed}"

    def missing(self) -> list[str]:
        """The package, a local model's files, or the acceptance of a model's terms."""
        if registry.package_version("coqui-tts") == "absent":
            return ["The package coqui-tts is not installed: run `make setup`."]
        chosen = self._options
        if chosen.model_path:
            wanted = (chosen.model_path, chosen.config)
            return [f"The file {path} of the Coqui model does not exist." for path in wanted if not path.exists()]
        if not self._model.known:
            return [f"Coqui has no model {chosen.model!r}: `tts --list_models` lists the available ones."]
        return [_terms(chosen.model, self._model.licence)] if self._model.terms else []

    def weights(self) -> list[Weights]:
        """The weights of a model of Coqui's list, in the package's cache."""
        chosen = self._options
        if chosen.model_path or not self._model.known:
            return []
        if chosen.model == _XTTS:
            return [needed("xtts_v2", chosen.model)]
        return [Weights(chosen.model, any(model_folder(chosen.model).glob("*.pth")))]

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """With XTTS the speakers' own voices; otherwise, and for speakers without a clip, the model's in turn."""
        self._check(language)
        clips = references if self._model.clones else {}
        # The digest distinguishes the clips of different titles where a voice's name is part of a key.
        clones = {speaker: f"clone of {speaker} ({known_sha256(clip)[:8]})" for speaker, clip in clips.items()}
        self._references |= {clones[speaker]: clip for speaker, clip in clips.items()}
        own = {speaker.id: clones[speaker.id] for speaker in speakers if speaker.id in clones}
        others = [speaker.id for speaker in speakers if speaker.id not in own]
        if not others:
            return own
        names = self._names() or sorted(clones.values())
        if not names:
            raise UnsupportedError(
                f"The Coqui model {self._name} has no voice of its own, and no speaker has one second of clean speech.",
                "Choose the espeak backend for this title.",
            )
        return own | {speaker: names[index % len(names)] for index, speaker in enumerate(others)}

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line; the same line, voice, reading and seed give the same bytes on the same machine."""
        self._check(language)
        code = xtts_code(language) if self._model.clones else None
        asked = self._asked(voice)
        if code or self._loaded().is_multi_lingual:
            asked["language"] = code or self._own_code(language)
        if self._model.clones and pace != 1.0:
            asked["speed"] = pace
        rate = int(self._loaded().synthesizer.output_sample_rate)
        parts: list[NDArray[np.float32]] = []
        for piece in pieces(text, _LIMIT.get(asked.get("language", ""), _LIMIT_ELSE)):
            samples = self._speak(piece, asked, self._options.seed + manner.reading)
            start, stop = trim_bounds(samples, rate)
            if start < stop:
                parts += [samples[start:stop], np.zeros(round(_PAUSE_S * rate), np.float32)]
        if not parts:
            raise NothingToSayError(f"Coqui has nothing to pronounce in {text[:60]!r}.", "Change or remove the line.")
        spoken = levelled(np.concatenate(parts[:-1]), rate)
        write_wav(out, spoken, rate)
        return Spoken(audio=out, duration_ms=round(len(spoken) * 1000 / rate))

    def _speak(self, text: str, asked: dict[str, Any], seed: int) -> NDArray[np.float32]:
        import torch

        with _speaking, torch.random.fork_rng(), self._model_at_work() as model:
            torch.manual_seed(seed)
            return np.asarray(model.tts(text, split_sentences=False, **asked), np.float32)

    def _asked(self, voice: str) -> dict[str, Any]:
        """The voice as the package's arguments."""
        if voice in self._references:
            return {"speaker_wav": str(self._references[voice])}
        if voice == _ONE_VOICE and not self._model.clones:
            return {}
        if voice not in self._names():
            raise UnsupportedError(f"The Coqui model {self._name} has no voice {voice!r}.")
        return {"speaker": voice}

    def _names(self) -> list[str]:
        """The model's built-in voices."""
        model = self._loaded()
        manager = getattr(model.synthesizer.tts_model, "speaker_manager", None)
        names = sorted(manager.speaker_names) if model.is_multi_speaker and manager else []
        return names or ([] if self._model.clones else [_ONE_VOICE])

    def _check(self, language: str) -> None:
        if self._model.clones:
            xtts_code(language)
        elif self._model.languages and primary(language) not in self._model.languages:
            speaks = ", ".join(sorted(self._model.languages))
            raise UnsupportedError(
                f"The Coqui model {self._name} speaks {speaks}, not {language}.",
                "Choose a model of that language, XTTS, or the espeak backend.",
                language=language,
            )

    def _own_code(self, language: str) -> str:
        """The code of a multilingual model other than XTTS: ``pt-br`` for YourTTS, ``de`` for others."""
        listed: list[str] = list(self._loaded().languages or [])
        for code in (language.lower(), primary(language)):
            if code in listed:
                return code
        begins = sorted(code for code in listed if primary(code) == primary(language))
        if not begins:
            raise UnsupportedError(f"The Coqui model {self._name} does not speak {language}.", language=language)
        return begins[0]

    def _loaded(self) -> Any:
        """The model, on whichever device it is now."""
        return self._resident().model

    def _model_at_work(self) -> AbstractContextManager[Any]:
        """The model on its device."""
        return self._resident().at_work()

    def _resident(self) -> Resident:
        chosen = self._options
        for sentence in self.missing():
            raise MissingBackendError(sentence, "Or choose the espeak backend.")
        files = (str(chosen.model_path), str(chosen.config)) if chosen.model_path else ()
        return loaded_once(("coqui", chosen.model, *files, chosen.device), lambda: _load(chosen))


def _load(chosen: CoquiSynthesizer.Options) -> Resident:
    from TTS.api import TTS

    try:
        # Keyword by keyword: the package treats an empty name as none, but an empty path as a path.
        files = {"model_path": str(chosen.model_path), "config_path": str(chosen.config)} if chosen.model_path else {}
        return Resident(TTS(**(files or {"model_name": chosen.model}), progress_bar=False), chosen.device)
    except Exception as error:  # downloads, archives and checkpoints raise errors without a common base class
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise MissingBackendError(
            f"The Coqui model {chosen.model_path or chosen.model} cannot be loaded ({said}).",
            "Check the network or the files, or choose the espeak backend.",
        ) from error


def _terms(model: str, licence: str) -> str:
    return (
        f"The weights of {model} are under {licence}, for non-commercial use only. To accept its terms "
        "(https://tts-hub.github.io/cpml) set COQUI_TOS_AGREED=1; the espeak backend needs none."
    )
