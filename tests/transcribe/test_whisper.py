"""Whisper's real loader and decoder on a tiny checkpoint with random weights: what it hears is nonsense."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tasks.records.errors import MissingBackendError, UnsupportedError
from tasks.records.progress import silent
from tasks.transcribe import transcriber, whisper
from tests.speech_media import clip_16k, recording
from tests.tiny_whisper import save_tiny_whisper


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=16, n_audio_head=2, n_audio_layer=1,
        n_vocab=51865, n_text_ctx=16, n_text_state=16, n_text_head=2, n_text_layer=1,
    )  # fmt: skip
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding)  # the package leaves it uninitialised
    # Nonsense fails at all six temperatures: a window is written six times over, so its text may not be long.
    path = tmp_path_factory.mktemp("whisper") / "tiny-random.pt"
    torch.save({"dims": dims.__dict__, "model_state_dict": model.state_dict()}, path)
    return path


def test_a_checkpoint_file_goes_through_the_real_loader(checkpoint: Path) -> None:
    backend = transcriber("whisper", {"model": str(checkpoint), "beam_size": None, "device": "cpu"})
    assert backend.missing() == []
    script = backend.transcribe(recording("speechbrain/tests/samples/ASR/spk1_snt1.wav"), "en", silent)
    assert script.language == "en"
    assert script.origin == "whisper"
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(script.lines))


def test_a_language_whisper_does_not_know_is_refused(checkpoint: Path) -> None:
    with pytest.raises(UnsupportedError, match="Zulu"):
        transcriber("whisper", {"model": str(checkpoint)}).transcribe(Path("unread.wav"), "zu", silent)


def test_a_checkpoint_on_our_shelf_tells_words_times_by_the_heads_that_know_them(tmp_path: Path) -> None:
    import torch
    from whisper.model import ModelDimensions, Whisper

    for name, layers, heads in (
        ("base", 6, [[3, 1], [4, 2], [4, 3], [4, 7], [5, 1], [5, 2], [5, 4], [5, 6]]),
        ("tiny", 2, None),
    ):
        dims = ModelDimensions(80, 10, 16, 2, 1, 51865, 8, 16, 8, layers)
        torch.save({"dims": vars(dims), "model_state_dict": Whisper(dims).state_dict()}, tmp_path / f"{name}.pt")
        with whisper._model(str(tmp_path / f"{name}.pt"), None, "cpu").at_work() as model:
            expected = heads or [[1, head] for head in range(8)]  # another model than the one of that name
            assert model.alignment_heads.to_dense().nonzero().tolist() == expected


def test_an_unknown_or_broken_model_is_told(tmp_path: Path) -> None:
    speech = recording("speechbrain/tests/samples/ASR/spk1_snt1.wav")
    with pytest.raises(MissingBackendError, match="turbo"):
        transcriber("whisper", {"model": "gigantic"}).transcribe(speech, "en", silent)
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(MissingBackendError, match=r"broken\.pt"):
        transcriber("whisper", {"model": str(broken)}).transcribe(speech, "en", silent)
    assert transcriber("whisper", {"model": str(tmp_path / "absent.pt")}).missing() != []


def test_an_english_model_refuses_other_languages_before_it_is_loaded() -> None:
    with pytest.raises(UnsupportedError, match=r"small\.en.*Spanish"):
        transcriber("whisper", {"model": "small.en"}).transcribe(Path("unread.wav"), "es", silent)


def test_a_checkpoint_writes_what_its_weights_say(tmp_path: Path) -> None:
    backend = transcriber("whisper", {"model": str(save_tiny_whisper(tmp_path)), "device": "cpu"})
    for language in ("en", None):  # None: the model detects it
        script = backend.transcribe(recording("picovoice-leopard/resources/audio_samples/test.wav"), language, silent)
        assert script.language == "en"
        assert [line.text for line in script.lines] == ["Good morning.", "My name is Jordi."]


def test_the_fingerprint_knows_the_model_and_not_the_machine() -> None:
    turbo, cpu, base = ({"model": "turbo"}, {"model": "turbo", "device": "cpu"}, {"model": "base"})
    prints = [transcriber("whisper", options).fingerprint() for options in (turbo, cpu, base)]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    "name",
    [
        "speechbrain/tests/samples/noise/noise3.wav",
        "librosa-data/audio/Kevin_MacLeod_-_Vibe_Ace.hq.ogg",  # the detector hears four spans of speech in it
    ],
)
def test_a_model_that_always_writes_something_is_not_believed_over_noise(tmp_path: Path, name: str) -> None:
    backend = transcriber("whisper", {"model": str(save_tiny_whisper(tmp_path)), "device": "cpu"})
    script = backend.transcribe(clip_16k(name, tmp_path), "en", silent)
    assert script.lines == ()
