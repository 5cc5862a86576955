"""PocketSphinx on real speech; Whisper's real loader and decoder on a tiny checkpoint."""

from pathlib import Path

import jiwer
import pytest

from tasks.errors import MissingBackendError, UnsupportedError
from tasks.progress import silent
from tasks.transcribe import transcriber
from tests.speech_media import clip_16k, media
from tests.tiny_models import tiny_whisper


def plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ")


def test_pocketsphinx_gets_most_words_of_clear_english_and_says_that_it_is_rough() -> None:
    clip = media("picovoice-leopard/resources/audio_samples/test.wav")
    script = transcriber("pocketsphinx", {}).transcribe(clip, "en", silent)
    said = "mister quilter is the apostle of the middle classes and we are glad to welcome his gospel"
    assert jiwer.wer(said, plain(" ".join(line.text for line in script.lines))) < 0.35
    assert "rough" in script.notes[0]


def test_pocketsphinx_lines_follow_the_pauses(tmp_path: Path) -> None:
    clip = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    script = transcriber("pocketsphinx", {}).transcribe(clip, None, silent)
    starts = [line.start_ms for line in script.lines]
    for truth in (1260, 5250, 7610):
        assert min(abs(start - truth) for start in starts) < 350
    assert all(line.text[0].isupper() and line.text.endswith(".") for line in script.lines)
    assert any("taken for English" in note for note in script.notes)


def test_pocketsphinx_refuses_other_languages_and_says_what_to_do() -> None:
    clip = media("picovoice-leopard/resources/audio_samples/test_es.wav")
    with pytest.raises(UnsupportedError, match=r"Spanish.*NAME\.es\.srt.*--profile studio"):
        transcriber("pocketsphinx", {}).transcribe(clip, "es", silent)


def test_whisper_says_what_its_weights_say(tmp_path: Path) -> None:
    clip = media("picovoice-leopard/resources/audio_samples/test.wav")
    model = tiny_whisper(tmp_path, says=" Good morning. My name is Jordi.")
    for language in ("en", None):  # None: the model detects
        script = transcriber("whisper", {"model": str(model)}).transcribe(clip, language, silent)
        assert script.language == "en"
        assert [line.text for line in script.lines] == ["Good morning.", "My name is Jordi."]


def test_whisper_keys_on_the_content_of_a_model_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    prints = []
    for content in (b"one", b"two"):
        path.write_bytes(content)
        prints.append(transcriber("whisper", {"model": str(path)}).fingerprint())
    assert prints[0] != prints[1]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_whisper_model_that_cannot_be_loaded_is_missing(tmp_path: Path, content: bytes | None) -> None:
    clip = media("picovoice-leopard/resources/audio_samples/test.wav")
    path = tmp_path / "model.pt"
    if content is not None:
        path.write_bytes(content)
    backend = transcriber("whisper", {"model": str(path)})
    assert bool(backend.missing()) == (content is None)
    with pytest.raises(MissingBackendError, match=r"model\.pt"):
        backend.transcribe(clip, "en", silent)


def test_an_english_whisper_model_refuses_spanish() -> None:
    clip = media("picovoice-leopard/resources/audio_samples/test_es.wav")
    with pytest.raises(UnsupportedError, match="Spanish"):
        transcriber("whisper", {"model": "small.en"}).transcribe(clip, "es", silent)
