from __future__ import annotations

from pathlib import Path

import pytest

from tasks.records.script import Script
from tasks.transcribe.captions import CLEANED, DOUBTED, KEPT, spoken
from tasks.transcribe.cues import Cue
from tasks.transcribe.subtitles import read_script


def said(*texts: str) -> list[tuple[str, str]]:
    """Who says what, of cues of one second each; nobody's name is empty."""
    cues = [Cue(1000 * place, 1000 * (place + 1), text, f"line {place}") for place, text in enumerate(texts)]
    return [(cue.speaker, cue.text) for cue in spoken(cues)[0]]


def words(*texts: str) -> list[str]:
    return [text for _, text in said(*texts)]


def vtt(folder: Path, *cues: str) -> Script:
    path = folder / "film.en.vtt"
    blocks = [f"00:{place:02}.000 --> 00:{place + 1:02}.000\n{text}\n" for place, text in enumerate(cues, start=1)]
    path.write_text("WEBVTT\n\n" + "\n".join(blocks), "utf-8")
    return read_script(path, "en")


@pytest.mark.parametrize(
    ("cue", "spoken_words"),
    [
        ("(door opens)\nGood morning.", "Good morning."),
        ("(door\nopens)\ngood morning", "good morning"),
        ("(sighs) I know.", "I know."),
        ("I know. (sighs)", "I know."),
        ("(MAN SHOUTS) Get out!", "Get out!"),
        ("[laughs] Hello", "Hello"),
        ("Hello, [laughs] you.", "Hello, you."),
        ("*sighs* Well.", "Well."),
        ("（ドアが開く音）\nおはよう。", "おはよう。"),
        ("［笑い］はい。", "はい。"),
        ("【音楽】好的。", "好的。"),
        ("（太郎）こんにちは。", "こんにちは。"),
        ("(смеётся) Привет.", "Привет."),
    ],
)
def test_sounds_are_not_spoken_in_any_bracket_and_language(cue: str, spoken_words: str) -> None:
    assert words(cue) == [spoken_words]


@pytest.mark.parametrize(
    "cue",
    [
        "I saw him (my brother) yesterday.",
        "The UN (United Nations) said so.",
        "He left. (He's my brother.) I stayed.",
        "C:\\new folder {name} <enter>",
        "a \\N b \\n c \\h d",
        "1 >> 0 and a >> b",
        "12:30 is late",
        "-5 degrees today",
        "He said — and I agree — that.",
        "#1 fan!",
        "x ; y , z",
        "2 * 3 * 4",
    ],
)
def test_what_only_looks_like_a_description_is_words(cue: str) -> None:
    assert words(cue) == [cue]


def test_stress_is_words_without_the_stars() -> None:
    assert words("I *really* mean it.", "*Really* good") == ["I really mean it.", "Really good"]


@pytest.mark.parametrize(
    ("cue", "who", "what"),
    [
        ("ANNA: Hello.", "ANNA", "Hello."),
        ("MAN #1: Hold it.", "MAN #1", "Hold it."),
        ("DR. SMITH: Come in.", "DR. SMITH", "Come in."),
        ("ANNA (whispering): Come.", "ANNA", "Come."),
        ("ANNA [whispering]: Come.", "ANNA", "Come."),
        ("[ANNA]: Hello.", "ANNA", "Hello."),
        ("ANNA:\nHello.", "ANNA", "Hello."),
        ("АННА: Привіт!", "АННА", "Привіт!"),
        ("ΆΝΝΑ: Γεια.", "ΆΝΝΑ", "Γεια."),
        (">> ANNA: Good evening.", "ANNA", "Good evening."),
    ],
)
def test_a_label_names_the_speaker_and_is_not_spoken(cue: str, who: str, what: str) -> None:
    assert said(cue, "And so on.") == [(who, what), ("", "And so on.")]


@pytest.mark.parametrize(
    "cue",
    [
        "WARNING: do not open the case.",
        "Note: hello",
        "STEP 1: open it.",
        "RULE NUMBER ONE: no talk.",
        "NEWS FLASH: rain.",
        "ACHTUNG: Minen!",
        "ATENCIÓN: se cierra.",
        "УВАГА: міни!",
        "注意：危険です。",
        "Anna: once is not enough",
    ],
)
def test_words_before_a_colon_are_words(cue: str) -> None:
    assert said(cue, "And so on.") == [("", cue), ("", "And so on.")]


def test_in_a_file_of_capitals_a_colon_alone_makes_no_speaker() -> None:
    assert said("I TOLD HIM: GET OUT.", "WHAT?", "NO.", "MAN: STOP.") == [
        ("", "I TOLD HIM: GET OUT."),
        ("", "WHAT?"),
        ("", "NO."),
        ("MAN", "STOP."),
    ]


def test_names_in_small_letters_are_labels_where_they_come_often_or_in_pairs() -> None:
    assert said("- Anna: Where?\n- Bob: There.") == [("Anna", "Where?"), ("Bob", "There.")]
    assert said("Anna: a", "Anna: b", "Anna: c", "[Anna] d") == [("Anna", letter) for letter in "abcd"]
    assert said("太郎：はい。", "太郎：いいえ。", "太郎：さあ。")[0] == ("太郎", "はい。")


@pytest.mark.parametrize("cue", ["ANNA:", "- ANNA:", "ANNA (off):", "MAN #2:", "ANNA:\nBOB:"])
def test_a_label_without_words_is_not_spoken(cue: str) -> None:
    lines, passages, changes = spoken([Cue(0, 1000, cue, "line 1"), Cue(1000, 2000, "And so on.", "line 2")])
    assert [line.text for line in lines] == ["And so on."]
    assert not passages
    assert [(change.where, change.became) for change in changes] == [("line 1", "")]
    assert "name" in changes[0].reason


@pytest.mark.parametrize("cue", ["ANNA: [laughs]", "ANNA:\n(laughs)", "ANNA: ♪ la ♪", "ANNA: LAUGHS"])
def test_of_a_label_and_a_sound_the_original_stays(cue: str) -> None:
    lines, passages, changes = spoken([Cue(0, 1000, cue, "line 1"), Cue(1000, 2000, "And so on.", "line 2")])
    assert [line.text for line in lines] == ["And so on."]
    assert len(passages) == 1
    assert [change.reason for change in changes] == [KEPT]


def test_rows_with_labels_are_voices_of_their_own() -> None:
    assert said("ANNA: Hello.\nBOB: Hi.", "So.")[:2] == [("ANNA", "Hello."), ("BOB", "Hi.")]
    assert said("ANNA:\n(laughs)\nBOB: Hi.", "So.")[0] == ("BOB", "Hi.")
    assert said("- ANNA:\n- BOB: Hi.", "So.")[0] == ("BOB", "Hi.")
    assert said("ANNA: Hello.\nWARNING: no.", "So.")[0] == ("ANNA", "Hello. WARNING: no.")


@pytest.mark.parametrize("cue", ["WARNING:", "Listen:", "LAST BUT NOT LEAST:"])
def test_what_only_looks_like_a_label_without_words_is_spoken(cue: str) -> None:
    assert words(cue, "And so on.")[0] == cue


SOUNDS = (
    "APPLAUSE|DOOR SLAMS|PHONE RINGS|LAUGHTER\nAND APPLAUSE|DOGS BARK|ANNA'S PHONE RINGS|MUSIC: Yesterday|GELÄCHTER"
    "|MEN SHOUTING|THUNDER RUMBLES|MUSIC STOPS|АПЛОДИСМЕНТЫ"
)


@pytest.mark.parametrize("cue", SOUNDS.split("|"))
def test_sounds_in_capitals_are_not_spoken_and_told(cue: str) -> None:
    lines, passages, changes = spoken([Cue(0, 1000, cue, "line 1"), Cue(1000, 2000, "Thank you.", "line 2")])
    assert [line.text for line in lines] == ["Thank you."]
    assert [passage.text for passage in passages] == [" ".join(cue.split())]
    assert [(change.where, change.reason) for change in changes] == [("line 1", KEPT)]


def test_a_sound_in_capitals_beside_sentences_is_left_out() -> None:
    assert words("APPLAUSE\nThank you.", "Thank you.\nDOOR SLAMS") == ["Thank you.", "Thank you."]
    assert words("I love\nMUSIC", "MUSIC\nis my life.") == ["I love MUSIC", "MUSIC is my life."]


@pytest.mark.parametrize(
    ("cue", "said_words"),
    [
        ("Thank you. APPLAUSE", "Thank you."),
        ("Who is there? DOOR SLAMS", "Who is there?"),
        ("Get down!\nHurry up! MEN SHOUTING", "Get down! Hurry up!"),
        ("It is over… THUNDER RUMBLES", "It is over…"),
        ("“Good night.” LAUGHTER AND APPLAUSE", "“Good night.”"),
        ("So it is. I know. DOGS BARK", "So it is. I know."),
        ("Спасибо. АПЛОДИСМЕНТЫ", "Спасибо."),
    ],
)
def test_a_sound_in_capitals_behind_a_finished_sentence_is_left_out_and_told(cue: str, said_words: str) -> None:
    lines, _, changes = spoken([Cue(0, 2000, cue, "line 1"), Cue(2000, 3000, "And so on.", "line 2")])
    assert [line.text for line in lines] == [said_words, "And so on."]
    assert [(change.where, change.became, change.reason) for change in changes] == [("line 1", said_words, CLEANED)]


@pytest.mark.parametrize(
    "cue",
    [
        "Thank you. STOP THE MUSIC",
        "I know. HELP ME",
        "Thank you. APPLAUSE!",
        "Here comes Mr. THUNDER",
        "It is J. THUNDER",
        "He got, well, APPLAUSE",
        "Thank you. APPLAUSE\nis what I want.",
        "This is it. BBC",
        "NO. DOOR SLAMS",
        "Thank you. Applause",
    ],
)
def test_words_in_capitals_behind_a_sentence_are_spoken(cue: str) -> None:
    assert words(cue, "And so on.", "And on.", "And on.")[0] == " ".join(cue.split())


WORDS = (
    "NO!|STOP|STOP!|HELP ME|HELP|SING|RUN|DON'T SHOUT|STOP THE MUSIC|I HEAR MUSIC|WHO RINGS|KEEP SINGING|EVENING|JFK"
    "|SHE'S SCREAMING|FIRE|EXPLOSION!|I LOVE THE\nMUSIC|KING|TURN THE MUSIC DOWN|SHUT UP|NO MUSIC"
)


@pytest.mark.parametrize("cue", WORDS.split("|"))
def test_words_in_capitals_are_spoken(cue: str) -> None:
    assert words(cue, "And so on.")[0] == " ".join(cue.split())


def test_words_in_capitals_that_may_be_a_sound_or_a_sign_are_spoken_and_told() -> None:
    doubted = ["HELP ME", "LONDON, 1943", "EXPLOSION!"]
    cues = [Cue(0, 900, text, text) for text in (*doubted, "NO!", "STOP", *["And so on."] * 5)]
    assert [change.where for change in spoken(cues)[2] if change.reason == DOUBTED] == doubted


def test_in_a_file_of_capitals_sounds_cannot_be_told_from_words() -> None:
    assert words("APPLAUSE", "STOP.", "NO MORE.", "I SEE.") == ["APPLAUSE", "STOP.", "NO MORE.", "I SEE."]


@pytest.mark.parametrize(
    ("cue", "voices"),
    [
        ("- ANNA: Where is the key?\n- BOB: On the table.", [("ANNA", "Where is the key?"), ("BOB", "On the table.")]),
        ("Hello.\n- Hi.", [("", "Hello."), ("", "Hi.")]),
        ("-Hello.\n–Hi.\n—Ho.", [("", "Hello."), ("", "Hi."), ("", "Ho.")]),
        ("- One. - Two.", [("", "One."), ("", "Two.")]),
        (">> Good evening.\n>> Thank you.", [("", "Good evening."), ("", "Thank you.")]),
        (">> Good. >> Yes.", [("", "Good."), ("", "Yes.")]),
        ("- Hello\nHow are you?", [("", "Hello How are you?")]),
        ("\u202b- שלום.\n\u202b- היי.", [("", "שלום."), ("", "היי.")]),
        ("- (laughs)\n- Stop!", [("", "Stop!")]),
    ],
)
def test_every_voice_of_a_cue_is_a_line_of_its_own(cue: str, voices: list[tuple[str, str]]) -> None:
    assert said(cue) == voices


def test_voices_share_the_time_of_their_cue() -> None:
    lines, _, changes = spoken([Cue(2000, 3000, "- Where is the key?\n- There.", "line 5")])
    assert [(line.start_ms, line.end_ms) for line in lines] == [(2000, 2739), (2739, 3000)]
    assert [(change.where, change.reason.split(":")[0]) for change in changes] == [("line 5", "split")]


def test_voices_of_webvtt_are_told_apart(tmp_path: Path) -> None:
    script = vtt(tmp_path, "<v Bob>One.</v>\n<v.loud Anna &amp; Eva>Two.</v>", "<v Bob>Three.")
    assert [(line.speaker, line.text) for line in script.lines] == [
        ("Bob", "One."),
        ("Anna & Eva", "Two."),
        ("Bob", "Three."),
    ]
    assert [(change.where, change.became) for change in script.changes] == [("line 3", "One. / Two.")]


@pytest.mark.parametrize(
    ("cue", "spoken_words", "sung"),
    [
        ("- ♪ La la la ♪\n- Stop singing!", ["Stop singing!"], ["♪ La la la ♪"]),
        ("♪ La la la ♪\nStop singing!", ["Stop singing!"], ["♪ La la la ♪"]),
        ("♪ La la ♪ Stop!", ["Stop!"], ["♪ La la ♪"]),
        ("Listen! ♪ La la ♪ Nice.", ["Listen!", "Nice."], ["♪ La la ♪"]),
        ("♪ la la\n♪ la la", [], ["♪ la la ♪ la la"]),
        ("♪ la la\nla la", [], ["♪ la la la la"]),
        ("🎵 la la 🎵", [], ["🎵 la la 🎵"]),
        ("Stop it! ♪", ["Stop it!"], []),
        ("# la la la #", [], ["# la la la #"]),
    ],
)
def test_songs_are_kept_and_the_sentence_beside_them_is_spoken(
    cue: str, spoken_words: list[str], sung: list[str]
) -> None:
    lines, passages, changes = spoken([Cue(0, 4000, cue, "line 2")])
    assert [line.text for line in lines] == spoken_words
    assert [passage.text for passage in passages] == sung
    assert changes


def test_a_song_may_close_in_a_later_cue() -> None:
    assert words("♪ ooh", "What is that?", "ooh la ♪", "Nice.") == ["What is that?", "Nice."]


def test_every_change_is_recorded_with_its_place_and_reason(tmp_path: Path) -> None:
    script = vtt(tmp_path, "(door opens)\nGood morning.", "...", "ANNA: Hello.", "[bell]", "Plain.")
    assert [(change.where, change.text, change.became) for change in script.changes] == [
        ("line 3", "(door opens) Good morning.", "Good morning."),
        ("line 7", "...", ""),
        ("line 10", "ANNA: Hello.", "Hello."),
        ("line 13", "[bell]", ""),
    ]
    assert len(script.notes) == 4
    assert all(note.startswith("Subtitles: 1 cue ") for note in script.notes)
