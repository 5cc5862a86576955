"""NLLB through CTranslate2 itself, on a small model made here: it says nonsense, but by the protocol."""

from __future__ import annotations

import io
import json
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import sentencepiece

from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.translate import translator

LANGUAGES = ["eng_Latn", "spa_Latn", "zho_Hans", "arb_Arab", "nob_Latn", "por_Latn"]
SIZE = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under a real vocabulary, saved as CTranslate2 saves a converted model."""
    folder = tmp_path_factory.mktemp("nllb")
    words = ["the moon is big and round", "la luna es grande y redonda", "we go home", "vamos a casa"] * 9
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words), model_writer=trained, vocab_size=48, model_type="bpe", minloglevel=2
    )
    (folder / "sentencepiece.bpe.model").write_bytes(trained.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    vocabulary = ["<s>", "</s>", "<unk>", *(pieces.id_to_piece(n) for n in range(3, 48)), *LANGUAGES]
    spec = ctranslate2.specs.TransformerSpec.from_config(1, 2)
    drawn = np.random.default_rng(7)

    def fill(scope: object) -> None:
        for name, value in list(vars(scope).items()):
            if isinstance(value, list):
                [fill(one) for one in value]
            elif hasattr(value, "variables"):
                fill(value)
            elif value is None and name in ("weight", "bias", "gamma", "beta"):
                rows, columns = _shape(scope, spec, len(vocabulary))
                drawing = drawn.normal(0, 0.4, (rows, columns)).astype(np.float32)
                vector = np.ones(SIZE, np.float32) if name == "gamma" else np.zeros(SIZE, np.float32)
                vector = vector if name != "bias" else np.zeros(rows, np.float32)
                setattr(scope, name, drawing if name == "weight" else vector)

    fill(spec)
    for side in (spec.encoder, spec.decoder):
        side.position_encodings.encodings = drawn.normal(0, 0.1, (512, SIZE)).astype(np.float32)
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    assert json.loads((folder / "shared_vocabulary.json").read_text()) == vocabulary
    return folder


def _shape(scope: object, spec: object, words: int) -> tuple[int, int]:
    """Rows and columns of one linear layer or embedding, from where it stands."""
    place = next(name for name, value in _walk(spec) if value is scope)
    if "embeddings" in place or place.endswith("projection"):
        return words, SIZE
    if "ffn" in place:
        return (4 * SIZE, SIZE) if place.endswith("linear_0") else (SIZE, 4 * SIZE)
    if "self_attention" in place and place.endswith("linear/0"):
        return 3 * SIZE, SIZE
    if place.endswith("linear/1") and "self_attention" not in place:
        return 2 * SIZE, SIZE
    return SIZE, SIZE


def _walk(scope: object, at: str = "") -> list[tuple[str, object]]:
    found = [(at, scope)]
    for name, value in vars(scope).items():
        if isinstance(value, list):
            for number, one in enumerate(value):
                found += _walk(one, f"{at}/{name}/{number}")
        elif hasattr(value, "variables"):
            found += _walk(value, f"{at}/{name}")
    return found


def test_lines_come_back_in_order_and_the_same_every_time(model: Path) -> None:
    texts = ["the moon", "", "we go home\nthe moon is big", "..."]
    backend = translator("nllb", {"model_path": str(model), "device": "cpu"})
    assert backend.missing() == []
    answers = backend.translate(texts, "en", "es")
    assert [bool(answer.strip()) for answer in answers] == [True, False, True, True]
    assert answers[2].count("\n") == 1
    assert not any(code in answer for code in LANGUAGES for answer in answers)
    again = translator("nllb", {"model_path": str(model), "device": "cpu"})
    assert again.translate([texts[2]], "en", "es") == [answers[2]]


def test_the_language_asked_for_changes_the_answer(model: Path) -> None:
    backend = translator("nllb", {"model_path": str(model), "device": "cpu"})
    answers = {target: tuple(backend.translate(["the moon is big and round"], "en", target)) for target in ("es", "zh")}
    assert len(set(answers.values())) == 2


@pytest.mark.parametrize("tag", ["es-MX", "zh", "ar", "no", "nb", "pt-BR"])
def test_tags_become_flores_names(model: Path, tag: str) -> None:
    assert translator("nllb", {"model_path": str(model)}).route("en", tag) == ["en", tag]


@pytest.mark.parametrize("tag", ["fr", "zh-Hant", "tlh"])
def test_a_language_that_the_model_lacks_is_refused(model: Path, tag: str) -> None:
    with pytest.raises(UnsupportedError, match="does not support"):
        translator("nllb", {"model_path": str(model)}).route("en", tag)


def test_the_weights_are_not_for_commercial_use_and_make_the_fingerprint(model: Path, tmp_path: Path) -> None:
    backend = translator("nllb", {"model_path": str(model)})
    assert not backend.facts.commercial
    assert backend.fingerprint() != translator("nllb", {"model_path": str(tmp_path)}).fingerprint()


def test_a_model_that_is_not_there_or_broken_is_said(tmp_path: Path) -> None:
    assert "model_path" in translator("nllb", {}).missing()[0]
    backend = translator("nllb", {"model_path": str(tmp_path)})
    assert "model.bin" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match=r"model\.bin"):
        backend.translate(["the moon"], "en", "es")
    for name in ("model.bin", "sentencepiece.bpe.model"):
        (tmp_path / name).write_bytes(b"nothing")
    (tmp_path / "shared_vocabulary.json").write_text(json.dumps(LANGUAGES))
    with pytest.raises(MissingBackendError, match="cannot be loaded"):
        backend.translate(["the moon"], "en", "es")
