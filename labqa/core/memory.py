"""How the memory that data frames give back returns to the system."""

from __future__ import annotations

import os

VARIABLE = "_RJEM_MALLOC_CONF"
SOON = "dirty_decay_ms:500,muzzy_decay_ms:0"
"""Half a second after: at once would take a tenth more time for an evaluation."""


def given_back() -> None:
    """Lets polars give memory back soon after it is free, if nothing else is asked for; it must not be loaded yet.

    As it comes it keeps what was free once. Source: jemalloc's manual,
    `opt.muzzy_decay_ms`.
    """
    os.environ.setdefault(VARIABLE, SOON)
