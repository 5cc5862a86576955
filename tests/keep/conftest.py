"""The two places of a store: a local folder, and a bucket of a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.keep.store import Store
from tests.object_store import BUCKET, object_store


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    with object_store() as variables:
        yield variables


@pytest.fixture
def remote(bucket: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POLYDUB_CACHE", str(tmp_path / "store"))
    return Store(f"s3://{BUCKET}/{tmp_path.name}")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "bucket":
        made: Store = request.getfixturevalue("remote")
        return made
    return Store(tmp_path / "store")
