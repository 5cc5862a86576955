"""Memory that native code has freed, given back to the system."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Give back what lies free in the heap of glibc; nothing happens with another C library.

    It keeps what it frees, in pieces: a recogniser that gets an hour in stretches would hold more after each.
    """
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
