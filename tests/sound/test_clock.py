from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.ingest import Case, recorded, title, worst_ms
from tasks.ingest.by_speech import clock_by_speech
from tasks.ingest.ingest import ingest
from tasks.records.errors import BadInputError
from tasks.sound.clock import FRAME_RATES, Clock, fit_clock
from tests.speech_media import recording
from tests.stand_ins import READ

SLOTS = [(at, at + 1500) for at in np.cumsum([3000, 2500, 4000, 2200, 3600, 2900, 5100, 2300, 3300, 2700]).tolist()]


def moved(clock: Clock, jitter_ms: float = 0.0, seed: int = 0) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    early_or_late = rng.normal(0, jitter_ms, len(SLOTS))
    return [
        (round(clock.recording_ms(start) + by), round(clock.recording_ms(end) + by))
        for (start, end), by in zip(SLOTS, early_or_late, strict=True)
    ]


@settings(max_examples=settings.default.max_examples // 3)
@given(st.floats(-20_000, 20_000), st.floats(0.955, 1.045), st.booleans())
@example(20.5, 1.0, False)
def test_a_recordings_clock_is_found_within_20_ms_at_every_line(shift: float, slowness: float, moves: bool) -> None:
    true = Clock(slowness if moves else 1.0, shift)
    spans = moved(true)
    found = clock_by_speech(SLOTS, spans, [float(start) for start, _ in spans], 60_000, 0.05).clock
    assert max(abs(found.recording_ms(at) - true.recording_ms(at)) for at, _ in SLOTS) <= 20


@pytest.mark.parametrize("seed", range(5))
def test_actors_who_are_early_and_late_are_left_alone(seed: int) -> None:
    spans = moved(Clock(), jitter_ms=90, seed=seed)
    assert clock_by_speech(SLOTS, spans, [float(start) for start, _ in spans], 60_000, 0.05).clock.same


def test_a_frame_rate_conversion_is_named() -> None:
    for name, ratio in FRAME_RATES.items():
        title_ms = np.linspace(1000, 3_600_000, 200)
        fitted = fit_clock(np.stack([title_ms, ratio * title_ms + 500 + np.resize([4.0, -4.0], 200)], axis=1))
        assert (fitted.clock.name, fitted.clock.slowness) == (name, ratio)


@pytest.fixture(scope="module")
def made():  # type: ignore[no-untyped-def]
    sentences = [recording(READ.format(number)) for number in (2, 4, 5, 6)]
    recording("librosa-data/audio/Hungarian_Dance.ogg")
    return title(sentences[0].parents[len(Path(READ).parents) - 1], lines=10)


def test_a_shifted_slowed_dub_is_corrected_and_its_missing_and_extra_lines_are_named(made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording, missing, extra = recorded(made, Case(1700, 1.04), tmp_path)
    taken = ingest(recording, made.script, made.duration_ms, tmp_path / "d.wav")
    import soundfile

    heard, _ = soundfile.read(tmp_path / "d.wav", dtype="float32")
    assert len(heard) == made.duration_ms * 48
    assert worst_ms(made, heard[:, 0], missing) <= 20
    assert (taken.kind, taken.evidence, taken.pitch) == ("stem", "speech", "kept")
    assert taken.missing == (missing,)
    assert [start / 1000 for start, _ in taken.extra] == pytest.approx([extra], abs=0.3)
    assert any("corrected" in note for note in taken.notes)


def test_what_is_beyond_the_bound_is_refused(made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording, _, _ = recorded(made, Case(0, 1.1), tmp_path)
    with pytest.raises(BadInputError, match=r"0\.909 of its speed"):
        ingest(recording, made.script, made.duration_ms, tmp_path / "d.wav")
    assert not (tmp_path / "d.wav").exists()
