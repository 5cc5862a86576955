from __future__ import annotations

import pytest

from tests.lipsync.hosted.hosted_clips import Clips, make_clips


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Made once."""
    return make_clips(tmp_path_factory.mktemp("hosted"))
