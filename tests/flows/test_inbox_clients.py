"""What lies in an inbox is a client's: what it may not name is refused beside it, and nothing is dubbed."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.terminal.inbox import Inbox
from tasks.records.errors import BadInputError


@pytest.mark.parametrize(
    ("cell", "files", "told"),
    [
        (
            "latent.yaml",
            {
                "latent.yaml": "lipsync: {backend: latentsync, options: {models: .}}\n",
                "inference.py": "raise SystemExit",
            },
            "row 2, column profile: Profile file 'latent.yaml' sets 'lipsync.backend', 'lipsync.options'",
        ),
        (
            "steal.yaml",
            {"steal.yaml": "translate: {backend: llm, options: {model: m, url: 'http://far.example'}}\n"},
            "row 2, column profile: Profile file 'steal.yaml' sets 'translate.backend', 'translate.options'",
        ),
        ("../operator.yaml", {}, "row 2, column profile: '../operator.yaml' is outside the allowed folders"),
        ("../here/mine.yaml", {}, "row 2, column profile: '../here/mine.yaml' is outside the allowed folders"),
        ("nowhere", {}, "row 2, column profile: There is no profile 'nowhere'"),
    ],
)
def test_a_clients_profile_is_refused_beside_the_manifest(
    cell: str,
    files: dict[str, str],
    told: str,
    short_clip: Path,
    store_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, here = tmp_path / "in", tmp_path / "here"
    inbox.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)  # the operator's working folder is not the client's
    (here / "mine.yaml").write_text("loudness: a85\n")
    (inbox / "clip.mp4").write_bytes(short_clip.read_bytes())
    (inbox / "list.csv").write_text(f"title,languages,profile\nclip.mp4,es,{cell}\n")
    for name, text in files.items():
        (inbox / name).write_text(text)
    (inbox / "clip.mp4.error.txt").write_text("not now")  # the video alone is not what is looked at here
    with pytest.raises(BadInputError, match=r"\.error\.txt"):
        Inbox(inbox, ["es"], "fake", str(tmp_path / "out")).once(0.0)
    assert told in (inbox / "list.csv.error.txt").read_text()
    assert not (tmp_path / "out").exists()
