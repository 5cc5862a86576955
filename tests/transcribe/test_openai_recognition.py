"""Recognition by a server with OpenAI's interface: what is sent, and what is made of every shape of answer."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.speech import espeak
from tasks.machine.meter import metered
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.records.progress import silent
from tasks.records.script import Script
from tasks.transcribe import Transcriber, transcriber
from tasks.transcribe.openai_answer import passages
from tests.openai_audio import KEY, openai_audio

QUICK = {"tries": 2, "longest_pause_s": 0.05, "deadline_s": 20.0}
SAID = ("Good morning, and welcome back.", "The harbour is closed today.")
RATE = 16_000
Made = tuple[Callable[..., Transcriber], Any]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_audio() as (url, server):
        server.words = " ".join(SAID).split()
        yield lambda **options: transcriber("openai", {"model": "small", "url": url, **QUICK, **options}), server


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, list[tuple[str, int]]]:
    """Two sentences with 0.8 s of silence around each, and where each word begins in milliseconds."""
    parts, starts, at = [np.zeros(RATE * 8 // 10, np.float32)], [], 800
    for text in SAID:
        spoken = espeak.synthesize(text, "en")
        samples = np.interp(
            np.arange(0, len(spoken.samples), spoken.sample_rate_hz / RATE),
            np.arange(len(spoken.samples)),
            spoken.samples,
        )
        starts += [(text[word.text_start : word.text_end], at + word.start_ms) for word in spoken.words]
        parts += [samples.astype(np.float32), np.zeros(RATE * 8 // 10, np.float32)]
        at += round(len(samples) * 1000 / RATE) + 800
    return np.concatenate(parts), starts


@pytest.fixture
def speech(known: tuple[np.ndarray, Any], tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "speech.wav", known[0], RATE, subtype="PCM_16")
    return tmp_path / "speech.wav"


def texts(script: Script) -> list[str]:
    return [line.text for line in script.lines]


def test_the_form_is_as_documented_with_the_language_and_the_sound_of_the_speech_alone(
    service: Made, speech: Path
) -> None:
    make, server = service
    make(prompt="Polydub").transcribe(speech, "nb", silent)
    (asked,) = server.asked
    form = asked["body"]
    assert asked["path"] == "/v1/audio/transcriptions"
    assert {name: value for name, value in form.items() if name != "file"} == {
        "model": ["small"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
        "language": ["no"],
        "prompt": ["Polydub"],
    }
    sent = soundfile.info(io.BytesIO(form["file"][0]))
    assert (sent.samplerate, sent.channels, sent.subtype) == (RATE, 1, "PCM_16")
    assert sent.duration < soundfile.info(speech).duration


@pytest.mark.parametrize("shape", ["words", "nested"])
def test_words_with_times_get_their_marks_back_and_become_lines_by_sentence(
    service: Made, speech: Path, shape: str
) -> None:
    make, server = service
    server.shape = shape
    script = make().transcribe(speech, "en", silent)
    assert texts(script) == list(SAID)
    assert script.notes == ()
    assert [word.text for word in script.lines[0].words] == [" Good", " morning,", " and", " welcome", " back."]
    assert script.origin == "openai"


@pytest.mark.parametrize("shape", ["segments", "nanoseconds", "text"])
def test_without_times_of_words_the_aligner_places_them_and_a_note_says_so(
    service: Made, known: tuple[np.ndarray, list[tuple[str, int]]], speech: Path, shape: str
) -> None:
    make, server = service
    server.shape = shape
    script = make().transcribe(speech, "en", silent)
    assert texts(script) == list(SAID)
    (note,) = script.notes
    assert "placed by our own aligner" in note
    assert ("returns no times" in note) is (shape == "text")
    if shape == "text":  # the segments of the server are no truth
        words = [word for line in script.lines for word in line.words]
        wrong = [abs(word.start_ms - start) for word, (_, start) in zip(words, known[1], strict=True)]
        assert np.median(wrong) < 60


def test_a_model_that_refuses_verbose_json_is_asked_for_plain_json(service: Made, speech: Path) -> None:
    make, server = service
    server.terse = True
    script = make().transcribe(speech, "en", silent)
    assert texts(script) == list(SAID)
    assert [asked["body"]["response_format"] for asked in server.asked] == [["verbose_json"], ["json"]]
    assert "small returns no times" in script.notes[0]


def test_where_no_times_are_told_long_speech_is_heard_in_short_stretches(
    service: Made, known: tuple[np.ndarray, Any], tmp_path: Path
) -> None:
    make, server = service
    server.shape = "text"
    repeats = 40_000 * RATE // 1000 // len(known[0]) + 1
    soundfile.write(tmp_path / "long.wav", np.tile(known[0], repeats), RATE, subtype="PCM_16")
    make().transcribe(tmp_path / "long.wav", "en", silent)
    lengths = [soundfile.info(io.BytesIO(asked["body"]["file"][0])).duration for asked in server.asked]
    assert lengths[0] > 30
    assert all(length <= 30 for length in lengths[1:])
    assert len(lengths) > 2


def test_the_language_is_the_servers_where_none_is_given(service: Made, speech: Path) -> None:
    make, server = service
    script = make().transcribe(speech, None, silent)
    assert script.language == "en"
    assert "language" not in server.asked[0]["body"]
    assert script.notes == ("The language was detected as English.",)
    server.language = "es"
    assert make().transcribe(speech, None, silent).language == "es"


@pytest.mark.parametrize("answer", [{"text": "Hello."}, {"text": "Hello.", "languages": []}, {"language": 7}, [], 1])
def test_a_server_that_tells_no_language_needs_to_be_told(service: Made, speech: Path, answer: Any) -> None:
    make, server = service
    server.faults = [(200, answer)]
    with pytest.raises(UnsupportedError, match="does not return the language") as caught:
        make().transcribe(speech, None, silent)
    assert "--from" in caught.value.fix


def answered(text: str, language: str, sure: float) -> dict[str, Any]:
    """What a server says of a stretch of a second or more."""
    words = [{"word": word, "start": 0.8 + at / 5, "end": 1.0 + at / 5} for at, word in enumerate(text.split())]
    return {
        "language": language,
        "segments": [{"start": 0.8, "end": 2.0, "text": text, "avg_logprob": sure, "words": words}],
    }


@pytest.fixture
def in_turns(known: tuple[np.ndarray, Any], tmp_path: Path) -> Path:
    """The two sentences twice, and once more, with a second and a half of silence between."""
    pause = np.zeros(RATE * 3 // 2, np.float32)
    parts = [part for _ in range(3) for part in (known[0], pause)]
    soundfile.write(tmp_path / "turns.wav", np.concatenate(parts), RATE, subtype="PCM_16")
    return tmp_path / "turns.wav"


def test_each_stretch_is_in_the_language_that_the_server_hears_in_it(service: Made, in_turns: Path) -> None:
    make, server = service
    server.faults = [
        (200, answered("Buenos días.", "spanish", -0.2)),  # the first one is not the script's
        (200, answered("Good morning.", "english", -0.2)),
        (200, answered("Good day.", "english", -0.3)),
        (200, answered("Good days.", "english", -0.7)),  # the first again, in the script's
    ]
    script = make().transcribe(in_turns, None, silent)
    assert script.language == "en"
    assert [(line.text, line.language) for line in script.lines] == [
        ("Buenos días.", "es"),
        ("Good morning.", ""),
        ("Good day.", ""),
    ]
    assert [asked["body"].get("language") for asked in server.asked] == [None, None, None, ["en"]]
    assert script.notes[0] == "The language was detected as English."
    assert script.notes[1].startswith("Spanish is spoken at 0.")


def test_a_stretch_that_is_understood_better_in_the_language_of_the_rest_is_in_it(
    service: Made, in_turns: Path
) -> None:
    make, server = service
    server.faults = [
        (200, answered("Good morning.", "english", -0.2)),
        (200, answered("Gud moning.", "welsh", -0.9)),  # an accent
        (200, answered("Good day.", "english", -0.3)),
        (200, answered("Good evening.", "english", -0.4)),
    ]
    script = make().transcribe(in_turns, None, silent)
    assert texts(script) == ["Good morning.", "Good evening.", "Good day."]
    assert {line.language for line in script.lines} == {""}
    assert script.notes == ("The language was detected as English.",)


def test_a_stretch_of_no_told_language_is_heard_in_that_of_the_rest(service: Made, in_turns: Path) -> None:
    make, server = service
    server.faults = [
        (200, answered("Good morning.", "english", -0.2)),
        (200, {"text": ""}),
        (200, answered("Good day.", "english", -0.3)),
        (200, answered("Good evening.", "english", -0.4)),
    ]
    assert texts(make().transcribe(in_turns, None, silent)) == ["Good morning.", "Good evening.", "Good day."]


def test_silence_is_not_sent(service: Made, tmp_path: Path) -> None:
    make, server = service
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE * 3), RATE)
    assert make().transcribe(tmp_path / "quiet.wav", "en", silent).lines == ()
    assert server.asked == []


def test_what_is_paid_is_billed_by_the_second_that_was_sent(service: Made, speech: Path) -> None:
    make, _ = service
    with metered() as meter:
        make().transcribe(speech, "en", silent)
        make(paid=False).transcribe(speech, "en", silent)
    (bill,) = meter.usage().bills
    assert bill.provider == "openai/small"
    assert 3 < bill.units["seconds"] < soundfile.info(speech).duration


def test_a_busy_server_is_asked_again_and_a_refusal_is_told_without_the_key(
    service: Made, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)
    make, server = service
    server.faults = [(503, {"error": "loading"}, {"Retry-After": "0"})]
    assert make().transcribe(speech, "en", silent).lines
    for fault, kind in [
        ((413, {"error": {"message": f"too large {KEY}"}}), PermanentError),
        ((401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}), MissingBackendError),
        ((200, "not JSON"), ProviderBusyError),
    ]:
        server.faults = [fault] * 2
        with pytest.raises(kind) as caught:
            make(key_variable="MY_API_KEY").transcribe(speech, "en", silent)
        assert KEY not in f"{caught.value!r} {caught.value.args} {getattr(caught.value, 'data', '')}"
    assert server.asked[-1]["headers"]["Authorization"] == f"Bearer {KEY}"


def test_marks_that_stand_before_and_after_words_are_found_in_the_text() -> None:
    words = [("Dónde", 0.0, 0.5), ("está", 0.5, 1.0), ("Aquí", 2.0, 2.5), ("dijo", 2.5, 3.0)]
    answer = {
        "text": "¿Dónde está? «Aquí», dijo.",
        "words": [{"word": word, "start": start, "end": end} for word, start, end in words],
    }
    (passage,) = passages(answer, 3.0, spaced=True)
    assert [word for word, _, _ in passage.words] == [" ¿Dónde", " está?", " «Aquí»,", " dijo."]


def test_languages_without_spaces_get_none() -> None:
    answer = {
        "segments": [{"start": 0, "end": 2, "text": "今日は、いい天気。"}],
        "words": [
            {"word": word, "start": at / 2, "end": at / 2 + 0.5}
            for at, word in enumerate(["今日", "は", "いい", "天気"])
        ],
    }
    (passage,) = passages(answer, 2.0, spaced=False)
    assert "".join(word for word, _, _ in passage.words) == "今日は、いい天気。"


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_TIMED = st.fixed_dictionaries(
    {"start": _LEAVES, "end": _LEAVES},
    optional={"text": _LEAVES, "word": _LEAVES, "words": _LEAVES, "no_speech_prob": _LEAVES},
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "text": _LEAVES,
            "segments": _LEAVES | st.lists(_TIMED, max_size=3),
            "words": st.lists(_TIMED, max_size=4),
        },
    )
    | _LEAVES
)
def test_whatever_a_server_answers_times_stay_within_the_stretch_and_in_order(answer: Any) -> None:
    for passage in passages(answer, 5.0, spaced=True):
        times = [(passage.start_s, passage.end_s), *((start, end) for _, start, end in passage.words)]
        assert all(0 <= start <= end <= 5.0 for start, end in times)
        assert passage.text.strip() or passage.words


def test_aligned_words_run_forward(service: Made, speech: Path) -> None:
    make, server = service
    server.shape = "segments"
    script = make().transcribe(speech, "en", silent)
    words = [word for line in script.lines for word in line.words]
    assert all(before.end_ms <= after.start_ms for before, after in itertools.pairwise(words))
