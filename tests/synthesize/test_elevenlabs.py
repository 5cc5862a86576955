"""ElevenLabs against a local server: what is asked, what is paid for, what its errors become, and no key anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.keep.store import Store
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.records.script import Line, Speaker
from tasks.synthesize import Manner, Synthesizer, synthesizer
from tasks.synthesize.takes import VoiceSession
from tests.synthesize.eleven_labs import KEY, eleven_labs

TEXT = "Good morning, and welcome back."
Made = tuple[Callable[..., Synthesizer], Any]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)
    with eleven_labs() as (url, server):
        yield lambda **options: synthesizer("elevenlabs", {"url": url, "longest_pause_s": 1, **options}), server


def say(backend: Synthesizer, folder: Path, text: str = TEXT, voice: str = "aria", **more: Any) -> Any:
    return backend.synthesize(text, voice, more.pop("language", "es"), folder / "line.wav", **more)


def session(backend: Synthesizer, folder: Path) -> VoiceSession:
    folder.joinpath("work").mkdir(exist_ok=True)
    return VoiceSession(Store(folder / "store"), backend, "es", {"A": "aria"}, {}, folder / "work")


def test_the_request_is_as_documented_and_the_silence_around_the_answer_goes(service: Made, tmp_path: Path) -> None:
    make, server = service
    spoken = say(make(seed=3), tmp_path)
    (asked,) = server.asked
    assert asked["headers"]["xi-api-key"] == KEY
    assert asked["body"] == {
        "text": TEXT,
        "model_id": "eleven_multilingual_v2",
        "voice_settings": {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "speed": 1.0},
        "seed": 3,
    }
    assert spoken.duration_ms == pytest.approx(60 * len(TEXT) + 30, abs=25)  # half a second before and after is cut
    assert spoken.characters == len(TEXT)
    assert soundfile.info(spoken.audio).samplerate == 24_000


def test_models_that_take_the_language_are_told_it(service: Made, tmp_path: Path) -> None:
    make, server = service
    say(make(model="eleven_flash_v2_5"), tmp_path, language="pt-BR")
    assert server.asked[0]["body"]["language_code"] == "pt"


def test_energy_reading_and_pace_reach_the_service(service: Made, tmp_path: Path) -> None:
    make, server = service
    say(make(follow_pace=True), tmp_path, pace=1.1, manner=Manner(reading=2, energy=1.0))
    say(make(follow_pace=True), tmp_path, pace=2.0, manner=Manner(energy=-1.0))
    lively, subdued = (asked["body"] for asked in server.asked)
    assert (lively["seed"], lively["voice_settings"]["speed"]) == (2, 1.1)
    assert lively["voice_settings"]["stability"] < 0.5 < subdued["voice_settings"]["stability"]
    assert lively["voice_settings"]["style"] > subdued["voice_settings"]["style"] == 0.0
    assert subdued["voice_settings"]["speed"] == 1.2  # the fastest there is


def test_ipa_becomes_phoneme_tags_where_the_model_takes_them(service: Made, tmp_path: Path) -> None:
    make, server = service
    backend = make(model="eleven_flash_v2")
    assert backend.facts.ipa
    assert not make().facts.ipa
    say(backend, tmp_path, "Hello Jordi.", language="en", manner=Manner(ipa=((6, 11, "ˈʒɔɾdi"),)))
    assert server.asked[0]["body"]["text"] == 'Hello <phoneme alphabet="ipa" ph="ˈʒɔɾdi">Jordi</phoneme>.'
    with pytest.raises(UnsupportedError, match="only English"):
        say(backend, tmp_path, language="es")


def test_voices_follow_gender_or_the_options(service: Made) -> None:
    make, _ = service
    cast = [Speaker(id="A", pitch_hz=110), Speaker(id="B", pitch_hz=220), Speaker(id="C", pitch_hz=120)]
    assert make().voices("es", cast, {}) == {"A": "brian", "B": "aria", "C": "carl"}
    assert make(voices=["x", "y"]).voices("es", cast, {}) == {"A": "x", "B": "y", "C": "x"}


def test_a_line_is_bought_once(service: Made, tmp_path: Path) -> None:
    make, server = service
    line = Line(id=1, start_ms=0, end_ms=2000, text=TEXT, speaker="A")
    first = session(make(), tmp_path)
    take = first.take(line)
    again = session(make(), tmp_path)
    assert again.take(line) == take
    assert len(server.asked) == 1
    assert (first.characters, again.characters) == (len(TEXT), 0)
    again.take(line.model_copy(update={"text": "Something else."}))
    assert len(server.asked) == 2


def test_without_following_the_pace_a_line_costs_one_request(service: Made, tmp_path: Path) -> None:
    from configs.profile import PaceSettings

    make, server = service
    line = Line(id=1, start_ms=0, end_ms=9000, text=TEXT, speaker="A")
    session(make(), tmp_path).paced(line, 1.0, PaceSettings())
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, {"detail": {"status": "invalid_api_key", "message": f"bad {KEY}"}}, MissingBackendError, "ELEVENLABS"),
        (401, {"detail": {"status": "quota_exceeded", "message": f"{KEY} has 0"}}, PermanentError, "quota"),
        (400, {"detail": {"status": "max_character_limit_exceeded", "message": KEY}}, PermanentError, "max_char"),
        (422, {"detail": [{"loc": ["body"], "msg": f"{KEY} no", "type": "x"}]}, PermanentError, "422"),
        (429, {"detail": {"status": "too_many_concurrent_requests", "message": KEY}}, ProviderBusyError, "too many"),
        (500, {"detail": KEY}, ProviderBusyError, "500"),
    ],
)
def test_errors_say_what_to_do_and_never_the_key(
    service: Made, tmp_path: Path, status: int, body: Any, kind: type[Exception], says: str
) -> None:
    make, server = service
    server.faults = [(status, body)] * 5
    with pytest.raises(kind, match=says) as caught:
        say(make(tries=1), tmp_path)
    assert type(caught.value) is kind
    assert KEY not in f"{caught.value!r} {caught.value.args} {getattr(caught.value, 'data', '')}"
    assert not (tmp_path / "line.wav").exists()


def test_a_busy_service_is_asked_again_and_paid_once(service: Made, tmp_path: Path) -> None:
    make, server = service
    server.faults = [
        (429, {"detail": {"status": "system_busy"}}, {"Retry-After": "0"}),
        (503, {}, {"Retry-After": "0"}),
    ]
    assert say(make(), tmp_path).characters == len(TEXT)
    assert len(server.asked) == 3


@pytest.mark.parametrize("answer", [{}, {"audio_base64": "%%%"}, {"audio_base64": ""}, [1], {"audio_base64": "AAA="}])
def test_an_answer_without_sound_is_no_line(service: Made, tmp_path: Path, answer: Any) -> None:
    make, server = service
    server.faults = [(200, answer)]
    with pytest.raises(PermanentError):
        say(make(), tmp_path)
    assert not (tmp_path / "line.wav").exists()


def test_a_voice_of_another_account_is_named(service: Made, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"no voice '\.\./x'"):
        say(service[0](), tmp_path, voice="../x")


def test_nothing_to_say_is_not_sent(service: Made, tmp_path: Path) -> None:
    make, server = service
    with pytest.raises(UnsupportedError, match="nothing to pronounce"):
        say(make(), tmp_path, "♪ ...")
    assert server.asked == []


def test_without_a_key_it_is_missing_and_the_key_is_no_part_of_the_fingerprint(
    service: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = service[0]()
    known = backend.fingerprint()
    assert KEY not in known
    monkeypatch.setenv("ELEVENLABS_API_KEY", "another")
    assert backend.fingerprint() == known
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    assert "ELEVENLABS_API_KEY" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="needs a key"):
        say(backend, tmp_path)


def test_a_key_in_the_profile_is_refused_unread() -> None:
    with pytest.raises(BadInputError, match="api_key") as caught:
        synthesizer("elevenlabs", {"api_key": KEY})
    assert KEY not in str(caught.value)


CAST = [Speaker(id="A", pitch_hz=110), Speaker(id="B", pitch_hz=220)]


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, Path]:
    for name, hz in (("A", 110), ("B", 220)):
        tone = 0.2 * np.sin(2 * np.pi * hz * np.arange(48_000) / 24_000)
        soundfile.write(tmp_path / f"{name}.wav", tone, 24_000)
    return {name: tmp_path / f"{name}.wav" for name in "AB"}


def clonings(server: Any) -> list[dict[str, Any]]:
    return [asked["body"] for asked in server.asked if asked["path"] == "/v1/voices/add"]


def test_a_speaker_is_cloned_once_from_a_clip_and_speaks_with_that_voice(
    service: Made, clips: dict[str, Path], tmp_path: Path
) -> None:
    make, server = service
    backend = make(clone=True)
    assert backend.facts.clones
    assert not make().facts.clones
    assert backend.fingerprint() != make().fingerprint()
    voices = backend.voices("es", CAST, {"A": clips["A"]})
    assert voices["A"] == "cloned0"
    assert voices["B"] in ("aria", "dora")  # no clip: a woman's voice of the account, and nobody's clone
    say(backend, tmp_path, voice=voices["A"])
    for language in ("fr", "ca"):
        assert make(clone=True).voices(language, CAST[:1], {"A": clips["A"]}) == {"A": "cloned0"}
    (sent,) = clonings(server)
    assert sent["files"] == clips["A"].read_bytes()
    assert re.fullmatch(r"polydub [0-9a-f]{16}", sent["name"])  # the service is told no name of a person
    assert make(clone=True).voices("es", CAST, clips) == {"A": "cloned0", "B": "cloned1"}


def test_a_voice_whose_making_was_not_answered_is_found_not_made_again(service: Made, clips: dict[str, Path]) -> None:
    make, server = service
    server.lost = [(503, {"detail": {"status": "system_busy", "message": "try later"}})]
    with pytest.raises(ProviderBusyError):
        make(clone=True).voices("es", CAST[:1], {"A": clips["A"]})
    assert make(clone=True).voices("es", CAST[:1], {"A": clips["A"]}) == {"A": "cloned0"}
    assert len(clonings(server)) == 1


def test_languages_side_by_side_clone_a_speaker_once(service: Made, clips: dict[str, Path]) -> None:
    make, server = service
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: make(clone=True).voices("es", CAST, clips)["A"], range(4)))
    assert set(found) == {"cloned0"}
    assert len(clonings(server)) == 2
