from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lipsync_engine.speech import espeak


def test_the_phones_tile_the_audio_from_start_to_end():
    spoken = espeak.synthesize("Buenos días, mi nombre es Pablo.", "es")
    assert spoken.phones[0].start_ms == 0
    assert all(a.end_ms == b.start_ms for a, b in zip(spoken.phones, spoken.phones[1:], strict=False))
    assert spoken.phones[-1].end_ms == round(len(spoken.samples) * 1000 / spoken.sample_rate_hz)
    assert "".join(p.ipa for p in spoken.phones).startswith("bwenos")
    assert [p.ipa for p in spoken.phones].count("p") == 1


def test_a_silence_in_the_timeline_is_silent_in_the_audio():
    spoken = espeak.synthesize("Hola. Adiós.", "es")
    pause = max((p for p in spoken.phones if not p.ipa), key=lambda p: p.end_ms - p.start_ms)
    middle = (pause.start_ms + pause.end_ms) // 2 * spoken.sample_rate_hz // 1000
    loud = np.abs(spoken.samples).max()
    assert np.abs(spoken.samples[middle - 200 : middle + 200]).max() < 0.02 * loud


def _level(spoken: espeak.SpokenText, start_ms: int, end_ms: int) -> float:
    """Root mean square of a stretch, as a share of the loudest sample."""
    first, last = (ms * spoken.sample_rate_hz // 1000 for ms in (start_ms, end_ms))
    return float(np.sqrt(np.square(spoken.samples[first:last]).mean()) / np.abs(spoken.samples).max())


@pytest.mark.parametrize(
    ("language", "text"),
    [("es", "La capa tapa la pipa"), ("en-us", "A copper cup of tea"), ("de", "Mit dem Papa in die Kutsche"),
     ("fr", "Un petit chapeau au coin"), ("it", "Otto topi e un gatto"), ("pt-BR", "O pato come a pipoca")],
)  # fmt: skip
def test_a_voiceless_stop_begins_where_the_sound_before_it_falls_silent(language: str, text: str):
    spoken = espeak.synthesize(text, language)
    stops = [(a, b) for a, b in itertools.pairwise(spoken.phones) if b.ipa[:1] in tuple("ptk") and a.ipa]
    assert len(stops) >= 3
    for before, stop in stops:
        assert _level(spoken, stop.start_ms, stop.start_ms + 20) < 0.02, (before, stop)
        assert _level(spoken, before.start_ms, before.end_ms) > 0.01, (before, stop)
        assert before.end_ms - before.start_ms >= 20


def test_a_pause_stays_a_pause_before_a_stop():
    spoken = espeak.synthesize("Hola. Papa.", "es")
    pause, stop = next((a, b) for a, b in itertools.pairwise(spoken.phones) if b.ipa == "p" and not a.ipa)
    assert _level(spoken, pause.start_ms, pause.end_ms) < 0.002 < _level(spoken, stop.start_ms, stop.start_ms + 15)


def test_a_word_that_begins_with_a_stop_begins_with_its_closure():
    spoken = espeak.synthesize("la papa tapa", "es")
    starts = {phone.start_ms for phone in spoken.phones}
    assert all(word.start_ms in starts for word in spoken.words)
    assert spoken.words[1].start_ms == next(phone.start_ms for phone in spoken.phones if phone.ipa == "p")


def test_the_same_call_gives_the_same_samples_whatever_was_spoken_before():
    first = espeak.synthesize("Hello, my mother said.", "en-us")
    for text, voice in [("Bonjour", "fr"), ("Guten Tag", "de+f3"), ("你好", "cmn")]:
        espeak.synthesize(text, voice, rate_wpm=300, pitch=90)
    again = espeak.synthesize("Hello, my mother said.", "en-us")
    assert np.array_equal(first.samples, again.samples)
    assert first.phones == again.phones


def test_threads_do_not_disturb_each_other():
    texts = [("Hola amigo, buenos días.", "es"), ("Good morning, my friend.", "en-us"), ("Bonjour mon ami.", "fr")]
    alone = [espeak.synthesize(*job) for job in texts]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda job: espeak.synthesize(*job), texts * 4))
    for index, spoken in enumerate(together):
        assert np.array_equal(spoken.samples, alone[index % 3].samples)


def test_markup_and_phoneme_notation_are_text():
    plain = espeak.synthesize("hola", "es")
    marked = espeak.synthesize('<break time="5s"/>hola', "es")
    assert sum(1 for p in marked.phones if p.ipa) > sum(1 for p in plain.phones if p.ipa)
    assert max((p.end_ms - p.start_ms for p in marked.phones if not p.ipa), default=0) < 1000
    assert [p.ipa for p in espeak.synthesize("[[a]]", "es").phones] != ["a"]


def test_words_have_their_place_in_the_text():
    text = "Mañana será otro día"
    words = espeak.synthesize(text, "es").words
    assert [text[w.text_start : w.text_end] for w in words] == text.split()
    assert all(a.start_ms < b.start_ms for a, b in itertools.pairwise(words))


def test_rate_and_pitch_and_variant_change_the_voice():
    plain = espeak.synthesize("Una frase bastante larga.", "es")
    fast = espeak.synthesize("Una frase bastante larga.", "es", rate_wpm=300)
    other = espeak.synthesize("Una frase bastante larga.", "es+f3", pitch=70)
    assert len(fast.samples) < 0.75 * len(plain.samples)
    length = min(len(plain.samples), len(other.samples))
    assert not np.allclose(plain.samples[:length], other.samples[:length])


def test_nothing_to_say_is_no_sound():
    assert espeak.synthesize("  \n", "es").phones == ()
    assert len(espeak.synthesize("", "es").samples) == 0


@pytest.mark.parametrize(
    ("tag", "voice"),
    [
        ("es", "roa/es"), ("es-419", "roa/es-419"), ("es-MX", "roa/es-419"), ("es_AR", "roa/es-419"),
        ("es-ES", "roa/es"), ("pt-BR", "roa/pt-BR"), ("pt-PT", "roa/pt"), ("pt", "roa/pt"), ("zh", "sit/cmn"),
        ("zh-Hans-CN", "sit/cmn"), ("zh-HK", "sit/yue"), ("ja", "jpx/ja"), ("en-US", "gmw/en-US"),
        ("en", "gmw/en"), ("fr-CA", "roa/fr"), ("no", "gmq/nb"), ("sr-Latn-RS", "zls/sr"), ("ar-EG", "sem/ar"),
    ],
)  # fmt: skip
def test_a_language_tag_finds_its_voice(tag: str, voice: str):
    assert espeak.voice_for(tag) == voice


def test_a_voice_per_speaker_is_a_variant_of_the_language():
    assert espeak.voice_for("es-419", "f3") == "roa/es-419+f3"
    assert {"f2", "f3", "m3", "m4"} <= set(espeak.variants())


@pytest.mark.parametrize("call", [lambda: espeak.voice_for("xx-YY"), lambda: espeak.voice_for("es", "nobody"),
                                  lambda: espeak.synthesize("hola", "klingonese"),
                                  lambda: espeak.synthesize("hola", "es+nobody")])  # fmt: skip
def test_an_unknown_voice_is_refused_by_name(call):
    with pytest.raises(espeak.UnknownVoiceError, match=r"xx-YY|nobody|klingonese"):
        call()


def test_every_listed_voice_can_speak():
    listed = espeak.voices()
    assert len({v.identifier for v in listed}) == len(listed) > 100
    assert not {"gmq/fo", "trk/kaa"} & {v.identifier for v in listed}, "voices without a dictionary"
