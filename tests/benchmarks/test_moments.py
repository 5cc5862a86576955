"""Which frames a contact sheet shows."""

import numpy as np
import pytest

from benchmarks.lipsync_moments import SHARES, TEXTS, kind_of, moments
from benchmarks.lipsync_sheets import strip
from lipsync_engine.records import Phone
from lipsync_engine.speech import espeak

TIMES = np.arange(0, 8, 0.04)


@pytest.mark.parametrize(
    ("ipa", "kind"),
    [("m", "closure"), ("β", ""), ("a", "open"), ("u", "round"), ("f", "teeth"), ("ʃ", "sibilant"), ("t", "")],
)
def test_a_sound_is_looked_at_for_what_it_shows(ipa: str, kind: str):
    assert kind_of(Phone(ipa, 0, 80)) == kind


@pytest.mark.parametrize("language", [code for code in TEXTS if code != "ja"])
def test_every_text_shows_every_kind_of_sound(language: str):
    phones = espeak.synthesize(TEXTS[language], espeak.voice_for(language)).phones
    chosen = moments(phones, TIMES, np.full(len(TIMES), -np.inf), 18)
    assert {m.kind for m in chosen} == set(SHARES)


def test_frames_come_in_order_each_once_with_sound_and_time():
    phones = (Phone("", 0, 400), Phone("p", 400, 480), Phone("a", 480, 680), Phone("", 680, 1200))
    chosen = moments(phones, TIMES, np.full(len(TIMES), -np.inf), 6)
    assert [m.label for m in chosen] == ["pause 0.20s", "[p] 0.44s", "p[a] 0.58s", "end a+120ms 0.80s"]
    assert [m.frame for m in chosen] == [5, 11, 14, 20]


def test_the_worst_jumps_lie_apart():
    jumps = np.zeros(len(TIMES))
    jumps[[50, 51, 52, 120]] = [5.0, 9.0, 4.0, 3.0]
    chosen = moments((), TIMES, jumps, 2)
    assert [m.frame for m in chosen if m.kind == "jump"] == [51, 120]


def test_what_lies_after_the_last_frame_is_not_asked_for():
    assert moments((Phone("a", 9000, 9200),), TIMES, np.full(len(TIMES), -np.inf), 6) == []


def test_labels_have_the_letters_of_the_ipa():
    assert not np.array_equal(strip("ʃ", 60), strip("ɲ", 60))
    assert strip("a[ʃ] 1.20s", 300).shape[1] == 300
