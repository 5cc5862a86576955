"""What every transcriber promises."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.machine.weights import located
from tasks.records.errors import BadInputError
from tasks.records.progress import silent
from tasks.sound.speech_activity import duration_ms
from tasks.transcribe import BACKENDS, transcriber
from tests.speech_media import clip_16k

OFFLINE = ["pocketsphinx", "fake", "faster-whisper"]
OPTIONS = {"faster-whisper": {"model": "base", "compute": "int8", "device": "cpu", "download": False, "beam_size": 1}}
#: What a backend must be told.
NEEDED = {"openai": {"model": "small", "url": "http://127.0.0.1:9/v1"}}
here = pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model")


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_names_itself_its_licences_and_its_version(name: str) -> None:
    backend = transcriber(name, NEEDED.get(name, {}))
    assert backend.facts.name == name
    assert backend.facts.code_licence
    assert backend.fingerprint() == transcriber(name, NEEDED.get(name, {})).fingerprint() != ""
    assert backend.missing() == []  # `make setup` installs it


@pytest.mark.parametrize("name", BACKENDS)
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="nonsense"):
        transcriber(name, {**NEEDED.get(name, {}), "nonsense": 1})


@pytest.mark.parametrize("name", [pytest.param(name, marks=here) if name in OPTIONS else name for name in OFFLINE])
def test_lines_are_in_order_apart_within_the_audio_and_repeatable(name: str, tmp_path: Path) -> None:
    audio = clip_16k("speechbrain/tests/samples/ASR/spk1_snt1.wav", tmp_path, recorded=name != "fake")
    told: list[float] = []
    script = transcriber(name, OPTIONS.get(name, {})).transcribe(audio, "en", told.append)
    assert script.language == "en"
    assert script.origin == name
    assert script.lines
    assert all(0 <= line.start_ms < line.end_ms <= duration_ms(audio) and line.text for line in script.lines)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(script.lines))
    for line in script.lines:
        assert all(line.start_ms <= word.start_ms < word.end_ms <= line.end_ms for word in line.words)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert transcriber(name, OPTIONS.get(name, {})).transcribe(audio, "en", silent) == script


@pytest.mark.parametrize("name", [pytest.param(name, marks=here) if name in OPTIONS else name for name in OFFLINE])
def test_an_empty_file_has_no_lines(name: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros(0, np.float32), 16_000)
    assert transcriber(name, OPTIONS.get(name, {})).transcribe(path, "en", silent).lines == ()
