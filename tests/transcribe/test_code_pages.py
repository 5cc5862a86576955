from __future__ import annotations

from pathlib import Path

import pytest

from tasks.records.errors import BadInputError
from tasks.transcribe.decoding import decoded
from tasks.transcribe.subtitles import read_script

TIMES = "1\n00:00:01,000 --> 00:00:02,000\n"
POLISH, TURKISH, RUSSIAN = "Zażółć gęślą jaźń.", "Işık söndü, şimdi.", "Привет, как дела?"


@pytest.mark.parametrize(
    ("language", "page", "text"),
    [
        ("pl", "cp1250", POLISH),
        ("pl", "iso8859_2", POLISH),
        ("cs", "cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
        ("sk", "cp1250", "Kŕdeľ šťastných ďatľov učí pri ústí Váhu."),
        ("hu", "cp1250", "Árvíztűrő tükörfúrógép."),
        ("hr", "cp1250", "Gojazni đačić s biciklom drži hmelj i finu vatu."),
        ("sr-Latn", "cp1250", "Čovek želi još nešto više."),
        ("sr", "cp1250", "Čovek želi još nešto više."),
        ("sr", "cp1251", "Ђаво је дошао."),
        ("ro", "cp1250", "Mâine va fi o zi frumoasă, şi eu ştiu."),
        ("tr", "cp1254", TURKISH),
        ("lt", "cp1257", "Ąžuolas žydi šiąnakt."),
        ("lv", "cp1257", "Glāžšķūņa rūķīši dzērumā čiepj."),
        ("et", "cp1252", "Põdur Zagrebi tšellomängija."),
        ("ru", "cp1251", RUSSIAN),
        ("ru", "koi8_r", RUSSIAN),
        ("ru", "cp866", RUSSIAN),
        ("uk", "cp1251", "Привіт, як справи? Їжак."),
        ("bg", "cp1251", "Здравей, как си?"),
        ("el", "cp1253", "Καλημέρα, τι κάνεις;"),
        ("he", "cp1255", "שלום, מה שלומך?"),
        ("ar", "cp1256", "مرحبا كيف حالك؟"),
        ("ja", "cp932", "おはようございます。元気ですか？"),
        ("ja", "euc_jp", "おはようございます。元気ですか？"),
        ("ja", "iso2022_jp", "おはようございます。"),
        ("ko", "cp949", "안녕하세요, 잘 지내?"),
        ("zh-Hans", "gb18030", "你好，你今天怎么样？"),
        ("zh", "big5", "你好，你今天怎麼樣？我很好。"),
        ("zh-TW", "big5", "早安。"),
        ("th", "cp874", "สวัสดีครับ สบายดีไหม"),
        ("fr", "cp1252", "Où est l’œuf ? Ça va, là-bas…"),
        ("fr", "iso8859_15", "Où est l'œuf ?"),
        ("es", "latin_1", "¡Adiós!"),
        ("en", "cp1252", "“Yes” — at the café…"),
    ],
)
def test_the_language_says_the_code_page(language: str, page: str, text: str) -> None:
    read, note = decoded((TIMES + text).encode(page), "film.srt", language)
    assert read == TIMES + text
    assert note.startswith("Subtitles: not UTF-8, read as ")


def test_vietnamese_with_its_separate_marks_is_read_whole() -> None:
    read, note = decoded(b"B\xe2\xf2n kh\xf4ng? \xd0\xfd\xf2ng", "film.srt", "vi")
    assert read == "Bận không? Đựng"
    assert "Windows-1258" in note


@pytest.mark.parametrize(
    ("language", "data"),
    [
        ("pl", RUSSIAN.encode("cp1251")),
        ("ru", POLISH.encode("cp1250")),
        ("en", POLISH.encode("cp1250")),
        ("en", RUSSIAN.encode("cp1251")),
        ("ja", RUSSIAN.encode("cp1251")),
        ("de", TURKISH.encode("cp1254")),
        ("hi", RUSSIAN.encode("cp1251")),
        (None, POLISH.encode("cp1250")),
    ],
)
def test_what_does_not_look_like_the_language_is_refused_by_name(language: str | None, data: bytes) -> None:
    with pytest.raises(BadInputError, match=r"film\.srt.*UTF-8"):
        decoded(data, "film.srt", language)


def test_utf_8_with_a_broken_byte_is_not_taken_for_a_code_page() -> None:
    with pytest.raises(BadInputError, match=r"UTF-8 except for byte 71 \(line 4\)"):
        decoded((TIMES + POLISH + "\nzażółć ").encode() + b"\xff.", "film.srt", "pl")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_read_and_told(codec: str) -> None:
    read, note = decoded((TIMES + POLISH).encode(codec), "film.srt", "pl")
    assert read == TIMES + POLISH
    assert "UTF-16" in note


def test_the_name_or_the_header_says_the_language_as_well_as_the_user(tmp_path: Path) -> None:
    named, headed = tmp_path / "a.pl.srt", tmp_path / "b.vtt"
    named.write_bytes((TIMES + POLISH).encode("cp1250"))
    headed.write_bytes(f"WEBVTT\nLanguage: pl\n\n00:01.000 --> 00:02.000\n{POLISH}\n".encode("cp1250"))
    for path in (named, headed):
        script = read_script(path, None)
        assert [line.text for line in script.lines] == [POLISH]
        assert script.notes == (
            "Subtitles: not UTF-8, read as Windows-1250, in which Polish was written; check the accents.",
        )
