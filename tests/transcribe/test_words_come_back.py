"""Whatever words a player would show of a file, we say."""

from __future__ import annotations

import html
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transcribe.subtitles import read_script

#: No brackets, stars, notes, dashes and colons, which describe; no letters that make a tag between angles.
_word = st.text(alphabet="xyzÄé日7½'’,.?!/@%", min_size=1, max_size=8)
_sign = st.text(alphabet="xyzÄé日7<>{}&\\/", min_size=1, max_size=8)
_plain = st.lists(_word, min_size=1, max_size=6).map(" ".join).filter(lambda text: any(map(str.isalpha, text)))
_any = st.lists(_word | _sign, min_size=1, max_size=6).map(" ".join)
_signs = _any.filter(lambda text: any(map(str.isalpha, text)) and ">>" not in text and "{\\" not in text)


def read(name: str, content: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(content, "utf-8")
        return [line.text for line in read_script(path, "en").lines]


def numbered(texts: list[str]) -> list[tuple[int, str]]:
    """Each text with a word of its own, so that none repeats another."""
    return [(second, f"Line{second}x {text}") for second, text in enumerate(texts, start=10)]


@settings(max_examples=60, deadline=None)
@given(st.lists(_signs, min_size=1, max_size=4))
def test_of_subrip(texts: list[str]) -> None:
    given_texts = numbered(texts)
    blocks = [f"{n}\n00:00:{n},000 --> 00:00:{n},900\n{text}\n" for n, text in given_texts]
    assert read("a.en.srt", "\n".join(blocks)) == [text for _, text in given_texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(_signs, min_size=1, max_size=4))
def test_of_webvtt(texts: list[str]) -> None:
    given_texts = numbered(texts)
    blocks = [f"00:{n}.000 --> 00:{n}.900\n{html.escape(text, quote=False)}\n" for n, text in given_texts]
    assert read("a.en.vtt", "WEBVTT\n\n" + "\n".join(blocks)) == [text for _, text in given_texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(_plain, min_size=1, max_size=4))
def test_of_ass(texts: list[str]) -> None:
    given_texts = numbered(texts)
    rows = [f"Dialogue: 0,0:00:{n}.00,0:00:{n}.90,Default,,0,0,0,,{text}" for n, text in given_texts]
    assert read("a.en.ass", "[Events]\n" + "\n".join(rows)) == [text for _, text in given_texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(_signs, min_size=1, max_size=4))
def test_of_json(texts: list[str]) -> None:
    given_texts = numbered(texts)
    lines = [{"start": n, "end": n + 0.9, "text": text} for n, text in given_texts]
    assert read("a.en.json", json.dumps(lines)) == [text for _, text in given_texts]
