from __future__ import annotations

import difflib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_engine.media.audio import AudioError
from lipsync_engine.records import Phone
from lipsync_engine.speech import align, espeak, phones
from tests.speech_media import media

SPANISH = "Buenos días, mi nombre es Pablo. Vivo en una familia muy pequeña, cerca del mar."
MANDARIN = "你好世界,我们去学校。今天天气很好。"


def boundary_errors(found: tuple[Phone, ...], true: tuple[Phone, ...]) -> np.ndarray:
    """Milliseconds between found and true starts of the phones that both have."""
    a, b = ([p for p in timeline if p.ipa] for timeline in (found, true))
    match = difflib.SequenceMatcher(None, [p.ipa for p in a], [p.ipa for p in b], autojunk=False)
    return np.array(
        [
            a[block.a + i].start_ms - b[block.b + i].start_ms
            for block in match.get_matching_blocks()
            for i in range(block.size)
        ]
    )


def tiles(timeline: tuple[Phone, ...], duration_ms: int) -> bool:
    edges = [0] + [p.end_ms for p in timeline]
    return edges == [p.start_ms for p in timeline] + [duration_ms]


@pytest.mark.parametrize(("text", "language"), [(SPANISH, "es"), (MANDARIN, "zh")])
def test_the_synthesiser_s_own_audio_gets_its_true_times_back(tmp_path: Path, text: str, language: str):
    spoken = espeak.synthesize(text, espeak.voice_for(language))
    soundfile.write(tmp_path / "line.wav", spoken.samples, spoken.sample_rate_hz)
    found = phones.phones_for(tmp_path / "line.wav", text, language)
    errors = boundary_errors(found, spoken.phones)
    assert len(errors) == sum(1 for p in spoken.phones if p.ipa)
    assert np.abs(errors).max() <= 30
    assert np.abs(errors).mean() < 5
    assert tiles(found, round(len(spoken.samples) * 1000 / spoken.sample_rate_hz))


@pytest.mark.parametrize(("voice", "rate"), [("es", 230), ("es", 130), ("es+f2", 260), ("es+m4", 140)])
def test_another_speed_and_timbre_is_followed(voice: str, rate: int):
    spoken = espeak.synthesize(SPANISH, voice, rate_wpm=rate)
    found = align.align(spoken.samples, spoken.sample_rate_hz, SPANISH, "es")
    errors = np.abs(boundary_errors(found.phones, spoken.phones))
    assert np.median(errors) <= 12
    assert np.percentile(errors, 90) <= 35


@pytest.mark.parametrize("lead_ms", [40, 60, 90])
def test_a_take_cut_close_to_its_first_sound_begins_with_silence(lead_ms: int):
    spoken = espeak.synthesize("Amigo mío, nadie vive en una luna.", "es+f2")
    audio = np.concatenate([np.zeros(lead_ms * spoken.sample_rate_hz // 1000, np.float32), spoken.samples])
    first, second = align.align(audio, spoken.sample_rate_hz, "Amigo mío, nadie vive en una luna.", "es").phones[:2]
    assert (first.ipa, second.ipa) == ("", "a")
    assert abs(second.start_ms - lead_ms) <= 15


def test_a_pause_that_the_text_does_not_show_opens_between_words():
    spoken = espeak.synthesize("Vivo en una familia muy pequeña", "es")
    third = next(w for w in spoken.words if w.text_start == len("Vivo en una "))
    cut = third.start_ms * spoken.sample_rate_hz // 1000
    silence = np.zeros(spoken.sample_rate_hz // 2, np.float32)
    audio = np.concatenate([spoken.samples[:cut], silence, spoken.samples[cut:]])
    found = align.align(audio, spoken.sample_rate_hz, "Vivo en una familia muy pequeña", "es").phones
    pause = max((p for p in found if not p.ipa), key=lambda p: p.end_ms - p.start_ms)
    assert abs(pause.start_ms - third.start_ms) <= 60
    assert 400 <= pause.end_ms - pause.start_ms <= 600
    assert next(p for p in found if p.start_ms >= pause.end_ms).ipa == "f"


def gold(name: str) -> tuple[Phone, ...]:
    """Phone times of the PocketSphinx test set, as IPA of the phones that eSpeak NG writes the same way."""
    names = {"B": "b", "D": "d", "F": "f", "M": "m", "N": "n", "P": "p", "S": "s", "SH": "ʃ", "T": "t", "W": "w",
             "K": "k", "L": "l", "HH": "h", "DH": "ð", "IY": "iː", "AY": "aɪ", "R": "ɹ",
             "Z": "z", "V": "v"}  # fmt: skip
    tree = json.loads(media(f"pocketsphinx/test/data/librivox/{name}.phone.json").read_text())
    rows = [phone for word in tree["w"] for phone in word.get("w", [])]
    return tuple(
        Phone(names.get(r["t"], r["t"]), round(r["b"] * 1000), round((r["b"] + r["d"]) * 1000))
        for r in rows
        if r["t"] != "SIL"
    )


def test_real_speech_is_aligned_to_about_a_frame():
    errors = []
    for number in ("0870", "0880", "0890"):
        name = f"sense_and_sensibility_01_austen_64kb-{number}"
        text = media(f"pocketsphinx/test/data/librivox/{name}.txt").read_text()
        found = phones.phones_for(media(f"pocketsphinx/test/data/librivox/{name}.wav"), text, "en-US")
        errors += list(np.abs(boundary_errors(found, gold(name))))
    assert len(errors) > 60
    assert np.median(errors) <= 30
    assert np.mean(errors) <= 32
    assert np.percentile(errors, 90) <= 60


def test_the_right_text_fits_better_than_a_wrong_one():
    spoken = espeak.synthesize(SPANISH, "es+f3", rate_wpm=200)
    right = align.align(spoken.samples, spoken.sample_rate_hz, SPANISH, "es")
    wrong = align.align(spoken.samples, spoken.sample_rate_hz, "Nunca llueve cuando hace falta, dijo Teresa.", "es")
    assert (right.confidence, wrong.confidence) == (1.0, 0.0)


def test_a_long_take_stays_on_the_clock_to_its_end():
    words = [
        "casa",
        "perro",
        "camino",
        "montaña",
        "libro",
        "ventana",
        "escuela",
        "amigo",
        "trabajo",
        "ciudad",
        "puente",
        "barco",
    ]
    order = np.random.default_rng(3)
    text = " ".join(" ".join(order.choice(words, 6)) + "." for _ in range(50))
    spoken = espeak.synthesize(text, "es+f3", rate_wpm=200)
    assert len(spoken.samples) / spoken.sample_rate_hz > 90
    found = align.align(spoken.samples, spoken.sample_rate_hz, text, "es")
    assert np.percentile(np.abs(boundary_errors(found.phones, spoken.phones)), 95) <= 40


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "hola"), (1.0, ""), (0.01, "hola"), (1.0, "...")])
def test_silence_and_empty_text_are_one_silence(seconds: float, text: str):
    found = align.align(np.zeros(int(16000 * seconds), np.float32), 16000, text, "es")
    assert found.phones == (Phone("", 0, round(seconds * 1000)),)
    assert np.isnan(found.confidence)


def test_a_text_far_too_long_for_its_audio_still_gives_a_timeline():
    spoken = espeak.synthesize("hola amigo", "es")
    found = align.align(spoken.samples, spoken.sample_rate_hz, "hola amigo " * 100, "es")
    assert tiles(found.phones, round(len(spoken.samples) * 1000 / spoken.sample_rate_hz))


def test_kanji_are_stood_for_and_reported():
    spoken = espeak.synthesize("かうかう です", "ja")
    found = align.align(spoken.samples, spoken.sample_rate_hz, "世界です", "ja")
    assert found.approximate_text
    assert "tʃ" not in {p.ipa for p in found.phones}, "not spelled as 'Chinese letter'"


def test_a_file_without_sound_is_refused(tmp_path: Path):
    (tmp_path / "notes.wav").write_text("not a sound")
    with pytest.raises(AudioError, match=r"notes\.wav"):
        phones.phones_for(tmp_path / "notes.wav", "hola", "es")


@st.composite
def timelines(draw: st.DrawFn) -> tuple[Phone, ...]:
    clock, found = 0, []
    for _ in range(draw(st.integers(0, 8))):
        clock += draw(st.integers(0, 300))
        end = clock + draw(st.integers(1, 400))
        found.append(Phone(draw(st.sampled_from(["p", "a", "t͡ʃ", "ɯᵝ", ""])), clock, end, draw(st.integers(0, 2))))
        clock = end
    return tuple(found)


@given(timeline=timelines())
@settings(max_examples=settings.default.max_examples // 2)
def test_a_written_timeline_reads_back_the_same(tmp_path_factory: pytest.TempPathFactory, timeline):
    path = tmp_path_factory.mktemp("phones") / "p.json"
    phones.write_phones(path, timeline)
    assert phones.read_phones(path) == timeline
    assert [p.name for p in path.parent.iterdir()] == ["p.json"]


ROW = {"ipa": "a", "start_ms": 0, "end_ms": 90, "stress": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "JSON"),
        ('{"phones": []}', "list of phones"),
        ("[1]", "phone 0: an object"),
        (json.dumps([ROW | {"ipa": None}]), "'ipa' must be a string"),
        (json.dumps([ROW | {"start_ms": 1.5}]), "'start_ms' must be a whole number"),
        (json.dumps([ROW | {"end_ms": True}]), "'end_ms' must be a whole number"),
        (json.dumps([{"ipa": "a", "start_ms": 0}]), "'end_ms' must be a whole number"),
        (json.dumps([ROW | {"start_ms": 91}]), "0 <= start_ms <= end_ms"),
        (json.dumps([ROW | {"start_ms": -1}]), "0 <= start_ms <= end_ms"),
        (json.dumps([ROW | {"stress": 3}]), "'stress' must be 0, 1 or 2"),
        (json.dumps([ROW | {"tone": 1}]), "unknown field 'tone'"),
        (json.dumps([ROW, ROW]), "phone 1 starts at 0 ms, before phone 0 ends"),
    ],
)
def test_a_bad_phone_file_is_refused_with_its_place(tmp_path: Path, content: str, message: str):
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(phones.PhoneFileError, match=r"p\.json") as caught:
        phones.read_phones(path)
    assert message in str(caught.value)


@given(timeline=timelines(), offset=st.integers(-1500, 1500))
def test_a_shift_moves_everything_and_cuts_at_zero(timeline, offset: int):
    moved = phones.shift(timeline, offset)
    kept = [p for p in timeline if p.end_ms + offset > 0]
    assert [(p.ipa, p.end_ms) for p in moved] == [(p.ipa, p.end_ms + offset) for p in kept]
    assert all(0 <= p.start_ms <= p.end_ms for p in moved)


@given(timeline=timelines(), factor=st.floats(0.25, 4.0))
def test_a_stretch_keeps_order(timeline, factor: float):
    longer = phones.stretch(timeline, factor)
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(longer))
    assert all(abs(b.end_ms - a.end_ms * factor) <= 0.5 for a, b in zip(timeline, longer, strict=True))


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan")])
def test_a_stretch_by_nothing_is_refused(factor: float):
    with pytest.raises(ValueError, match="positive"):
        phones.stretch((), factor)


@given(lines=st.lists(st.tuples(st.integers(0, 3000), timelines()), max_size=4), duration=st.integers(1, 6000))
def test_lines_on_a_clock_become_one_tiled_timeline(lines, duration: int):
    joined = phones.concatenate(lines, duration)
    assert tiles(joined, duration)
    assert all(p.end_ms > p.start_ms for p in joined)


def test_lines_keep_their_times_with_silence_between():
    line = (Phone("p", 0, 100), Phone("a", 100, 300, 2))
    assert phones.concatenate([(500, line), (1000, line)], 1500) == (
        Phone("", 0, 500), Phone("p", 500, 600), Phone("a", 600, 800, 2), Phone("", 800, 1000),
        Phone("p", 1000, 1100), Phone("a", 1100, 1300, 2), Phone("", 1300, 1500),
    )  # fmt: skip
