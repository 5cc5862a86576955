from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pysubs2
import pytest

from flows.demo.music import RATE_HZ, music_bed
from flows.demo.title import NAME, SENTENCES, Narration, make_demo_title, narrate
from tasks.qc.timing import speech_onset


@pytest.fixture(scope="module")
def narration(tmp_path_factory: pytest.TempPathFactory) -> Narration:
    return narrate(tmp_path_factory.mktemp("narration"))


def test_the_narration_says_every_sentence_once_with_pauses_between(narration: Narration) -> None:
    assert tuple(line.text for line in narration.lines) == SENTENCES
    assert all(after.start_ms - before.end_ms >= 900 for before, after in pairwise(narration.lines))
    assert narration.lines[-1].end_ms < narration.duration_ms
    assert 12_000 < narration.duration_ms < 18_000
    assert len(narration.samples) % (RATE_HZ // 25) == 0
    assert all(before[2] <= after[1] for before, after in pairwise(narration.phones))


def test_without_kokoros_weights_espeak_ng_narrates_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.synthesize.kokoro.KokoroSynthesizer.missing", lambda _: ["It is not here."])
    narration = narrate(tmp_path)
    assert narration.note == "The demo title is narrated by eSpeak NG, not by Kokoro: It is not here."
    assert tuple(line.text for line in narration.lines) == SENTENCES


def test_its_times_are_where_the_speech_is_heard(narration: Narration, tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", narration.samples, RATE_HZ, subtype="FLOAT")
    for line in narration.lines:
        heard = speech_onset(tmp_path / "a.wav", line.start_ms - 300, line.end_ms)
        assert heard == pytest.approx(line.start_ms, abs=60)


def test_the_same_narration_and_music_every_time(tmp_path: Path) -> None:
    one, two = (narrate(tmp_path, SENTENCES[2:3]) for _ in range(2))
    np.testing.assert_array_equal(one.samples, two.samples)
    np.testing.assert_array_equal(music_bed(3.0), music_bed(3.0))


def test_the_bed_is_stereo_unclipped_and_fades_out() -> None:
    bed = music_bed(6.0)
    assert bed.shape == (6 * RATE_HZ, 2)
    assert np.abs(bed).max() == pytest.approx(0.5)
    assert np.abs(bed[-200:]).max() < 0.001
    assert np.abs(bed[: 4 * RATE_HZ]).mean(axis=0).min() > 0.01
    assert not np.array_equal(bed[:, 0], bed[:, 1])


@pytest.mark.slow
def test_the_title_is_made_whole_and_twice_the_same(tmp_path: Path) -> None:
    told: list[float] = []
    first = make_demo_title(tmp_path / "a", told.append)
    second = make_demo_title(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert sorted(path.name for path in first.parent.iterdir()) == [f"{NAME}.en.srt", f"{NAME}.mp4"]
    subtitles = pysubs2.load(str(first.parent / f"{NAME}.en.srt"))
    assert [" ".join(event.plaintext.split()) for event in subtitles] == list(SENTENCES)
