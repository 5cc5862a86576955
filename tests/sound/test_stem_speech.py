"""A dub's dialogue is takes in digital silence: where it speaks, and what is heard again after an edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.keep.known import knowing
from tasks.keep.store import Store
from tasks.sound import stem_speech
from tasks.sound.speech_activity import speech_spans
from tasks.sound.stem_speech import speech_in
from tests.speech_media import recording

RATE = 16_000


def sentence() -> np.ndarray:
    samples, _ = soundfile.read(recording("picovoice-leopard/resources/audio_samples/test.wav"), dtype="float32")
    return samples


def stem(path: Path, *takes: tuple[float, np.ndarray], seconds: float = 16.0) -> Path:
    """Takes that begin at their seconds."""
    sound = np.zeros(int(seconds * RATE), np.float32)
    for at_s, take in takes:
        sound[int(at_s * RATE) : int(at_s * RATE) + len(take)] = take
    soundfile.write(path, sound, RATE)
    return path


@pytest.fixture
def heard_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames the network listens to, each time that it listens."""
    counts: list[int] = []
    listener = stem_speech.listener

    def counted():
        listen = listener()

        def answer(block):
            found = listen(block)
            counts.append(len(found))
            return found

        return answer

    monkeypatch.setattr(stem_speech, "listener", counted)
    return counts


def test_a_stem_speaks_where_a_recording_of_it_does(tmp_path: Path) -> None:
    take = sentence()
    path = stem(tmp_path / "dub.wav", (1.0, take), (9.0, take))
    spans = speech_in(path, tmp_path / "x.wav")
    whole = speech_spans(path)
    assert len(spans) == len(whole) >= 2
    assert np.abs(np.array(spans) - np.array(whole)).max() <= 64


def test_after_an_edit_only_the_take_that_changed_is_heard_again(tmp_path: Path, heard_frames: list[int]) -> None:
    take = sentence()
    with knowing(Store(tmp_path / "store")):
        speech_in(stem(tmp_path / "dub.wav", (1.0, 0.8 * take), (9.0, take)), tmp_path / "x.wav")
        first = sum(heard_frames)
        heard_frames.clear()
        speech_in(stem(tmp_path / "edited.wav", (1.0, 0.8 * take), (9.0, 0.5 * take)), tmp_path / "x.wav")
    assert 0 < sum(heard_frames) < 0.6 * first


def test_digital_silence_is_not_listened_to(tmp_path: Path, heard_frames: list[int]) -> None:
    assert speech_in(stem(tmp_path / "silent.wav"), tmp_path / "x.wav") == ()
    assert speech_in(stem(tmp_path / "empty.wav", seconds=0), tmp_path / "x.wav") == ()
    assert not heard_frames


def test_a_part_too_long_to_be_kept_is_heard_as_it_streams(
    tmp_path: Path, heard_frames: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    take = sentence()
    path = stem(tmp_path / "dub.wav", (1.0, take), (9.0, take))
    short = speech_in(path, tmp_path / "x.wav")
    monkeypatch.setattr(stem_speech, "_LONGEST", 10)
    monkeypatch.setattr(stem_speech, "_BLOCK", 16)
    heard_frames.clear()
    assert speech_in(path, tmp_path / "x.wav") == short
    assert max(heard_frames) == 16
