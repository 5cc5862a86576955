"""The step: nothing to do where the translator has no other words; else script and takes change together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.profile import load_profile
from tasks.adapt.task import adapt
from tasks.fit.task import fit
from tasks.keep.store import Store
from tasks.qc.timing import adherence
from tasks.records.made import Adapted, Spoken
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.step_record import StepRecord
from tasks.records.title import Run, Title
from tasks.synthesize.task import synthesize
from tests.adapt.test_adapt import FITTING, LONG, SLOT_MS, SOURCE
from tests.translate.servers import ChatServer, posts, serving


@pytest.fixture
def dialogue(tmp_path: Path) -> Asset:
    path = tmp_path / "dialogue.wav"
    soundfile.write(path, np.zeros(48_000, np.float32), 48_000)
    return Store(tmp_path / "store").reference(path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ChatServer) as (url, made):
        made.candidates = {LONG: ["Gracias.", FITTING]}
        yield f"{url}/v1", made


def scripts() -> tuple[Script, Script]:
    lines = [Line(id=n, start_ms=n * 5000, end_ms=n * 5000 + SLOT_MS, text=SOURCE) for n in (1, 2)]
    source = Script(language="en", lines=tuple(lines), speakers=(Speaker(id="S1", pitch_hz=110.0),))
    dub = [lines[0].model_copy(update={"text": LONG}), lines[1].model_copy(update={"text": FITTING})]
    return source.model_copy(update={"language": "es", "lines": tuple(dub), "notes": ("of the translation",)}), source


def record(answer: Any) -> StepRecord[Any]:
    """The record of a step's function; one that was found comes inside a state."""
    return answer if isinstance(answer, StepRecord) else answer.data


def stepped(
    tmp_path: Path, dialogue: Asset, translate: dict[str, Any], edits: dict[str, str] | None = None
) -> tuple[Run, Script, Spoken, StepRecord[Adapted]]:
    profile = load_profile("offline", {"translate": translate, "synthesize": {"backend": "espeak"}})
    title = Title(name="t", video=dialogue, source="t", folder=str(tmp_path / "out"), languages=("es",))
    run = Run(title=title, profile=profile, store=str(tmp_path / "store")).branch("es")
    dub, source = scripts()
    spoken = record(synthesize.fn(run, dub, source, dialogue)).value
    return run, dub, spoken, record(adapt.fn(run, dub, source, spoken, dialogue, edits or {}))


def test_a_translator_without_other_words_changes_nothing(tmp_path: Path, dialogue: Asset) -> None:
    _, dub, spoken, adapted = stepped(tmp_path, dialogue, {"backend": "apertium"})
    assert adapted.value.script == dub
    assert adapted.value.takes == spoken.takes
    assert adapted.notes == ()


def test_script_and_takes_change_together_and_adherence_rises(
    tmp_path: Path, dialogue: Asset, server: tuple[str, Any]
) -> None:
    url, asked = server
    model = {"backend": "llm", "options": {"model": "small", "url": url}}
    run, dub, spoken, adapted = stepped(tmp_path, dialogue, model)
    script = adapted.value.script
    assert [line.text for line in script.lines] == [FITTING, FITTING]
    assert (script.lines[0].start_ms, script.lines[0].end_ms) == (dub.lines[0].start_ms, dub.lines[0].end_ms)
    assert adapted.value.reworded == (1,)
    assert "1 of 1 lines of the wrong length were reworded by llm." in adapted.notes
    assert script.notes == ("of the translation", *adapted.notes)
    laid = [fit.fn(run, dub, made.takes, 15_000).value for made in (spoken, adapted.value)]
    shares = [adherence(one.placements).value for one in laid]
    assert shares == [0.5, 1.0]
    assert len(posts(asked)) == 1
    again = stepped(tmp_path, dialogue, model)[3]
    assert again.reused
    assert len(posts(asked)) == 1


def test_a_persons_line_is_not_worded_anew(tmp_path: Path, dialogue: Asset, server: tuple[str, Any]) -> None:
    url, asked = server
    model = {"backend": "llm", "options": {"model": "small", "url": url}}
    _, dub, _, adapted = stepped(tmp_path, dialogue, model, {"1": LONG})
    assert adapted.value.script.lines == dub.lines
    assert posts(asked) == []
