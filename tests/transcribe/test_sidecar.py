import unicodedata
from pathlib import Path

import pytest

from tasks.errors import BadInputError
from tasks.transcribe.sidecar import find_sidecar, sidecar_language


def beside(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("x")
    return folder / "talk.mp4"


def found(folder: Path, language: str | None, *names: str) -> str | None:
    path = find_sidecar(beside(folder, *names), language)
    return path.name if path else None


def test_none_beside_the_video(tmp_path: Path) -> None:
    assert found(tmp_path, "en", "other.en.srt", "talk.txt", "talk.mp4", "talkative.en.srt", "talk.json") is None
    assert find_sidecar(tmp_path / "absent" / "talk.mp4", "en") is None


@pytest.mark.parametrize(
    ("language", "names", "expected"),
    [
        ("en", ["talk.srt"], "talk.srt"),
        ("en", ["talk.srt", "talk.en.srt", "talk.es.srt"], "talk.en.srt"),
        ("en-GB", ["talk.en.srt", "talk.en-GB.srt"], "talk.en-GB.srt"),
        ("en", ["talk.en_us.srt", "talk.srt"], "talk.en_us.srt"),
        ("en", ["talk.es.srt"], None),
        ("en", ["talk.en.srt", "talk.en.vtt", "talk.en.ass", "talk.en.json"], "talk.en.json"),
        ("en", ["talk.en.srt", "talk.en.vtt"], "talk.en.vtt"),
        ("en", ["talk.EN.SRT"], "talk.EN.SRT"),
        ("en", ["talk.info.json", "talk.en.forced.srt"], None),
        (None, ["talk.es.srt"], "talk.es.srt"),
        (None, ["talk.srt"], "talk.srt"),
        (None, ["talk.srt", "talk.en.srt"], "talk.en.srt"),
    ],
)
def test_the_order_of_preference(tmp_path: Path, language: str | None, names: list[str], expected: str | None) -> None:
    assert found(tmp_path, language, *names) == expected


def test_several_languages_and_none_said_asks(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"en, es.*--from"):
        found(tmp_path, None, "talk.en.srt", "talk.es.srt")


@pytest.mark.parametrize("stem", ["a[1-9]*?", "-dash", 'it\'s "50%" of\nit', "日本 ñ", "v1.2 final", "a.b.en"])
def test_names_are_text_not_patterns(tmp_path: Path, stem: str) -> None:
    (tmp_path / f"{stem}.en.srt").write_text("x")
    (tmp_path / "a1.en.srt").write_text("x")
    sidecar = find_sidecar(tmp_path / f"{stem}.mp4", "en")
    assert sidecar is not None
    assert sidecar.name == f"{stem}.en.srt"


def test_composed_and_decomposed_letters_are_one(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "mañana.es.srt")).write_text("x")
    assert find_sidecar(tmp_path / unicodedata.normalize("NFC", "mañana.mp4"), "es") is not None


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.pt-br.srt", "pt-BR"),
        ("talk.srt", None),
        ("talk.final.srt", None),
        ("talk.2.srt", None),
        ("a.b.zh-Hant.vtt", "zh-Hant"),
    ],
)
def test_the_language_in_a_name(name: str, language: str | None) -> None:
    assert sidecar_language(Path(name)) == language
