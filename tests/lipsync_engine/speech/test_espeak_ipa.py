"""IPA for eSpeak NG: what a voice says when told its own IPA is what it said by itself."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.speech import espeak
from lipsync_engine.speech.espeak import SpokenText, UnknownSoundError


def ipa(spoken: SpokenText) -> str:
    return "".join({2: "ˈ", 1: "ˌ"}.get(phone.stress, "") + phone.ipa for phone in spoken.phones)


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        ("gmw/en-US", "good morning everybody this beautiful thing"),
        ("roa/es", "buenos días llegamos mañana ciudad"),
        ("roa/fr", "bonjour très heureux"),
        ("gmw/de", "guten morgen schöne bücher"),
    ],
)
def test_a_word_told_in_its_own_ipa_sounds_as_it_did(voice: str, words: str) -> None:
    for word in words.split():
        by_rule = ipa(espeak.synthesize(word, voice))
        assert ipa(espeak.synthesize(word, voice, sounds=[(0, len(word), by_rule)])) == by_rule


def test_only_the_span_changes() -> None:
    text = "Hello Jordi, hello Jordi."
    told = ipa(espeak.synthesize(text, "gmw/en-US", sounds=[(6, 11, "ˈʒɔːɹdi")]))
    assert told.count("ʒˈɔː") == 2
    assert told.count("dʒˈɔː") == 1
    assert ipa(espeak.synthesize(text, "gmw/en-US")).count("dʒˈɔː") == 2


def test_stress_stands_where_it_is_told() -> None:
    assert ipa(espeak.synthesize("x", "roa/es", sounds=[(0, 1, "siˈatel")])) == "siˈatel"


def test_slashes_ties_and_a_typed_g_are_understood() -> None:
    assert ipa(espeak.synthesize("x", "roa/es", sounds=[(0, 1, "/ˈt͡ʃa.go/")])).startswith("tʃˈa")


def test_brackets_of_the_text_are_text_even_beside_sounds() -> None:
    plain = espeak.synthesize("Hola a [ [x] ] b", "roa/es")
    told = espeak.synthesize("Hola a [[x]] b", "roa/es", sounds=[(0, 4, "ˈola")])
    assert ipa(told).replace(" ", "")[-4:] == ipa(plain).replace(" ", "")[-4:]


def test_a_sound_that_the_voice_lacks_is_named() -> None:
    with pytest.raises(UnknownSoundError, match="'ʘ'"):
        espeak.synthesize("x", "roa/es", sounds=[(0, 1, "ʘa")])


def test_the_melody_widens() -> None:
    flat, lively = (espeak.synthesize("What a day this is!", "gmw/en-US", pitch_range=width) for width in (10, 90))
    assert not np.array_equal(flat.samples, lively.samples)
