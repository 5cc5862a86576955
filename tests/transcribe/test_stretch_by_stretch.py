"""A recording heard stretch by stretch takes no more memory than its largest stretch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.records.progress import silent
from tasks.transcribe.hearing import Heard, Stretch
from tasks.transcribe.stretch_by_stretch import Recording, script_of
from tasks.transcribe.tongues import Tongues

_PIECE = 32_768  # bytes: less than what the allocator gets from the system singly


def held_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library gives memory back itself")
def test_what_one_stretch_has_freed_is_given_back_before_the_next(tmp_path: Path) -> None:
    """Pieces as native code takes them; of every stretch one stays, on top, as a recogniser's own memory does."""
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16_000 * 200), 16_000)
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_size_t],
        [ctypes.c_void_p],
    )
    before, kept = [], []

    def hear(stretch: Stretch, language: str) -> Iterable[Heard]:
        before.append(held_mb())
        taken = [libc.malloc(_PIECE) for _ in range(2000)]  # 65 MB
        for piece in taken:
            ctypes.memset(piece, 1, _PIECE)
        kept.append(taken.pop())
        for piece in taken:
            libc.free(piece)
        return ()

    spans = [(at, at + 40_000) for at in range(0, 200_000, 50_000)]
    script_of(
        Recording(tmp_path / "quiet.wav", spans, Tongues("en")),
        hear,
        silent,
        language="en",
        pause_ms=500,
        origin="none",
    )
    for piece in kept:
        libc.free(piece)
    assert len(before) == 4
    assert max(before) - before[0] < 20
