"""The variants: sounds and speakers for the deaf and hard of hearing, and the words in the picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tasks.records.script import Line, Passage, Script
from tasks.timed_text.signs import forced_cues, moved, signs_in
from tasks.timed_text.variants import chosen_signs, for_the_deaf, names_nobody, on_screen
from tasks.transcribe.sidecar import forced_beside, sidecar_of
from tasks.transcribe.subtitles import read_script


def passage(start_ms: int, end_ms: int, text: str) -> Passage:
    return Passage(start_ms=start_ms, end_ms=end_ms, text=text)


def shouted(texts: Sequence[str]) -> list[str]:
    return [text.upper() for text in texts]


def dub(*lines: tuple[int, int, str, str], kept: tuple[Passage, ...] = ()) -> Script:
    made = tuple(Line(id=n, start_ms=a, end_ms=b, speaker=who, text=text) for n, (a, b, who, text) in enumerate(lines))
    return Script(language="es", lines=made, kept=kept)


def shown(script: Script) -> list[tuple[int, str]]:
    return [(line.start_ms, line.text) for line in script.lines]


def test_sounds_are_in_brackets_songs_between_notes_and_speakers_named_where_they_change() -> None:
    sounds = (passage(0, 900, "(door opens)"), passage(4000, 4900, "♪ La la ♪"), passage(5000, 5500, "♪♪"))
    said = dub(
        (1000, 1900, "ANNA", "Hola."), (2000, 2900, "ANNA", "Pasa."), (3000, 3900, "BEN", "Gracias."), kept=sounds
    )
    assert shown(for_the_deaf(said, sounds, shouted)) == [
        (0, "[DOOR OPENS]"),
        (1000, "[ANNA] Hola."),
        (2000, "Pasa."),
        (3000, "[BEN] Gracias."),
        (4000, "♪ LA LA ♪"),
        (5000, "♪"),
    ]


def test_words_that_stay_in_the_original_are_shown_and_numbers_of_speakers_are_no_names() -> None:
    stays = passage(1000, 1900, "¡Vamos!")
    said = dub((2000, 2900, "S1", "Hola."), kept=(stays,))
    assert shown(for_the_deaf(said, (), shouted)) == [(1000, "¡Vamos!"), (2000, "Hola.")]
    assert names_nobody(said, ())
    assert not names_nobody(said, (passage(0, 1, "[laughs]"),))


def test_what_is_in_capitals_or_stars_is_a_sound_like_another() -> None:
    sounds = (passage(0, 900, "APPLAUSE"), passage(1000, 1900, "*sighs*"), passage(2000, 2900, "（笑）"))
    assert [text for _, text in shown(for_the_deaf(dub(), sounds, list))] == ["[applause]", "[sighs]", "[笑]"]


ASS = """[Script Info]
[V4+ Styles]
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Good morning.
Dialogue: 0,0:00:01.50,0:00:03.00,Signs,,0,0,0,,{\\pos(10,10)}POLICE\\NSTATION
Dialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,Come in.
Dialogue: 0,0:00:08.00,0:00:09.00,Sign - door,,0,0,0,,Exit
"""


def test_signs_of_an_ass_file_are_what_its_script_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "film.en.ass"
    path.write_text(ASS)
    signs = signs_in(path, "en")
    assert [(one.start_ms, one.end_ms, one.text) for one in signs] == [
        (1500, 3000, "POLICE STATION"),
        (8000, 9000, "Exit"),
    ]
    assert [line.text for line in read_script(path, "en").lines] == ["Good morning.", "Come in."]
    assert moved(signs, 2000, 4000) == (passage(0, 1000, "POLICE STATION"),)


def test_a_file_of_forced_subtitles_is_found_by_its_name_and_read_whole(tmp_path: Path) -> None:
    video = tmp_path / "film.mp4"
    video.touch()
    cue = "1\n00:00:01,000 --> 00:00:02,000\n[Tokyo, 1950]\n"
    for name in ("film.en.srt", "film.forced.srt", "film.es.forced.srt", "film2.forced.srt"):
        (tmp_path / name).write_text(cue)
    (tmp_path / "elsewhere.srt").write_text(cue)
    (tmp_path / "film.fr.forced.srt").symlink_to("/etc/hostname")
    found = forced_beside(video)
    assert found == {"": tmp_path / "film.forced.srt", "es": tmp_path / "film.es.forced.srt"}
    notes = sidecar_of(video, "en", found.values()).notes
    assert len(notes) == 1
    assert "film.forced.srt" not in notes[0]  # it is used
    assert forced_cues(found[""], "en") == (passage(1000, 2000, "[Tokyo, 1950]"),)


def test_a_languages_own_forced_file_is_taken_word_for_word() -> None:
    own, source, untagged = ([passage(0, 9, text)] for text in ("SALIDA", "EXIT", "WAY OUT"))
    assert chosen_signs({"es": own, "en": source}, "es", "en") == (own, False)
    assert chosen_signs({"fr": own, "en": source, "": untagged}, "es", "en") == (source, True)
    assert chosen_signs({"": untagged}, "es", "en") == (untagged, True)
    assert chosen_signs({}, "es", "en") == ((), True)
    assert shown(on_screen("es", source, shouted)) == [(0, "EXIT")]
