"""The whole graph on sources whose sound or picture starts late: what is heard of the source stays with its flashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.ask.plan import Request, plan
from flows.terminal.runner import dub_titles
from tests.flash_and_beep import beeps, cues, flash_and_beep, flashes

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "kind"), [("a.ts", "late sound"), ("b.ts", "late picture"), ("c.mp4", "late picture")]
)
def test_a_kept_beep_a_line_and_its_cue_lie_with_their_flashes(tmp_path: Path, name: str, kind: str) -> None:
    source = flash_and_beep(tmp_path / name, kind)
    first, second = flashes(source)
    words = "1\n{} --> {}\nGood morning.\n\n2\n{} --> {}\n♪ La la ♪\n"
    times = (first, first + 0.6, second, second + 0.6)
    subtitles = source.with_suffix(".en.srt")
    subtitles.write_text(words.format(*(f"00:00:{at:06.3f}".replace(".", ",") for at in times)), "utf-8")
    request = Request([str(source)], ["es"], str(tmp_path / "out"), "fake", {"lipsync": {"backend": "fake"}}, "en")
    dub_titles(plan(request))
    folder = tmp_path / "out" / source.stem
    for delivered, dub in ((folder / f"{source.stem}.es.mp4", 0), (folder / f"{source.stem}.multi.mkv", 1)):
        seen = flashes(delivered)
        assert beeps(delivered, dub) == pytest.approx(seen, abs=0.025)
        assert cues(delivered) == pytest.approx(seen[:1], abs=0.003)
    sheet = json.loads((folder / "es" / "qc.json").read_text("utf-8"))
    assert abs(sheet["av_offset_ms"]) <= 20
