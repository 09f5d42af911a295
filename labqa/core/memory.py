"""How memory that data frames and arrays give back returns to the system."""

from __future__ import annotations

import ctypes
import os

VARIABLE = "_RJEM_MALLOC_CONF"
SOON = "dirty_decay_ms:500,muzzy_decay_ms:0"
"""Half a second after: at once would take a tenth more time for an evaluation."""
_M_MMAP_THRESHOLD, _LARGE = -3, 4 << 20
"""glibc's name for the size from which a block is mapped by itself, and that size in bytes (malloc.h, mallopt(3))."""


def given_back() -> None:
    """Lets polars give memory back soon after it is free, if nothing else is asked for (it must not be loaded yet), and glibc
    that of large arrays at once.

    As they come both keep what was free once: glibc raises the size from which it maps a block by itself with each that it
    frees, up to 32 MB, and arrays below it leave holes. Source: jemalloc's manual, `opt.muzzy_decay_ms`; mallopt(3).
    """
    os.environ.setdefault(VARIABLE, SOON)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
