"""Voices are cloned and faces sent away only with an agreement that is on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.ask.plan import Request, checked_profile, plan
from tasks.records.errors import BadInputError

XTTS = {"backend": "coqui", "options": {"model": "tts_models/multilingual/multi-dataset/xtts_v2"}}
HOSTED = {"backend": "sync-lipsync-2", "options": {}}
RECORD = "- {who: WHO, what: [voice, face], when: 2026-10-01, scope: dubbing, titles: [clip]}\n"


def planned(clip: Path, folder: Path, consent: str | None = None, **overrides: object) -> tuple[object, ...]:
    if consent is not None:
        (folder / "consent.yaml").write_text(consent, "utf-8")
        overrides["consent"] = str(folder / "consent.yaml")
    script = folder / "script.json"
    lines = [{"id": 0, "start_ms": 500, "end_ms": 1500, "text": "Hello there.", "speaker": "Anna"}]
    script.write_text(json.dumps({"language": "en", "lines": lines}), "utf-8")
    request = Request([str(clip)], ["es"], str(folder / "out"), "fake", overrides, "en", subtitles=str(script))
    return plan(request)[0].title.consent


@pytest.mark.parametrize(("step", "chosen", "what"), [("synthesize", XTTS, "voice"), ("lipsync", HOSTED, "face")])
def test_without_an_agreement_nothing_starts(
    short_clip: Path, tmp_path: Path, store_folder: Path, step: str, chosen: dict[str, object], what: str
) -> None:
    with pytest.raises(BadInputError, match=rf"consent of Anna \({what}\)"):
        planned(short_clip, tmp_path, **{step: chosen})
    with pytest.raises(BadInputError, match="consent of Anna"):
        planned(short_clip, tmp_path, RECORD.replace("WHO", "Berta"), **{step: chosen})
    with pytest.raises(BadInputError, match="consent of Anna"):
        planned(short_clip, tmp_path, RECORD.replace("WHO", "Anna").replace("clip", "film"), **{step: chosen})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("who", ["Anna", '"*"'])
def test_the_agreement_travels_with_the_title(short_clip: Path, tmp_path: Path, store_folder: Path, who: str) -> None:
    (record,) = planned(short_clip, tmp_path, RECORD.replace("WHO", who), lipsync=HOSTED)
    assert record.model_dump(mode="json")["when"] == "2026-10-01"


def test_no_agreement_is_asked_for_voices_of_nobody(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    assert planned(short_clip, tmp_path) == ()


@pytest.mark.parametrize("text", ["- {who: Anna}", "who: Anna", "- [", "- {who: A, what: [soul], when: 2026-01-01}"])
def test_a_record_that_lacks_something_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "consent.yaml").write_text(text, "utf-8")
    with pytest.raises(BadInputError, match="Consent file"):
        checked_profile("fake", {"consent": str(tmp_path / "consent.yaml")})


@pytest.mark.parametrize(
    ("section", "chosen", "clause"),
    [
        ("synthesize", XTTS, "Coqui Public Model License"),
        ("separate", {"backend": "demucs"}, "for research only"),
        ("separate", {"backend": "demucs", "options": {"repo": "weights"}}, "no licence is known"),
        ("lipsync", {"backend": "auto", "options": {"restore": {"kind": "codeformer"}}}, "S-Lab License"),
    ],
)
def test_a_commercial_profile_refuses_by_name_and_clause(section: str, chosen: dict[str, object], clause: str) -> None:
    with pytest.raises(BadInputError, match=clause):
        checked_profile("commercial", {section: chosen})
