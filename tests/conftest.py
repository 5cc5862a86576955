"""What every test shares: an own store and Prefect home, a small clip made on the spot, a Prefect server on demand."""

from __future__ import annotations

import gc
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.missing_media import pytest_runtest_makereport, pytest_terminal_summary

__all__ = ["pytest_runtest_makereport", "pytest_terminal_summary"]

# Before anything imports Prefect: it reads its settings once. Nothing of the user's is touched.
_HOME = tempfile.mkdtemp(prefix="polydub-tests-")
os.environ["PREFECT_HOME"] = f"{_HOME}/prefect"
os.environ["POLYDUB_STORE"] = f"{_HOME}/store"
_KEPT = {"POLYDUB_STORE", "POLYDUB_MEDIA", "POLYDUB_WAV2LIP_CHECKOUT"}
for _name in [name for name in os.environ if name.startswith("POLYDUB_") and name not in _KEPT]:
    del os.environ[_name]
for _name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"):
    os.environ.pop(_name, None)

# Property tests draw the same examples each time (`make test`), or look for new ones: `HYPOTHESIS_PROFILE=search`
# (`make search`, `make test-all`) draws at random, ten times as many, and what it finds becomes an `@example`.
# A dear test takes a share of `settings.default.max_examples`, so that it grows with the search too.
_SLOW_IS_NO_FAULT = [HealthCheck.too_slow]
settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW_IS_NO_FAULT
)
settings.register_profile(
    "search", max_examples=1000, print_blob=True, deadline=None, suppress_health_check=_SLOW_IS_NO_FAULT
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_collection_finish() -> None:
    """What importing everything left stays: the garbage collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of test picture with two beeps, 25 frames a second."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    beeps = "aevalsrc='0.3*sin(440*2*PI*t)*(between(t,0.5,1.5)+between(t,2.2,3.4))':s=48000:d=4"
    picture = "testsrc2=size=320x240:rate=25:duration=4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", beeps]
    subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """A real Prefect server for the session."""
    from flows.service.server import prefect_server

    with prefect_server():
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield os.environ["PREFECT_API_URL"]


@pytest.fixture
def store_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of this test alone."""
    folder = tmp_path / "store"
    monkeypatch.setenv("POLYDUB_STORE", str(folder))
    return folder


@pytest.fixture
def opened_stores(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The places of the stores that are opened from now on."""
    from tasks.keep.store import Store

    opened: list[object] = []
    begin = Store.__init__

    def counted(self: Store, where: str | Path) -> None:
        opened.append(where)
        begin(self, where)

    monkeypatch.setattr(Store, "__init__", counted)
    return opened
