"""What every synthesizer promises, the fake included."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from tasks.records.errors import BadInputError, UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import BACKENDS, Synthesizer, synthesizer
from tests.openai_audio import VOICES, openai_audio
from tests.synthesize.eleven_labs import KEY, eleven_labs
from tests.tiny_coqui import save_tiny_vits

LINE = "Good morning, and welcome back."
CAST = [Speaker(id="A", pitch_hz=110.0), Speaker(id="B", pitch_hz=215.0), Speaker(id="C")]
#: What a backend must be told.
NEEDED = {"openai": {"model": "small", "voices": list(VOICES)}}
Make = Callable[[], Synthesizer]


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    options = {}
    with contextlib.ExitStack() as stack:
        if request.param == "coqui":
            options = {"model_path": str(save_tiny_vits(tmp_path_factory.mktemp("vits"))), "device": "cpu"}
        if request.param == "elevenlabs":
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("ELEVENLABS_API_KEY", KEY)
            options = {"url": stack.enter_context(eleven_labs())[0]}
        if request.param == "openai":
            options = {**NEEDED["openai"], "url": stack.enter_context(openai_audio())[0]}
        backend = synthesizer(request.param, options)
        if request.param == "kokoro" and backend.missing():
            pytest.skip("its weights come with `make setup`, which may be told to leave them out")
        assert not backend.missing()  # `make setup` installs it
        yield lambda: synthesizer(request.param, options)


def test_facts_name_the_backend_as_profiles_do_and_its_licences(make: Make) -> None:
    facts = make().facts
    assert facts.name in BACKENDS
    assert facts.code_licence
    assert facts.weights_licence


def test_a_fingerprint_is_the_same_for_the_same_options(make: Make) -> None:
    assert make().fingerprint() == make().fingerprint()


def test_an_unknown_option_is_refused(make: Make) -> None:
    with pytest.raises(BadInputError, match="bogus"):
        synthesizer(make().facts.name, {**NEEDED.get(make().facts.name, {}), "bogus": 1})


def test_every_speaker_gets_a_voice_the_same_on_every_run(make: Make) -> None:
    voices = make().voices("en", CAST, {})
    assert set(voices) == {"A", "B", "C"}
    assert voices == make().voices("en", CAST, {})


def test_a_line_becomes_a_mono_wav_of_the_length_it_says(make: Make, tmp_path: Path) -> None:
    backend = make()
    spoken = backend.synthesize(LINE, backend.voices("en", CAST, {})["A"], "en", tmp_path / "line.wav")
    info = soundfile.info(str(spoken.audio))
    assert info.channels == 1
    assert spoken.duration_ms == pytest.approx(info.frames * 1000 / info.samplerate, abs=1)
    assert spoken.duration_ms > 100
    assert [path.name for path in tmp_path.iterdir()] == ["line.wav"]


def test_phones_run_forward_inside_the_audio(make: Make, tmp_path: Path) -> None:
    backend = make()
    spoken = backend.synthesize(LINE, backend.voices("en", CAST, {})["A"], "en", tmp_path / "line.wav")
    at = 0
    for _ipa, start_ms, end_ms, stress in spoken.phones:
        assert at <= start_ms < end_ms <= spoken.duration_ms
        assert stress in (0, 1, 2)
        at = end_ms


def test_the_same_line_twice_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    voice = make().voices("en", CAST, {})["A"]
    first = make().synthesize(LINE, voice, "en", tmp_path / "1.wav")
    make().synthesize("Something else in between.", voice, "en", tmp_path / "other.wav")
    second = make().synthesize(LINE, voice, "en", tmp_path / "2.wav")
    assert first.audio.read_bytes() == second.audio.read_bytes()
    assert first.phones == second.phones


def test_a_longer_line_takes_longer(make: Make, tmp_path: Path) -> None:
    backend = make()
    voice = backend.voices("en", CAST, {})["A"]
    short = backend.synthesize("Yes.", voice, "en", tmp_path / "short.wav")
    long = backend.synthesize(f"{LINE} {LINE} {LINE}", voice, "en", tmp_path / "long.wav")
    assert long.duration_ms > 3 * short.duration_ms


def test_a_voice_that_does_not_exist_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="nobody"):
        make().synthesize(LINE, "nobody-at-all", "en", tmp_path / "line.wav")
    assert not list(tmp_path.iterdir())
