"""How the memory that data frames give back returns to the system."""

from __future__ import annotations

import os

VARIABLE = "_RJEM_MALLOC_CONF"
AT_ONCE = "dirty_decay_ms:0,muzzy_decay_ms:0"


def given_back() -> None:
    """Lets polars give memory back as soon as it is free, if nothing else is asked for; it must not be loaded yet.

    As it comes it keeps what was free once: on a million results, twice what the frames hold. Source: jemalloc's manual,
    `opt.muzzy_decay_ms`.
    """
    os.environ.setdefault(VARIABLE, AT_ONCE)
