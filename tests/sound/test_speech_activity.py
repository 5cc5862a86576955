import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.records.errors import BadInputError
from tasks.sound.speech_activity import duration_ms, read_span, speech_spans
from tests.speech_media import clip_16k, recording


def _noise(seconds: float) -> np.ndarray:
    return 0.01 * np.random.default_rng(1).standard_normal(int(seconds * 16_000)).astype(np.float32)


def test_spans_lie_where_the_sentences_are(tmp_path: Path) -> None:
    clip = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    truth = [(1260, 3950), (5250, 6630), (7610, 8690)]
    spans = speech_spans(clip, min_silence_ms=700)
    assert len(spans) == 3
    for (start, end), (true_start, true_end) in zip(spans, truth, strict=True):
        assert abs(start - true_start) < 300
        assert abs(end - true_end) < 300


def test_noise_is_not_speech() -> None:
    assert speech_spans(recording("speechbrain/tests/samples/noise/noise1.wav")) == []


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(100, np.float32), _noise(2)])
def test_empty_short_and_silent_files_have_no_speech(samples: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "quiet.wav"
    soundfile.write(path, samples, 16_000)
    assert speech_spans(path) == []


def test_speech_across_block_borders_is_one_span_and_memory_is_bounded(tmp_path: Path) -> None:
    sentence, _ = soundfile.read(recording("picovoice-leopard/resources/audio_samples/test.wav"), dtype="float32")
    padded = np.concatenate([_noise(13), sentence, _noise(13)])  # the sentence lies across second 16.4
    path = tmp_path / "long.wav"
    soundfile.write(path, padded, 16_000)
    spans = speech_spans(path, min_silence_ms=800)
    assert len(spans) == 1
    assert spans[0][0] < 16_384 < spans[0][1]


def test_the_same_file_gives_the_same_spans_from_every_thread() -> None:
    clip = recording("picovoice-leopard/resources/audio_samples/test.wav")
    found: list[list[tuple[int, int]]] = []
    threads = [threading.Thread(target=lambda: found.append(speech_spans(clip))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2] != []


def test_progress_reaches_the_end() -> None:
    told: list[float] = []
    speech_spans(recording("picovoice-leopard/resources/audio_samples/test.wav"), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_thread_count_of_the_process_is_left_alone() -> None:
    import torch

    before = torch.get_num_threads()
    speech_spans(recording("speechbrain/tests/samples/noise/noise2.wav"))
    assert torch.get_num_threads() == before


def test_other_rates_and_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.zeros((4800, 2), np.float32), 48_000)
    with pytest.raises(BadInputError, match="2 channel"):
        speech_spans(path)
    (tmp_path / "not.wav").write_text("words")
    with pytest.raises(BadInputError, match="cannot be read"):
        speech_spans(tmp_path / "not.wav")
    with pytest.raises(BadInputError, match="cannot be read"):
        speech_spans(tmp_path / "absent.wav")


def test_a_span_is_read_alone_and_stops_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "ramp.wav"
    soundfile.write(path, np.linspace(0, 0.5, 16_000, dtype=np.float32), 16_000, subtype="FLOAT")
    assert duration_ms(path) == 1000
    assert len(read_span(path, 250, 500)) == 4000
    assert len(read_span(path, 900, 5000)) == 1600
    assert len(read_span(path, 5000, 6000)) == 0
