"""Kokoro: symbols from text, phones from the model's own durations, a pace found without speaking."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.kokoro import kokoro
from configs.models import models
from lipsync_engine.media.audio import band_level_db
from tasks.records.errors import UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import Manner, NothingToSayError, synthesizer
from tasks.synthesize.kokoro_symbols import MOST, phones_of, pieces, spoken
from tasks.synthesize.kokoro_text import said
from tasks.synthesize.onnx_graph import with_outputs


@pytest.fixture(scope="module")
def backend() -> Any:
    made = synthesizer("kokoro", {})
    if made.missing():
        pytest.skip("its weights come with `make setup`")
    return made


@pytest.mark.parametrize(
    ("text", "language", "symbols"),
    [
        ("A choice, my judge!", "en", "ə ʧˈYs, mI ʤˈʌʤ!"),
        ("The letter arrived.", "en", "ðə lˈɛTəɹ əɹˈIvd."),
        ("¿Hablo «inglés»?", "es", "ˈaβlo “iŋɡlˈes”?"),
        ("Ciao, ragazzi.", "it", "ʧˈao, raɡˈaʦːɪ."),
        ("Kostet 2 €.", "de", "kˈɔstət ʦvˈI ˈɔøroː."),
        ("びっくりした、「きょう」は35%です。", "ja", "bʲiʔkɯɾʲi ɕi ta, “kʲoː” βa saɴ ʥɨː ɡo paːsento desɨ."),
        ("新幹線で東京へ", "ja", "ɕiŋkaɴseɴ de toːkʲoː e"),
        ("你好，女儿！", "zh", "ni↓xau↓, ny↓ɚ↗!"),
        ("我是中国人，3个月。", "zh", "wo↓ ʂɨ↘ ꭧʊ→ŋkwo↗ ɻə↗n, sa→nkɤ↘ ɥe↘."),
        ("嗯，好！", "zh", "n↗, xau↓!"),
        ("嗯", "zh", "n↗"),
        ("呣？", "zh", "m↗?"),
        ("Fünf müssen", "de", "fˈynf mˈysən"),
        ("नमस्ते", "hi", "nəmˈʌsteː"),
    ],
)
def test_a_text_is_written_in_the_models_symbols(text: str, language: str, symbols: str) -> None:
    assert said(text, language, ()) == [symbols]


def test_a_line_of_marks_alone_has_nothing_to_say() -> None:
    with pytest.raises(NothingToSayError):
        said("... !", "en", ())


def test_the_lexicons_ipa_stands_in_place_of_its_word() -> None:
    assert said("I am 5, Jordi.", "en", [(8, 13, "ˈdʒɔɹdi")])[0].endswith(", ˈʤɔɹdi.")
    assert said("我是Jordi。", "zh", [(2, 7, "ˈdʒɔɹdi")])[0].endswith("ˈʤɔɹdi.")


def test_a_line_beyond_what_the_model_takes_is_cut_at_pauses() -> None:
    line = ", ".join(["ə" * 60] * 20)
    cut = list(pieces(line))
    assert all(len(piece) <= MOST for piece in cut)
    assert " ".join(cut) == line
    assert all(piece.endswith(",") for piece in cut[:-1])
    assert "".join(pieces("ə" * 1200)) == "ə" * 1200  # no pause anywhere
    assert not spoken("... !")


def test_phones_tile_the_time_and_marks_are_silence() -> None:
    phones = phones_of("ˈAt, bˌiː", [10, 1, 4, 2, 6, 2, 2, 1, 3, 3, 5])
    assert [(ipa, stress) for ipa, *_, stress in phones] == [
        ("", 0), ("eɪ", 2), ("t", 0), ("", 0), ("b", 0), ("iː", 1), ("", 0)
    ]  # fmt: skip
    assert (phones[0][1], phones[-1][2]) == (0, 39)
    assert all(before[2] == after[1] for before, after in pairwise(phones))


def test_every_voice_of_the_table_has_its_file_and_no_language_is_chosen_that_measures_worse() -> None:
    files = models()["kokoro-voices"].files
    for tag, language in kokoro().languages.items():
        assert all(f"{name}.bin" in files for name in (*language.female, *language.male)), tag
        if language.chosen and language.error:
            assert max(error for name, error in language.error.items() if name != "espeak") < language.error["espeak"]
    assert len(set(kokoro().symbols.values())) == len(kokoro().symbols)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="ONNX"):
        with_outputs(b"\x3a\x7fnothing", ["audio"])


def test_the_length_is_predicted_and_falls_with_the_pace(backend: Any, tmp_path: Path) -> None:
    line = "Hablo inglés, pero aprendo."
    told = [backend.predicted_ms(line, "ef_dora", "es", pace) for pace in (0.8, 1.0, 1.25)]
    assert told[0] > told[1] > told[2]
    heard = backend.synthesize(line, "ef_dora", "es", tmp_path / "a.wav", 1.25)
    assert heard.duration_ms == told[2] == heard.phones[-1][2]
    assert "p" in [ipa for ipa, *_ in heard.phones]


def test_a_lively_line_is_louder_and_a_subdued_one_softer(backend: Any, tmp_path: Path) -> None:
    def level_db(energy: float) -> float:
        spoken = backend.synthesize("Sí.", "ef_dora", "es", tmp_path / "a.wav", manner=Manner(energy=energy))
        return float(10 * np.log10((soundfile.read(str(spoken.audio))[0] ** 2).mean()))

    plain = level_db(0.0)
    assert level_db(-1.0) == pytest.approx(plain - 6, abs=0.2)
    assert plain + 1 < level_db(1.0) <= plain + 6.2


def test_speakers_of_a_language_with_one_voice_do_not_sound_alike(backend: Any) -> None:
    given = list(backend.voices("fr", [Speaker(id=str(n), pitch_hz=210.0) for n in range(3)], {}).values())
    assert given[0] == "ff_siwis"
    assert len(set(given)) == 3


def test_a_line_without_a_sound_and_a_language_that_it_is_not_chosen_for_are_refused(
    backend: Any, tmp_path: Path
) -> None:
    with pytest.raises(NothingToSayError):
        backend.synthesize("... !", "ef_dora", "es", tmp_path / "a.wav")
    with pytest.raises(NothingToSayError):
        backend.predicted_ms("... !", "ef_dora", "es")
    with pytest.raises(UnsupportedError, match="Finnish"):
        backend.voices("fi", [Speaker(id="A")], {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("line", "voice"), [("Así es esa casa.", "ef_dora"), ("Esa cosa es así.", "em_alex")])
def test_sounds_lie_where_the_phones_say(backend: Any, tmp_path: Path, line: str, voice: str) -> None:
    heard = backend.synthesize(line, voice, "es", tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    hissing = band_level_db(samples, rate, 4000, 8000, 0.005) - band_level_db(samples, rate, 100, 1500, 0.005)
    moments = np.arange(len(hissing)) * 5.0
    labels = sum(
        ((moments >= start) & (moments < end) for ipa, start, end, _ in heard.phones if ipa == "s"), moments < 0
    )
    fits = {late * 5: float(np.corrcoef(np.roll(hissing, -late), labels)[0, 1]) for late in range(-20, 21)}
    assert abs(max(fits, key=fits.__getitem__)) <= 25
