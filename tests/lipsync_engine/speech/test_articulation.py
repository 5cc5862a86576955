from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.records import Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.articulation import Target, segments, stressed, target, unknown_symbols
from lipsync_engine.speech.gestures import Touch, gestures_of, rests_of, touches_of

SENTENCES = {
    "af": "Goeie môre, hoe gaan dit met jou?", "ar": "صباح الخير، كيف حالك اليوم؟",
    "az": "Sabahınız xeyir, necəsiniz?", "bg": "Добро утро, как сте днес?", "bn": "শুভ সকাল, আপনি কেমন আছেন?",
    "ca": "Bon dia, em dic Jordi i m'encanta aquesta ciutat.", "cs": "Dobré ráno, řeka je dnes příjemná.",
    "cy": "Bore da, sut mae pawb yn Llanelli?", "da": "Godmorgen, hvordan har du det i dag?",
    "de": "Guten Morgen, schöne Bücher für alle Pferde.", "el": "Καλημέρα, τι κάνετε σήμερα;",
    "en-US": "Good morning, the vision of five thieves.", "es": "Buenos días, mi nombre es Pablo.",
    "et": "Tere hommikust, kuidas läheb?", "eu": "Egun on, zer moduz zaude?", "fa": "صبح بخیر، حال شما چطور است؟",
    "fi": "Hyvää huomenta, mitä kuuluu?", "fr": "Bonjour, un peu de feuilles et de l'œuvre.",
    "ga": "Dia dhuit ar maidin, conas atá tú?", "gu": "સુપ્રભાત, તમે કેમ છો?", "he": "בוקר טוב, מה שלומך היום?",
    "hi": "शुभ प्रभात, आप कैसे हैं? भाषा बहुत अच्छी है।", "hr": "Dobro jutro, kako ste danas?",
    "hu": "Jó reggelt, hogy vagy ma?", "hy": "Բարի լույս, ինչպե՞ս եք:", "id": "Selamat pagi, apa kabar?",
    "is": "Góðan daginn, hvað segir þú gott?", "it": "Buongiorno, gli gnocchi e lo sci.",
    "ja": "おはようございます、げんきですか。", "ka": "დილა მშვიდობისა, როგორ ხარ?",
    "kk": "Қайырлы таң, қалайсыз?", "ko": "안녕하세요, 좋은 아침입니다.", "lt": "Labas rytas, kaip sekasi?",
    "mk": "Добро утро, како сте?", "ms": "Selamat pagi, apa khabar?", "mt": "L-għodwa t-tajba, kif int?",
    "nl": "Goedemorgen, een schip in de ruige zee.", "no": "God morgen, kjære venner.",
    "pl": "Dzień dobry, szczęście i źródło.", "pt-BR": "Bom dia, a irmã do João não trabalha.",
    "pt-PT": "Bom dia, a irmã do João não trabalha.", "ro": "Bună dimineața, ce mai faci?",
    "ru": "Доброе утро, щука и жук. Мой муж.", "sk": "Dobré ráno, ako sa máte?",
    "sv": "God morgon, sju sköna sjuksköterskor.",
    "sw": "Habari za asubuhi, ng'ombe mbili?", "ta": "காலை வணக்கம், எப்படி இருக்கிறீர்கள்?",
    "te": "శుభోదయం, మీరు ఎలా ఉన్నారు?", "tr": "Günaydın, bugün nasılsınız? Şoför ağaç.",
    "uk": "Доброго ранку, як справи?", "ur": "صبح بخیر، آپ کیسے ہیں؟", "vi": "Chào buổi sáng, bạn có khỏe không?",
    "zh": "你好世界，我们去学校，吃鱼。", "yue": "早晨，你好嗎？",
}  # fmt: skip


def only(ipa: str) -> Target:
    (sound,) = segments(ipa)
    return target(sound)


@pytest.mark.parametrize("language", SENTENCES)
def test_every_phone_that_the_synthesiser_says_is_understood(language: str):
    spoken = espeak.synthesize(SENTENCES[language], espeak.voice_for(language))
    assert sum(1 for p in spoken.phones if p.ipa) > 5
    assert not unknown_symbols(spoken.phones)
    silent = {p.ipa for p in spoken.phones if p.ipa and not segments(p.ipa)}
    assert silent <= {"ʰ", "ʲ", "ː", "̃", "̩"}, "only marks may say nothing"


@pytest.mark.parametrize("ipa", ["p", "b", "m", "pʰ", "bʱ", "mʲ", "m̩", "ɓ", "k͡p", "ɡ͡b", "ʘ", "bː"])
def test_bilabials_must_close(ipa: str):
    assert only(ipa).contact == "closure"


@pytest.mark.parametrize("ipa", ["f", "v", "ɱ", "ʋ", "fʲ", "vː"])
def test_labiodentals_must_touch_the_teeth(ipa: str):
    assert only(ipa).contact == "labiodental"


@pytest.mark.parametrize("ipa", ["β", "ɸ", "w", "t", "k", "n", "s", "a", "u", "h", "ʔ"])
def test_other_sounds_have_no_contact(ipa: str):
    assert only(ipa).contact == ""


def test_the_wider_the_vowel_the_wider_the_mouth():
    openings = [only(v).aperture for v in ("i", "e", "ɛ", "æ", "a", "ɑ")]
    assert openings == sorted(openings)
    assert openings[-1] >= 3 * openings[0]
    assert only("u").jaw < only("o").jaw < only("ɔ").jaw < only("ɒ").jaw


def test_rounding_narrows_and_spreading_widens():
    for rounded, spread in [("u", "i"), ("y", "i"), ("o", "e"), ("ø", "e"), ("w", "j"), ("ʃ", "s")]:
        assert only(rounded).width < 0 < only(spread).width
        assert only(rounded).rounding > 0.4
        assert only(spread).rounding == 0


def test_the_tongue_alone_hardly_moves_the_lips():
    for tongue in ("t", "d", "n", "l", "k", "ɡ", "ŋ", "ʔ", "x"):
        assert only(tongue).lip_weight <= 0.15
    for lips in ("p", "f", "w", "u", "ʃ"):
        assert only(lips).lip_weight >= 0.8


def test_sibilants_keep_the_jaw_up():
    for sibilant in ("s", "z", "ʃ", "t͡s", "tʃ", "dʒ", "ʂ", "ɕ"):
        assert only(sibilant).jaw <= 0.12
        assert only(sibilant).jaw_weight >= 0.9


@pytest.mark.parametrize(("ipa", "like"), [("t͡ʃ", "ʃ"), ("tʃ", "ʃ"), ("ts", "s"), ("dʑ", "ʑ"), ("k͡p", "p"),
                                           ("aː", "a"), ("ɐ̃", "ɐ"), ("t̪ʰ", "t"), ("S", "ʃ"), ("g", "ɡ"),
                                           ("a51", "a")])  # fmt: skip
def test_what_cannot_be_seen_changes_nothing(ipa: str, like: str):
    assert only(ipa) == only(like)


def test_labialised_consonants_round():
    assert only("kʷ").rounding > 0.5
    assert only("k").rounding == 0


def test_a_diphthong_is_two_targets_and_an_affricate_of_the_lips_two_contacts():
    assert [round(target(s).aperture, 2) for s in segments("aɪ")] == [
        round(only("a").aperture, 2),
        round(only("ɪ").aperture, 2),
    ]
    assert [target(s).contact for s in segments("pf")] == ["closure", "labiodental"]


def test_an_unknown_symbol_is_its_nearest_and_is_counted():
    phones = [Phone("ȶ", 0, 50), Phone("語", 50, 100), Phone("ȶ", 100, 150), Phone("a", 150, 200)]
    assert unknown_symbols(phones) == {"ȶ": 2, "語": 1}
    assert target(segments("ȶ")[0]) == only("t")


@given(st.text(max_size=12))
def test_any_text_at_all_has_targets_within_bounds(text: str):
    for sound in segments(text):
        goal = target(sound)
        assert 0 <= goal.aperture <= 1
        assert -1 <= goal.width <= 1
        assert 0 <= goal.jaw <= 1
        assert 0 < goal.lip_weight <= 1
        assert 0 < goal.jaw_weight <= 1


def test_stress_opens_and_its_lack_closes():
    vowel = only("a")
    sizes = [stressed(vowel, stress, marked=True).jaw for stress in (0, 1, 2)]
    assert sizes == sorted(sizes)
    assert sizes[0] < vowel.jaw < sizes[2]
    assert stressed(vowel, 0, marked=False) == vowel, "a timeline without stress marks is not all unstressed"


def test_a_diphthong_spends_more_time_on_its_first_vowel():
    first, second = gestures_of([Phone("aɪ", 0, 100)])
    assert first.end_s == second.start_s == pytest.approx(0.06)


def only_touch(*phones: Phone) -> Touch:
    (touch,) = touches_of(gestures_of(phones))
    return touch


@pytest.mark.parametrize(("ipa", "least"), [("p", 0.08), ("f", 0.05)])
def test_a_contact_is_let_go_before_its_sound_ends_and_lasts_long_enough_to_be_seen(ipa: str, least: float):
    for length in (20, 40, 60, 100, 300):
        touch = only_touch(Phone(ipa, 100, 100 + length))
        assert touch.start_s <= 0.1 < touch.end_s < 0.1 + length / 1000
        assert touch.end_s - touch.start_s == pytest.approx(max(0.82 * length / 1000, least))


def test_lips_that_shut_before_a_burst_take_a_third_of_the_sound_before_and_leave_a_vowel_its_opening():
    assert only_touch(Phone("s", 0, 60), Phone("p", 60, 80)).start_s == pytest.approx(0.04)
    assert only_touch(Phone("a", 0, 100), Phone("p", 100, 120)).start_s == pytest.approx(0.08)
    assert only_touch(Phone("a", 0, 60), Phone("p", 60, 80)).start_s == pytest.approx(0.06)


def test_a_cluster_of_bilabials_is_one_closure():
    assert len(touches_of(gestures_of([Phone("m", 0, 70), Phone("b", 70, 130), Phone("a", 130, 300)]))) == 1


def test_a_long_silence_rests_but_for_its_edges_and_a_short_one_does_not():
    phones = [
        Phone("a", 0, 200),
        Phone("", 200, 700),
        Phone("a", 700, 900),
        Phone("", 900, 1050),
        Phone("a", 1050, 1200),
    ]
    assert rests_of(phones, 1.2)[:2] == (
        (float("-inf"), pytest.approx(-0.12)), (pytest.approx(0.32), pytest.approx(0.58)))  # fmt: skip
    assert len(rests_of(phones, 1.2)) == 3, "before, the long silence, after"
