"""How memory that data frames and arrays give back returns to the system."""

from __future__ import annotations

import ctypes
import os

VARIABLE = "_RJEM_MALLOC_CONF"
SOON = "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0"
"""A tenth of a second after: at once would take a tenth more time for an evaluation. In one arena, as glibc: with four for each
processor memory that one gave back is not there for the others, which get pages anew."""
_M_MMAP_THRESHOLD, _LARGE = -3, 4 << 20
"""glibc's name for the size from which a block is mapped by itself, and that size in bytes (malloc.h, mallopt(3))."""
_M_TRIM_THRESHOLD, _AT_HAND = -1, 64 << 20
"""glibc's name for the size up to which it keeps what is free at the end of its heap, and that size in bytes: without it
each piece of a file that is read gets pages anew."""
_M_ARENA_MAX = -8
"""glibc's name for the number of heaps: with one for each thread, each keeps what it had free."""


def given_back() -> None:
    """Lets polars give memory back soon after it is free, if nothing else is asked for (it must not be loaded yet), and glibc
    that of large arrays at once, with one heap for all threads.

    As they come both keep what was free once: glibc raises the size from which it maps a block by itself with each that it
    frees, up to 32 MB, and arrays below it leave holes. Source: jemalloc's manual, `opt.muzzy_decay_ms`; mallopt(3).
    """
    os.environ.setdefault(VARIABLE, SOON)
    _of_glibc("mallopt", _M_MMAP_THRESHOLD, _LARGE)
    _of_glibc("mallopt", _M_TRIM_THRESHOLD, _AT_HAND)
    _of_glibc("mallopt", _M_ARENA_MAX, 1)


def trimmed() -> None:
    """Gives the system what smaller arrays have left free between those in use, with glibc: after a fit up to half a gigabyte.

    Source: malloc_trim(3).
    """
    _of_glibc("malloc_trim", 0)


def _of_glibc(name: str, *given: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)  # other C libraries have none
    if function is not None:
        function(*given)
