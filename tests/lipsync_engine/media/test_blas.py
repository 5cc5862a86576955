"""The engine's work leaves no second core to BLAS, and gives it back."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lipsync_engine.media.blas import on_one_core


def _threads() -> dict[str, int]:
    """Of each BLAS in the process (numpy has one, scipy another, and some are made for one thread alone)."""
    np.linalg.inv(np.eye(2))  # loads it
    return {
        library["filepath"]: library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


@on_one_core
def _fails(message: str) -> None:
    assert set(_threads().values()) == {1}
    raise ValueError(message)


def test_blas_has_one_core_while_the_engine_works_and_what_it_had_afterwards() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = _threads()
        assert 2 in before.values()
        assert set(on_one_core(_threads)().values()) == {1}
        assert _threads() == before
        with pytest.raises(ValueError, match="no picture"):
            _fails("no picture")
        assert _threads() == before
