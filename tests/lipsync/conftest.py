"""One analysed clip and one dub for all tests of foreign systems."""

from __future__ import annotations

import pytest

from tests.lipsync.dubbed_clip import Dubbed, make_dubbed


@pytest.fixture(scope="session")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Dubbed:
    return make_dubbed(tmp_path_factory.mktemp("dubbed"))
