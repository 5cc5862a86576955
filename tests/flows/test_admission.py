"""A worker holds what the server sends it against its own store and roots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.profile import load_profile
from flows.night.batches import load_batch
from flows.service.admission import admit
from tasks.errors import BadInputError
from tasks.model import Asset, Run, Title


def sent(folder: Path, *, store: str = "", language: str = "es", **title: Any) -> Run:
    asset = Asset(uri=str(folder / "in" / "v.mp4"), sha256="0" * 64, bytes=1)
    told = {"name": "v", "video": asset, "source": "v.mp4", "folder": str(folder), "languages": ("es",), **title}
    made = Run(title=Title.model_validate(told), profile=load_profile("fake"), store=store or str(folder / "store"))
    return made.branch(language)


def at(uri: str) -> Asset:
    return Asset(uri=uri, sha256="0" * 64, bytes=1)


def test_a_run_as_it_was_planned_is_taken(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    admit(sent(tmp_path))
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    admit(sent(tmp_path, bed=at(f"{store_folder}/blobs/ab/x.wav")))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../../.."},
        {"name": ".."},
        {"name": "a/b"},
        {"name": "a\x1b[2J"},
        {"languages": ("../es",)},
        {"language": "../../x"},
        {"store": "/tmp/elsewhere"},
        {"video": at("/etc/hostname")},
        {"bed": at("/etc/hostname")},
        {"subtitles": at("/etc/hostname")},
        {"dubs": {"es": at("/etc/hostname")}},
        {"video": at("s3://theirs/blobs/ab/x.mp4")},
    ],
)
def test_what_was_changed_on_the_way_is_refused(
    changed: dict[str, Any], store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    with pytest.raises(BadInputError, match="This worker does not take the run"):
        admit(sent(tmp_path, **changed))


def test_a_batch_is_no_path(store_folder: Path) -> None:
    with pytest.raises(BadInputError, match="no batch's name"):
        load_batch("../records/title/x")
