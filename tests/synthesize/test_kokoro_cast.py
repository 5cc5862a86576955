"""Kokoro's voices by their likeness to the speakers, no two alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from configs.kokoro import SpokenLanguage, kokoro
from configs.kokoro_voices import Sound, kokoro_voices, sound_of
from tasks.records.script import Speaker
from tasks.synthesize import kokoro_cast
from tasks.synthesize.kokoro_cast import APART, apart, match, own_voices

TABLE = SpokenLanguage(female=("af_one", "af_two"), male=("am_one", "am_two"))


def direction(*at: tuple[int, float]) -> np.ndarray:
    vector = np.zeros(256)
    for place, value in at:
        vector[place] = value
    return vector / np.linalg.norm(vector)


SOUNDS = {
    "af_one": Sound(direction((0, 1.0)), 220.0),
    "af_two": Sound(direction((0, 1.0), (1, 1.0)), 190.0),
    "am_one": Sound(direction((2, 1.0)), 110.0),
    "am_two": Sound(direction((2, 1.0), (3, 1.0)), 130.0),
}


@pytest.fixture(autouse=True)
def _sounds(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def made_up(voice: str) -> Sound | None:
        parts = [SOUNDS[name] for name in voice.split("+") if name in SOUNDS]
        if len(parts) < len(voice.split("+")):
            return None
        middle = np.mean([part.direction for part in parts], axis=0)
        return Sound(middle / np.linalg.norm(middle), float(np.exp(np.mean([np.log(one.pitch_hz) for one in parts]))))

    if "real" not in request.node.name:
        monkeypatch.setattr(kokoro_cast, "sound_of", made_up)


def test_the_voice_that_is_most_like_the_speaker_is_chosen_mixtures_included() -> None:
    for name in ("af_two", "am_one", "am_one+am_two"):
        sound = kokoro_cast.sound_of(name)
        assert sound is not None
        found = match(TABLE, [Speaker(id="A", pitch_hz=sound.pitch_hz)], {"A": sound.direction})
        assert found.voices == {"A": name}
        assert found.notes[0].endswith("A 1.00.")


def test_two_speakers_who_sound_the_same_do_not_sound_alike_in_the_dub() -> None:
    speakers = [Speaker(id=str(number), pitch_hz=115.0) for number in range(3)]
    found = match(TABLE, speakers, dict.fromkeys("012", SOUNDS["am_one"].direction))
    sounds = [kokoro_cast.sound_of(voice) for voice in found.voices.values()]
    assert all(apart(one, other) >= APART for one, other in combinations(sounds, 2) if one and other)


def test_a_voice_that_is_taken_and_those_like_it_are_not_given() -> None:
    asked = [Speaker(id="A", pitch_hz=110.0)]
    assert match(TABLE, asked, {"A": SOUNDS["am_one"].direction}, ["am_one"]).voices["A"] != "am_one"


def test_too_few_voices_are_told() -> None:
    speakers = [Speaker(id=str(number), pitch_hz=115.0) for number in range(12)]
    found = match(TABLE, speakers, {})
    assert len(found.voices) == 12
    assert "too few voices" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("tag", "men", "women"), [("it", 4, 4), ("pt", 3, 4), ("fr", 3, 4), ("de", 4, 4), ("hi", 6, 3)]
)
def test_the_real_cast_of_a_film_sounds_like_as_many_people_each_of_their_sex(tag: str, men: int, women: int) -> None:
    deep, high = (
        (Speaker(id=f"M{n}", pitch_hz=118.0) for n in range(men)),
        (Speaker(id=f"F{n}", pitch_hz=208.0) for n in range(women)),
    )
    found = match(kokoro().languages[tag], [*deep, *high], {})
    sounds = [sound_of(voice) for voice in found.voices.values()]
    assert min(apart(one, other) for one, other in combinations(sounds, 2) if one and other) >= APART
    assert {who[0].lower() + voice[1] for who, voice in found.voices.items()} == {"mm", "ff"}


def test_without_a_sample_the_pitch_chooses_and_without_both_turns_are_taken() -> None:
    found = match(TABLE, [Speaker(id="A", pitch_hz=112.0), Speaker(id="B", pitch_hz=218.0)], {})
    assert found.voices == {"A": "am_one", "B": "af_one"}
    assert [voice[1] for voice in match(TABLE, [Speaker(id="A"), Speaker(id="B")], {}).voices.values()] == ["f", "m"]


def test_a_man_is_not_given_a_womans_voice_however_like_him_it_is() -> None:
    asked = [Speaker(id="A", pitch_hz=140.0)]
    assert match(TABLE, asked, {"A": SOUNDS["af_two"].direction}).voices["A"].startswith("am_")


def test_a_voice_that_was_never_measured_is_deep_or_not() -> None:
    table = SpokenLanguage(female=("xf_new",), male=("xm_new",))
    assert match(table, [Speaker(id="A", pitch_hz=118.0)], {}).voices == {"A": "xm_new"}


def test_the_same_speakers_get_the_same_voices() -> None:
    speakers = [Speaker(id=str(number), pitch_hz=100.0 + 20 * number) for number in range(6)]
    assert match(TABLE, speakers, {}) == match(TABLE, speakers, {})


@pytest.mark.parametrize("tag", kokoro().languages)
def test_every_real_voice_has_a_sound_of_its_own(tag: str) -> None:
    table = kokoro().languages[tag]
    assert set(table.female + table.male) <= set(kokoro_voices())
    if tag in ("en", "es"):
        deep = {sound_of(name).pitch_hz for name in table.male}  # type: ignore[union-attr]
        high = {sound_of(name).pitch_hz for name in table.female}  # type: ignore[union-attr]
        assert max(deep) < min(high)
        assert len(own_voices(table)["male"]) == len(table.male) * (len(table.male) + 1) // 2
