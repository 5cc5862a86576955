"""A label stands over the first two seconds of a synthetic dub's picture, in the dub's language, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.labels import label_words, words_in
from flows.ask.plan import Request, plan
from flows.terminal.runner import dub_titles
from tasks.label import draw
from tasks.label.draw import draw_label
from tasks.media.probe import probe
from tasks.package.mark import dubbed_into


def test_a_dub_is_labelled_in_its_own_language_and_else_in_english() -> None:
    assert words_in("de-AT") == ("Enthält KI-generierte Sprache", "de")
    assert words_in("sw") == (label_words()["en"].text, "en")


def frame(video: Path, at_s: float) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-ss", str(at_s), "-i", str(video), "-frames:v", "1", "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(180, 320)


def test_the_label_is_at_the_upper_edge_for_two_seconds(tmp_path: Path) -> None:
    plain, labelled = tmp_path / "plain.mp4", tmp_path / "labelled.mkv"
    made = ["-f", "lavfi", "-i", "color=0x406080:s=320x180:r=25:d=3", "-pix_fmt", "yuv420p", str(plain)]
    subprocess.run(["ffmpeg", "-v", "error", *made], check=True)
    facts = probe(plain)
    assert facts.picture is not None
    draw_label(plain, facts.picture, words_in("de")[0], labelled, facts.duration_ms)
    early, late = (frame(labelled, at).astype(int) - frame(plain, at) for at in (1.0, 2.5))
    assert np.abs(early[:40]).max() > 60
    assert np.abs(early[60:]).max() < 8
    assert np.abs(late).max() < 8
    rows = np.flatnonzero(early.max(1) > 100)  # white letters
    assert np.ptp(rows) + 1 >= 0.05 * 180
    after = probe(labelled)
    assert after.picture is not None
    assert after.picture.frames == facts.picture.frames


def test_a_language_without_a_font_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw.process, "capture", lambda *_arguments, **_how: b"")
    assert draw.without_font("ja")


@pytest.mark.usefixtures("store_folder")
def test_a_labelled_master_has_china_s_tag_beside_the_mark(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    overrides = {"lipsync": {"backend": "fake"}, "label": "cn"}
    given: dict[str, Any] = {"videos": [str(short_clip)], "languages": ("zh",), "out": str(tmp_path), "profile": "fake"}
    monkeypatch.setattr(draw, "without_font", lambda language: language == "zh")
    (summary,) = dub_titles([plan(Request(**given, overrides=overrides, source_language="en"))[0]])
    master = tmp_path / "clip" / "clip.zh.mp4"
    shown = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", str(master)]
    tags = json.loads(subprocess.run(shown, capture_output=True, check=True).stdout)["format"]["tags"]
    assert json.loads(tags["AIGC"])["Label"] == "1"
    assert set(json.loads(tags["AIGC"])) >= {"ContentProducer", "ProduceID", "ContentPropagator", "PropagateID"}
    assert dubbed_into(master) == ("zh",)
    assert any("No installed font is made for Chinese" in note for note in summary["languages"]["zh"]["notes"])
    assert any("label is drawn over the first 2 s" in note for note in summary["languages"]["zh"]["notes"])
