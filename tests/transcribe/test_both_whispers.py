"""openai-whisper and faster-whisper on the same real weights: the recogniser of `studio` hears the same words.

The checkpoint is made from the CTranslate2 model that we ship (`tests.whisper_weights`).
"""

from __future__ import annotations

import json
from pathlib import Path

import jiwer
import pytest

from benchmarks.transcribe_wer import _NORMAL
from tasks.machine.weights import located
from tasks.records.progress import silent
from tasks.transcribe import Transcriber, transcriber
from tests.speech_media import clip_16k, media
from tests.whisper_weights import save_openai_whisper

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model"),
]

LJ = "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-000{}.wav"
#: Half a minute of processor time each: no more of them than show it.
READ = [
    *(f"picovoice-leopard/resources/audio_samples/test{code}.wav" for code in ("", "_es", "_fr", "_de")),
    *(LJ.format(number) for number in (1, 3)),
    "pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav",
]


@pytest.fixture(scope="module")
def openai_whisper(tmp_path_factory: pytest.TempPathFactory) -> Transcriber:
    folder = located("whisper-base")
    assert folder
    checkpoint = save_openai_whisper(folder / "model.bin", tmp_path_factory.mktemp("whisper") / "base.pt")
    return transcriber("whisper", {"model": str(checkpoint), "device": "cpu"})


def words(backend: Transcriber, clip: Path, language: str) -> str:
    return str(_NORMAL(" ".join(line.text for line in backend.transcribe(clip, language, silent).lines)))


def test_both_hear_the_same_words_and_those_that_were_read(openai_whisper: Transcriber, tmp_path: Path) -> None:
    other = transcriber("faster-whisper", {"model": "base", "compute": "float32", "device": "cpu", "download": False})
    texts = json.loads(media("transcripts.json").read_text("utf-8"))
    clips = [(clip_16k(name, tmp_path), texts[name]) for name in READ]
    read = [str(_NORMAL(entry["text"])) for _, entry in clips]
    mine = [words(openai_whisper, clip, entry["lang"]) for clip, entry in clips]
    theirs = [words(other, clip, entry["lang"]) for clip, entry in clips]
    assert jiwer.wer(theirs, mine) <= 0.01  # none of 263 words of more clips differed when this was written
    assert abs(jiwer.wer(read, mine) - jiwer.wer(read, theirs)) <= 0.01


def test_the_first_word_is_heard_and_begins_with_its_sound(openai_whisper: Transcriber, tmp_path: Path) -> None:
    script = openai_whisper.transcribe(clip_16k(LJ.format(1), tmp_path), None, silent)
    first = script.lines[0].words[0]
    assert (script.language, first.text.strip(" ,")) == ("en", "Printing")
    assert first.start_ms == pytest.approx(40, abs=60)
