from __future__ import annotations

from pathlib import Path

import pytest

from tasks import media
from tasks.records.errors import ProcessFailedError
from tests.clips import clip


def test_a_failure_tells_what_ffmpeg_complained_of_and_not_its_progress(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.avi", seconds=1, video=("-c:v", "mpeg4", "-bf", "2"))
    copied = media.sink([media.source(source)["v:0"]], tmp_path / "a.mkv", c="copy")
    with pytest.raises(ProcessFailedError) as failure:
        media.run_ffmpeg(copied, duration_ms=1000)
    assert "Can't write packet with unknown timestamp" in failure.value.what
    assert "progress=" not in failure.value.what
    assert "0x" not in failure.value.what
    assert failure.value.data["returncode"] == 1
