"""The engine's work leaves no second core to BLAS, and gives it back."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lipsync_engine.media.blas import on_one_core


def _threads() -> set[int]:
    np.linalg.inv(np.eye(2))  # loads it
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@on_one_core
def _fails(message: str) -> None:
    assert _threads() == {1}
    raise ValueError(message)


def test_blas_has_one_core_while_the_engine_works_and_what_it_had_afterwards() -> None:
    with threadpool_limits(2, user_api="blas"):
        assert on_one_core(_threads)() == {1}
        assert _threads() == {2}
        with pytest.raises(ValueError, match="no picture"):
            _fails("no picture")
        assert _threads() == {2}
