"""Offline translation by an NLLB-200 model through CTranslate2 (MIT; an optional extra), on CPU or GPU.

The weights are Meta's, CC-BY-NC-4.0: not for commercial use. A model's folder holds what
``ct2-transformers-converter --model facebook/nllb-200-distilled-600M --output_dir DIR --copy_files
sentencepiece.bpe.model`` writes; nothing is downloaded here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import langcodes
from pydantic import Field

from configs.languages import display_name, primary
from tasks.keep.digests import file_sha256
from tasks.machine import ctranslate
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import users
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, UnsupportedError
from tasks.translate import PLAIN, Guidance, Note, quiet
from tasks.translate.rows import by_rows
from tasks.words.sentences import pieces

_NOWHERE = Path("nllb")
_FILES = ("model.bin", "shared_vocabulary.json", "sentencepiece.bpe.model")
_LONGEST = 400  # characters of a sentence; the model was trained on sentences
#: FLORES-200 has codes of single languages where ISO 639-1 has their macrolanguages.
_MEMBERS = {
    "ar": "arb", "az": "azj", "et": "est", "fa": "pes", "gn": "grn", "ku": "kmr", "lv": "lvs", "mg": "plt", "mn": "khk",
    "ms": "zsm", "ne": "npi", "no": "nob", "om": "gaz", "or": "ory", "ps": "pbt", "qu": "quy", "sq": "als", "sw": "swh",
    "uz": "uzn", "yi": "ydd", "zh": "zho", "ay": "ayr", "fil": "tgl", "ff": "fuv",
}  # fmt: skip


class NllbTranslator:
    """Translates sentence by sentence with one model, loaded once per process."""

    batch = 16
    context = 0
    timed = False

    class Options(registry.Options):
        """The model, and how it is run.

        Attributes:
            model_path: the converted model's folder; None for ``nllb`` in the user's folder of models.
            device: ``auto`` uses a GPU if there is one.
            compute_type: CTranslate2's number format, such as ``int8`` or ``float16``.
            beam_size: width of the beam search.
        """

        model_path: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        compute_type: str = "default"
        beam_size: int = Field(4, ge=1, le=16)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="nllb",
        packages=("ctranslate2", "sentencepiece"),
        code_licence="MIT",
        weights_licence="CC-BY-NC-4.0",
        commercial=False,
        clause="CC-BY-NC-4.0, section 2(a)(1): for NonCommercial purposes only",
        device="any",
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = options.model_path or users("nllb") or _NOWHERE

    def fingerprint(self) -> str:
        """The package, the files' digests, and the search options."""
        chosen = self._options
        found = [self._folder / name for name in _FILES if (self._folder / name).is_file()]
        digests = " ".join(_digest(path, path.stat().st_size, path.stat().st_mtime_ns) for path in found)
        version = registry.package_version("ctranslate2")
        return f"nllb:1:{version}:{digests}:{chosen.compute_type}:{chosen.beam_size}"

    def missing(self) -> list[str]:
        """The packages, or files of the model."""
        packages = [name for name in ("ctranslate2", "sentencepiece") if registry.package_version(name) == "absent"]
        if packages:
            return [f"The package {' and '.join(packages)} is not installed: `uv sync --extra nllb`."]
        folder = self._folder
        if folder == _NOWHERE:
            return ["There is no NLLB model: set its folder as translate.options.model_path."]
        return [
            f"The file {folder / name} of the NLLB model does not exist."
            for name in _FILES
            if not (folder / name).is_file()
        ]

    def route(self, source: str, target: str) -> list[str]:
        """The direct route; `UnsupportedError` if the model lacks one of the two."""
        codes = [self._code(tag) for tag in (source, target)]
        return [source] if codes[0] == codes[1] else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts; the same input gives the same text on the same device."""
        if len(self.route(source, target)) == 1:
            note(f"NLLB does not distinguish {source} and {target}; the text is left unchanged.")
            return list(texts)
        codes = self._code(source), self._code(target)
        return by_rows(texts, lambda rows: [self._row(row, *codes) for row in rows], self.batch)

    def _row(self, row: str, source: str, target: str) -> str:
        sentences = pieces(row, _LONGEST)
        asked = {"beam_size": self._options.beam_size, "min_decoding_length": 2}
        with self._resident().at_work() as movable:
            translator, words = movable.model
            tokens = [[source, *words.encode(sentence, out_type=str), "</s>"] for sentence in sentences]
            results = translator.translate_batch(tokens, target_prefix=[[target]] * len(tokens), **asked)
        answers = [words.decode([t for t in result.hypotheses[0] if t != target]).strip() for result in results]
        if not all(answers):
            raise PermanentError(f"NLLB has no translation of {row[:60]!r}.", "Add a fallback, or edit the line.")
        return " ".join(answers)

    def _code(self, tag: str) -> str:
        """FLORES-200's code of a language (``spa_Latn``), if the model has it."""
        known = self._languages()
        full = langcodes.Language.get(tag).maximize()
        base = primary(tag)
        letters = _MEMBERS.get(base) or langcodes.Language.get(base).to_alpha3()
        for code in (f"{letters}_{full.script}", f"{langcodes.Language.get(base).to_alpha3()}_{full.script}"):
            if code in known:
                return code
        raise UnsupportedError(f"The NLLB model does not support {display_name(tag)} ({tag}).", language=tag)

    def _languages(self) -> frozenset[str]:
        for sentence in self.missing():
            raise MissingBackendError(sentence, "Or choose another translator.")
        return _languages_of(self._folder / "shared_vocabulary.json")

    def _resident(self) -> Resident:
        for sentence in self.missing():
            raise MissingBackendError(sentence, "Or choose another translator.")
        chosen = self._options
        asked = str(self._folder), chosen.device, chosen.compute_type
        return loaded_once(("nllb", *asked), lambda: _load(*asked))


def _load(folder: str, device: str, compute_type: str) -> Resident:
    import ctranslate2
    import sentencepiece

    try:
        words = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/sentencepiece.bpe.model")
        translator = ctranslate2.Translator(folder, device=device, compute_type=compute_type)
        return ctranslate.resident((translator, words), translator)
    except (RuntimeError, ValueError, OSError) as error:
        said = str(error).splitlines()[0][:200]
        raise MissingBackendError(
            f"The NLLB model in {folder} cannot be loaded ({said}).", "Convert it again, or choose another translator."
        ) from error


@functools.lru_cache(maxsize=4)
def _languages_of(vocabulary: Path) -> frozenset[str]:
    """The language tokens: three letters and a script."""
    tokens = json.loads(vocabulary.read_text("utf-8"))
    return frozenset(token for token in tokens if len(token) == 8 and token[3] == "_" and token[4].isupper())


@functools.lru_cache(maxsize=16)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return file_sha256(path)[0][:16]
