"""An edit of one line is an edit of one line: a pace that is settled stays, and with it every other take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.profile import load_profile
from tasks.keep.store import Store
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.step_record import StepRecord
from tasks.records.title import Branch, Run, Title
from tasks.synthesize.task import synthesize

SHORT, LONG = "Hola a todos.", "Hola a todos, muchas gracias por venir."
SLOT_MS = 1500
TEXTS = ("Buenos días a todos ustedes.", SHORT, "Hoy vamos a hablar de los mapas.")


@pytest.fixture
def dialogue(tmp_path: Path) -> Asset:
    path = tmp_path / "dialogue.wav"
    soundfile.write(path, np.zeros(48_000, np.float32), 48_000)
    return Store(tmp_path / "store").reference(path)


@pytest.fixture
def branch(tmp_path: Path, dialogue: Asset) -> Branch:
    title = Title(name="t", video=dialogue, source="t", folder=str(tmp_path / "out"), languages=("es",))
    profile = load_profile("offline", {"synthesize": {"backend": "espeak", "retakes": 0}})
    return Run(title=title, profile=profile, store=str(tmp_path / "store")).branch("es")


def script(language: str, *texts: str) -> Script:
    lines = tuple(
        Line(id=n, start_ms=n * 3000, end_ms=n * 3000 + SLOT_MS, text=text) for n, text in enumerate(texts, start=1)
    )
    return Script(language=language, lines=lines, speakers=(Speaker(id="S1", pitch_hz=110.0),))


def spoken(branch: Branch, dialogue: Asset, *texts: str, paces: dict[str, float] | None = None) -> StepRecord[Any]:
    answer = synthesize.fn(branch, script("es", *texts), script("en", "a", "b", "c"), dialogue, None, paces or {})
    return answer if isinstance(answer, StepRecord) else answer.data


def test_one_line_is_spoken_again_where_one_was_edited(branch: Branch, dialogue: Asset) -> None:
    before = spoken(branch, dialogue, *TEXTS)
    edited = (TEXTS[0], LONG, TEXTS[2])
    moved = spoken(branch, dialogue, *edited)
    assert moved.value.paces != before.value.paces  # the edit would move the pace
    known = synthesize.known(branch, script("es", *TEXTS), script("en", "a", "b", "c"), dialogue, None, {})
    assert known is not None
    after = spoken(branch, dialogue, *edited, paces=known.value.paces)
    assert after.value.paces == before.value.paces
    takes = [
        {take.line: take.audio.sha256 for take in record.value.takes if take.line != 2} for record in (before, after)
    ]
    assert takes[0] == takes[1]


def test_a_script_that_was_never_spoken_settles_nothing(branch: Branch, dialogue: Asset) -> None:
    assert synthesize.known(branch, script("es", *TEXTS), script("en", "a", "b", "c"), dialogue) is None
