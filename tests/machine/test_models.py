"""Models by one table: found in order, put together from data packages, fetched, verified, packed and unpacked."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

import configs.models
from configs.models import Model, models
from flows.cli import app
from tasks.machine.weights import fetched, here, located, seal, shelf
from tasks.machine.weights.crate import pack, unpack
from tasks.machine.weights.verify import verified
from tasks.records.errors import BadInputError, MissingBackendError, TransientError

FIRST, SECOND = b"the first half, " * 500, b"and the second" * 700
WHOLE = FIRST + SECOND


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("POLYDUB_MODELS", raising=False)
    return tmp_path


def entry(**told: object) -> Model:
    file = {"bytes": len(WHOLE), "sha256": hashlib.sha256(WHOLE).hexdigest()} | dict(told.pop("file", {}))  # type: ignore[call-overload]
    return Model.model_validate({"for": "tests", "licence": "MIT", "files": {"w.bin": file}} | told)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, Model]:
    """A table of its own in place of the real one."""
    made: dict[str, Model] = {}
    for module in (configs.models, shelf):
        monkeypatch.setattr(module, "models", lambda: made)
    monkeypatch.setattr("tasks.machine.weights.crate.models", lambda: made)
    return made


@pytest.fixture
def data_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with two parts, whose import would fail."""
    site = tmp_path / "site"
    (site / "toy").mkdir(parents=True)
    (site / "toy_data-1.0.dist-info").mkdir()
    (site / "toy_data-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-data\nVersion: 1.0\n")
    (site / "toy" / "__init__.py").write_text("raise RuntimeError('a data package was imported')")
    (site / "toy" / "part1").write_bytes(FIRST)
    (site / "toy" / "part2").write_bytes(SECOND)
    monkeypatch.syspath_prepend(str(site))
    return site / "toy"


PARTS = {"parts": ["toy-data:toy/part1", "toy-data:toy/part2"]}


def left(home: Path, name: str = "m") -> list[str]:
    folder = home / "cache" / "polydub" / "models" / name
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_model_is_put_together_from_the_parts_in_data_packages(
    table: dict[str, Model], data_package: Path, home: Path
) -> None:
    table["m"] = entry(file=PARTS)
    assert here("m")
    folder = located("m")
    assert folder is not None
    assert (folder / "w.bin").read_bytes() == WHOLE
    assert left(home) == ["w.bin"]


def test_parts_of_another_content_are_refused_and_nothing_is_left(
    table: dict[str, Model], data_package: Path, home: Path
) -> None:
    table["m"] = entry(file=PARTS)
    (data_package / "part2").write_bytes(SECOND[::-1])
    with pytest.raises(MissingBackendError, match="not match the table of models"):
        located("m")
    assert left(home) == []


def test_a_verified_file_is_not_hashed_again_until_it_changes(
    table: dict[str, Model], data_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table["m"] = entry(file=PARTS)
    folder = located("m")
    assert folder is not None
    with monkeypatch.context() as patch:
        patch.setattr(seal, "file_sha256", lambda _path: pytest.fail("hashed again"))
        assert located("m") == folder
    (folder / "w.bin").write_bytes(WHOLE[::-1])  # as long, but another
    assert located("m") == folder
    assert (folder / "w.bin").read_bytes() == WHOLE  # made again


@pytest.mark.parametrize("use", [located, fetched])
def test_a_file_that_decayed_unnoticed_is_made_again_once_verify_has_found_it(
    table: dict[str, Model], data_package: Path, use: Callable[[str], Path | None]
) -> None:
    table["m"] = entry(file=PARTS)
    folder = located("m")
    assert folder is not None
    weights = folder / "w.bin"
    before = weights.stat()
    weights.write_bytes(WHOLE[:100] + b"?" + WHOLE[101:])
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(MissingBackendError, match="its SHA-256 is"):
        verified("m")
    assert use("m") == folder
    assert weights.read_bytes() == WHOLE


def test_the_users_folder_comes_first_and_a_wrong_file_in_it_is_named(
    table: dict[str, Model], data_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table["m"] = entry(file=PARTS)
    own = tmp_path / "mine" / "m"
    own.mkdir(parents=True)
    monkeypatch.setenv("POLYDUB_MODELS", str(own.parent))
    assert located("m") != own  # an empty folder is no model
    (own / "w.bin").write_bytes(WHOLE)
    assert located("m") == own
    (own / "w.bin").write_bytes(b"x" * len(WHOLE))
    with pytest.raises(MissingBackendError, match=r"mine/m/w\.bin .* SHA-256"):
        located("m")


def test_half_a_model_in_the_users_folder_is_told_and_no_other_is_taken_for_it(
    table: dict[str, Model], data_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = entry(file=PARTS)
    table["m"] = whole.model_copy(update={"files": {**whole.files, "config.json": whole.files["w.bin"]}})
    own = tmp_path / "mine" / "m"
    own.mkdir(parents=True)
    monkeypatch.setenv("POLYDUB_MODELS", str(own.parent))
    assert located("m") not in (None, own)  # an empty folder is no model
    (own / "w.bin").write_bytes(WHOLE)
    with pytest.raises(MissingBackendError, match=r"mine/m is not complete: config\.json is missing"):
        located("m")
    (own / "config.json").write_bytes(WHOLE)
    assert located("m") == own


def test_a_model_that_is_nowhere_is_not_here_and_an_unknown_one_is_bad_input(table: dict[str, Model]) -> None:
    table["m"] = entry(file=PARTS)
    assert (here("m"), located("m")) == (False, None)
    with pytest.raises(MissingBackendError, match="cannot be fetched"):
        fetched("m")
    with pytest.raises(BadInputError, match=r"no model 'x'.*\n?.*m"):
        located("x")


class Hub:
    """A server of one file that may break off, and remembers what it was asked."""

    def __init__(self, body: bytes) -> None:
        self.body, self.breaks_after, self.asked = body, 0, []
        hub = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.headers.get("Range", ""))
                start = int(hub.asked[-1].removeprefix("bytes=").rstrip("-") or 0)
                rest = hub.body[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                cut, hub.breaks_after = hub.breaks_after, 0
                with contextlib.suppress(OSError):
                    self.wfile.write(rest[:cut] if cut else rest)

            def log_message(self, *_args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(WHOLE)
    threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def test_a_download_goes_on_where_it_broke_off(table: dict[str, Model], hub: Hub, home: Path) -> None:
    table["m"] = entry(hub=hub.url)
    hub.breaks_after = 5000
    folder = fetched("m")
    assert (folder / "w.bin").read_bytes() == WHOLE
    assert hub.asked == ["", "bytes=5000-"]
    assert left(home) == ["w.bin"]


def test_a_download_that_was_killed_is_not_used_and_is_finished_by_the_next(
    table: dict[str, Model], hub: Hub, home: Path
) -> None:
    table["m"] = entry(hub=hub.url)
    half = home / "cache" / "polydub" / "models" / "m" / ".w.bin.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(WHOLE[:7000])
    assert located("m") is None
    assert (fetched("m") / "w.bin").read_bytes() == WHOLE
    assert hub.asked == ["bytes=7000-"]


def test_a_download_of_another_content_is_refused_and_removed(table: dict[str, Model], hub: Hub, home: Path) -> None:
    table["m"] = entry(hub=hub.url)
    hub.body = WHOLE[::-1]
    with pytest.raises(MissingBackendError, match="not match the table"):
        fetched("m")
    assert left(home) == []
    hub.body = WHOLE
    assert fetched("m")


def test_of_two_that_fetch_at_once_one_downloads(table: dict[str, Model], hub: Hub) -> None:
    table["m"] = entry(hub=hub.url)
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(fetched("m"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(set(found)) == 1
    assert len(found) == 2
    assert hub.asked == [""]


def test_without_a_network_the_error_is_one_that_passes(table: dict[str, Model], hub: Hub) -> None:
    table["m"] = entry(hub="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="resumes where it stopped"):
        fetched("m")


def test_models_are_fetched_by_https_only(table: dict[str, Model]) -> None:
    table["m"] = entry(hub="http://example.com")
    with pytest.raises(MissingBackendError, match="HTTPS"):
        fetched("m")


def npm_that_packs(folder: Path, body: bytes) -> Path:
    """A stand-in for npm that leaves an archive in the folder that it is run in."""
    folder.mkdir()
    with tarfile.open(folder / "toy.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("package/data/w.bin")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    (folder / "npm").write_text(f'#!/bin/sh\n[ "$1 $3" = "pack toy@1.0" ] && cp {folder}/toy.tgz .\n')
    (folder / "npm").chmod(0o755)
    return folder


@pytest.mark.parametrize("body", [WHOLE, WHOLE[::-1]], ids=["right", "wrong"])
def test_a_model_in_a_package_of_npm_is_taken_out_and_verified(
    table: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    table["m"] = entry(npm={"package": "toy@1.0", "folder": "data"})
    monkeypatch.setenv("PATH", f"{npm_that_packs(home / 'npm', body)}:/usr/bin:/bin")
    if body == WHOLE:
        assert (fetched("m") / "w.bin").read_bytes() == WHOLE
        assert left(home) == ["w.bin"]
    else:
        with pytest.raises(MissingBackendError, match="not match the table"):
            fetched("m")
        assert left(home) == []


@pytest.mark.parametrize("left_behind", [".npm-x1/toy.tgz", ".wheel-x1/toy/w.bin", ".999999999-1.part.bin"])
def test_what_a_killed_fetch_left_is_removed_by_the_next(
    table: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch, left_behind: str
) -> None:
    table["m"] = entry(npm={"package": "toy@1.0", "folder": "data"})
    monkeypatch.setenv("PATH", f"{npm_that_packs(home / 'npm', WHOLE)}:/usr/bin:/bin")
    half = home / "cache" / "polydub" / "models" / "m" / left_behind
    half.parent.mkdir(parents=True)
    half.write_bytes(WHOLE)
    fetched("m")
    assert left(home) == ["w.bin"]


@pytest.mark.parametrize("body", [WHOLE, WHOLE[::-1]], ids=["right", "wrong"])
def test_a_model_in_a_wheel_is_taken_out_and_verified_and_nothing_else_is_kept(
    table: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    table["m"] = entry(wheel={"package": "toy==1.0", "python": "3.11", "folder": "toy/data"}, file={"at": "deep/w"})
    (home / "body").write_bytes(body)
    uv = home / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != --target ]; do shift; done; [ "$3" = "toy==1.0" ] || exit 1\n'
        f'mkdir -p "$2/toy/data/deep" && cp {home}/body "$2/toy/data/deep/w"\n'
    )
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    if body == WHOLE:
        assert (fetched("m") / "w.bin").read_bytes() == WHOLE
        assert left(home) == ["w.bin"]
    else:
        with pytest.raises(MissingBackendError, match="not match the table"):
            fetched("m")
        assert left(home) == []


def test_a_wheel_that_cannot_be_had_is_told_with_what_uv_said(
    table: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table["m"] = entry(wheel={"package": "toy==1.0", "python": "3.11", "folder": "toy"})
    uv = home / "uv"
    uv.write_text("#!/bin/sh\necho 'no such wheel' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    with pytest.raises(TransientError, match=r"toy==1\.0: no such wheel"):
        fetched("m")
    assert left(home) == []


def test_models_travel_in_a_folder_and_are_verified_at_both_ends(
    table: dict[str, Model], data_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table["m"] = entry(file=PARTS)
    table["elsewhere"] = entry()
    assert pack(tmp_path / "crate") == ["m"]
    with pytest.raises(BadInputError, match="elsewhere is not installed"):
        pack(tmp_path / "crate", ["elsewhere"])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other machine"))
    (data_package / "part1").unlink()
    assert located("m") is None
    assert unpack(tmp_path / "crate") == ["m"]
    assert verified("m") == "1 of 1 files verified"
    (tmp_path / "crate" / "m" / "w.bin").write_bytes(b"x" * len(WHOLE))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a third"))
    with pytest.raises(MissingBackendError, match="not match the table"):
        unpack(tmp_path / "crate")
    assert located("m") is None
    with pytest.raises(BadInputError, match="no model in"):
        unpack(tmp_path / "nothing")


def test_the_table_tells_licence_size_and_source_of_every_model() -> None:
    for name, model in models().items():
        assert model.licence, name
        assert model.size_mb or name == "nllb", name
        assert model.commercial or model.clause, name
        sources = (model.npm, model.wheel, model.hub, model.kept, all(f.parts for f in model.files.values()))
        assert any(sources) or name == "nllb", name
        if model.setup:
            assert model.commercial, name
            assert all(file.bytes and len(file.sha256) == 64 for file in model.files.values()), name


def test_the_list_is_shown_as_json_and_a_wrong_model_is_verified_with_exit_code_1(home: Path) -> None:
    cli = CliRunner()
    rows = json.loads(cli.invoke(app, ["models", "list", "--json"]).stdout)
    assert [row["name"] for row in rows] == list(models())
    assert next(row for row in rows if row["name"] == "silero-vad")["where"].endswith("silero_vad.jit")
    assert cli.invoke(app, ["models", "verify", "silero-vad"]).exit_code == 0
    wrong = home / "mine" / "htdemucs"
    wrong.mkdir(parents=True)
    (wrong / "955717e8-8726e21a.th").write_bytes(b"no model")
    result = cli.invoke(app, ["models", "verify", "htdemucs"], env={"POLYDUB_MODELS": str(wrong.parent)})
    assert (result.exit_code, "WRONG" in result.stdout) == (1, True)
