"""Speech by a server with OpenAI's interface: what is asked, what is made of the answers, and no key anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.profile import PaceSettings
from tasks.keep.store import Store
from tasks.machine.meter import metered
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.records.script import Line, Speaker
from tasks.synthesize import Manner, Synthesizer, synthesizer
from tasks.synthesize.takes import VoiceSession
from tests.openai_audio import KEY, VOICES, encoded, openai_audio

TEXT = "Good morning, and welcome back."
QUICK = {"tries": 2, "longest_pause_s": 0.05, "deadline_s": 20.0}
Made = tuple[Callable[..., Synthesizer], Any]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_audio() as (url, server):
        given = {"model": "small", "url": url, "voices": list(VOICES), **QUICK}
        yield lambda **options: synthesizer("openai", {**given, **options}), server


def say(backend: Synthesizer, folder: Path, text: str = TEXT, voice: str = "alloy", **more: Any) -> Any:
    return backend.synthesize(text, voice, more.pop("language", "es"), folder / "line.wav", **more)


def test_only_what_every_server_knows_is_sent_and_the_silence_around_the_answer_goes(
    service: Made, tmp_path: Path
) -> None:
    make, server = service
    spoken = say(make(), tmp_path)
    (asked,) = server.asked
    assert asked["path"] == "/v1/audio/speech"
    assert asked["body"] == {"model": "small", "input": TEXT, "voice": "alloy", "response_format": "wav"}
    assert "Authorization" not in asked["headers"]
    assert spoken.duration_ms == pytest.approx(60 * len(TEXT) + 30, abs=25)  # half a second before and after is cut
    assert soundfile.info(spoken.audio).samplerate == 24_000


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "opus", "aac", "pcm"])
def test_every_format_is_decoded_to_the_same_length(service: Made, tmp_path: Path, form: str) -> None:
    make, server = service
    spoken = say(make(response_format=form), tmp_path)
    assert server.asked[0]["body"]["response_format"] == form
    assert spoken.duration_ms == pytest.approx(60 * len(TEXT) + 30, abs=100)  # lossy codecs ring at the ends
    assert [path.name for path in tmp_path.iterdir()] == ["line.wav"]


@pytest.mark.parametrize(("asked", "came"), [("pcm", "wav"), ("mp3", "wav"), ("wav", "mp3")])
def test_a_server_that_answers_in_another_format_than_asked_is_understood(
    service: Made, tmp_path: Path, asked: str, came: str
) -> None:
    make, server = service
    server.faults = [(200, encoded(0.2 * np.sin(np.arange(48_000) / 20), came))]
    assert say(make(response_format=asked), tmp_path).duration_ms == pytest.approx(2000, abs=60)


def test_a_streamed_wav_without_its_length_is_read_to_its_end(service: Made, tmp_path: Path) -> None:
    make, server = service
    whole = bytearray(encoded(0.2 * np.sin(np.arange(48_000) / 20), "wav"))
    whole[4:8] = whole[40:44] = b"\xff\xff\xff\xff"
    server.faults = [(200, bytes(whole))]
    assert say(make(), tmp_path).duration_ms == pytest.approx(2000, abs=60)


def test_instructions_and_extra_fields_tell_language_mood_and_reading(service: Made, tmp_path: Path) -> None:
    make, server = service
    server.known = {"seed", "language", "exaggeration"}
    extra = {"seed": 7, "language": "{language}", "exaggeration": 0.5}
    backend = make(instructions="Speak {language} {mood}.", extra=extra)
    assert backend.facts.spirited
    say(backend, tmp_path, manner=Manner(reading=2, energy=1.0), language="pt-BR")
    say(backend, tmp_path, manner=Manner(energy=-0.5), language="pt-BR")
    lively, calm = (asked["body"] for asked in server.asked)
    assert lively["instructions"] == "Speak Portuguese with much energy."
    assert calm["instructions"] == "Speak Portuguese calmly."
    assert (lively["seed"], lively["language"], lively["exaggeration"]) == (9, "Portuguese", 0.5)


def test_speed_is_sent_where_asked_for_and_within_what_the_server_takes(service: Made, tmp_path: Path) -> None:
    make, server = service
    assert not make().facts.paces
    backend = make(follow_pace=True, speeds=[1.0, 2.0])
    assert backend.facts.paces
    plain, fast = say(backend, tmp_path), say(backend, tmp_path, pace=1.25)
    say(backend, tmp_path, pace=0.8)
    assert [asked["body"]["speed"] for asked in server.asked] == [1.0, 1.25, 1.0]
    assert fast.duration_ms == pytest.approx(plain.duration_ms / 1.25, abs=30)


def test_lines_are_fitted_by_the_servers_own_speed(service: Made, tmp_path: Path) -> None:
    make, _ = service
    tmp_path.joinpath("work").mkdir()
    session = VoiceSession(
        Store(tmp_path / "store"), make(follow_pace=True), "es", {"A": "alloy"}, {}, tmp_path / "work"
    )
    line = Line(id=1, start_ms=0, end_ms=round(60 * len(TEXT) / 1.08), text=TEXT, speaker="A")
    assert session.paced(line, 1.0, PaceSettings()).duration_ms == pytest.approx(line.end_ms, rel=0.03)


def test_speakers_get_voices_by_language_and_pitch_and_share_none_as_long_as_there_are_enough(service: Made) -> None:
    make, _ = service
    cast = [Speaker(id="A", pitch_hz=110), Speaker(id="B", pitch_hz=220), Speaker(id="C", pitch_hz=115)]
    backend = make(voices={"es": ["alloy", "onyx", "nova"], "*": ["echo"]}, deep=["onyx"])
    assert backend.voices("es-MX", cast, {}) == {"A": "onyx", "B": "alloy", "C": "nova"}
    assert backend.voices("fr", cast, {}) == {"A": "echo", "B": "echo", "C": "echo"}
    assert make(voices=["alloy", "onyx"]).voices("es", [*cast, Speaker(id="D")], {})["D"] in ("alloy", "onyx")


def test_a_language_without_a_voice_is_another_backends(service: Made, tmp_path: Path) -> None:
    make, server = service
    backend = make(voices={"es": ["alloy"]})
    assert backend.facts.languages == {"es"}
    with pytest.raises(UnsupportedError, match="no voice for French"):
        backend.voices("fr", [], {})
    with pytest.raises(UnsupportedError, match="no voice for French"):
        say(backend, tmp_path, language="fr")
    assert not server.asked


@pytest.mark.parametrize("lists", [True, False])
def test_a_voice_that_is_not_there_is_named_with_those_that_are(service: Made, tmp_path: Path, lists: bool) -> None:
    make, server = service
    server.lists = lists
    with pytest.raises(UnsupportedError, match="'nobody' is not available") as caught:
        say(make(), tmp_path, voice="nobody")
    assert ("offers alloy, onyx" in caught.value.fix) is lists
    assert not (tmp_path / "line.wav").exists()


def test_a_long_line_goes_in_pieces_cut_at_sentences(service: Made, tmp_path: Path) -> None:
    make, server = service
    spoken = say(make(longest=50), tmp_path, "This is one sentence of a long line. And here another one follows it.")
    assert [asked["body"]["input"] for asked in server.asked] == [
        "This is one sentence of a long line.",
        "And here another one follows it.",
    ]
    assert spoken.duration_ms == pytest.approx(60 * (36 + 32) + 150 + 60, abs=40)


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, {"error": {"message": f"Incorrect API key provided: {KEY}."}}, MissingBackendError, "MY_API_KEY"),
        (429, {"error": {"message": f"{KEY} spent", "code": "insufficient_quota"}}, PermanentError, "quota"),
        (429, {"error": {"message": f"Rate limit of {KEY}"}}, ProviderBusyError, r"too many requests \(Rate limit"),
        (400, {"error": {"message": f"bad\x1b[31m input {KEY}"}}, PermanentError, r"bad\\u001b\[31m input \*\*\*$|bad"),
        (422, {"detail": [{"loc": ["body", "speed"], "msg": f"too small {KEY}"}]}, PermanentError, "too small"),
        (400, {"detail": f"Unsupported model of {KEY}"}, PermanentError, "400.: Unsupported model of"),
        (400, {"detail": {"error": {"message": f"no text {KEY}"}}}, PermanentError, "400.: no text"),
        (500, {"error": f"out of memory {KEY}"}, ProviderBusyError, r"status 500 \(out of memory"),
        (503, "<html>busy</html>", ProviderBusyError, "status 503.$"),
        (307, "", PermanentError, "redirect"),
    ],
)
def test_errors_say_what_the_server_says_and_never_the_key(
    service: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: Any, kind: type, says: str
) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)
    make, server = service
    server.faults = [(status, body, {"Location": "http://127.0.0.1:9/"})] * 5
    with pytest.raises(kind, match=says) as caught:
        say(make(key_variable="MY_API_KEY", tries=1), tmp_path)
    assert type(caught.value) is kind
    assert "\x1b" not in str(caught.value)
    assert KEY not in f"{caught.value!r} {caught.value.args} {getattr(caught.value, 'data', '')}"
    assert server.asked[0]["headers"]["Authorization"] == f"Bearer {KEY}"
    assert not (tmp_path / "line.wav").exists()


def test_a_busy_server_is_asked_again(service: Made, tmp_path: Path) -> None:
    make, server = service
    server.faults = [(503, {"error": "loading"}, {"Retry-After": "0"})]
    assert say(make(), tmp_path).duration_ms
    assert len(server.asked) == 2


@pytest.mark.parametrize("answer", ["", '{"text": "hello"}', "#EXTM3U\nfile:///etc/passwd\n", b"RIFF\x00\x00", b"ID3"])
def test_an_answer_without_sound_is_no_line(service: Made, tmp_path: Path, answer: Any) -> None:
    make, server = service
    server.faults = [(200, answer)] * 2
    with pytest.raises(PermanentError, match="not audio"):
        say(make(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_silence_is_no_line(service: Made, tmp_path: Path) -> None:
    make, server = service
    server.faults = [(200, encoded(np.zeros(24_000), "wav"))]
    with pytest.raises(PermanentError, match="silence"):
        say(make(), tmp_path)


def test_no_more_is_read_or_decoded_than_a_line_can_be(service: Made, tmp_path: Path) -> None:
    make, server = service
    minutes = encoded(np.zeros(24_000 * 300, np.float32), "flac")  # of silence: some kilobytes
    server.faults = [(200, minutes)] * 2 + [(200, b"RIFF" + bytes(20_000_000))] * 2
    with pytest.raises(PermanentError, match="not a reading of this line"):
        say(make(), tmp_path)
    with pytest.raises(ProviderBusyError, match="more than"):
        say(make(), tmp_path)


def test_an_answer_that_talks_on_is_asked_for_once_more_and_paid_twice(service: Made, tmp_path: Path) -> None:
    make, server = service
    server.faults = [(200, encoded(0.2 * np.sin(np.arange(24_000 * 60) / 20), "wav"))]
    with metered() as meter:
        assert say(make(), tmp_path).duration_ms < 3000
    assert len(meter.usage().bills) == 2


def test_what_is_paid_is_billed_by_characters_and_seconds_and_a_free_server_bills_nothing(
    service: Made, tmp_path: Path
) -> None:
    make, _ = service
    with metered() as meter:
        spoken = say(make(), tmp_path)
        assert say(make(paid=False), tmp_path).characters == 0
    (bill,) = meter.usage().bills
    assert spoken.characters == len(TEXT)
    assert bill.provider == "openai/small"
    assert bill.units["characters"] == len(TEXT)
    assert bill.units["seconds"] == pytest.approx(0.06 * len(TEXT) + 1, abs=0.05)


def test_nothing_to_say_is_not_sent(service: Made, tmp_path: Path) -> None:
    make, server = service
    with pytest.raises(UnsupportedError, match="nothing to pronounce"):
        say(make(), tmp_path, "♪ ...")
    assert server.asked == []


def test_openais_own_address_needs_a_key_and_the_key_is_no_part_of_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend = synthesizer("openai", {"model": "tts-1", "voices": ["alloy"]})
    assert "OPENAI_API_KEY" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="needs a key"):
        say(backend, tmp_path)
    known = backend.fingerprint()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert backend.missing() == []
    assert backend.fingerprint() == known
    assert KEY not in known


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "voices"),
        ({"voices": []}, "at least one"),
        ({"voices": {"es": []}}, "at least one"),
        ({"voices": ["a"], "speeds": [1.2, 2.0]}, "with 1 between"),
        ({"voices": ["a"], "extra": {"input": "x"}}, "input cannot be set"),
        ({"voices": ["a"], "extra": {"stream": True}}, "stream cannot be set"),
        ({"voices": ["a"], "key_variable": "AWS_SECRET_ACCESS_KEY"}, "key_variable"),
        ({"voices": ["a"], "url": "file:///etc/passwd"}, "url"),
        ({"voices": ["a"], "api_key": KEY}, "api_key"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError, match=says) as caught:
        synthesizer("openai", {"model": "small", **options})
    assert KEY not in str(caught.value)
