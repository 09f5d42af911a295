"""What successive events of a scheme make of a laboratory: the score of an event, and failures among the last ones.

Grouped over `offsets` (int64, groups + 1): a group is a laboratory (× item), its entries lie in order of time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import offsets_of
from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def event_score_by_group(acceptable: Flags, offsets: Integers) -> Floats:
    """Percent of the challenges of each event (group) that were acceptable (CLIA, 42 CFR 493, subpart H).

    A challenge without a response is not acceptable; an event without any, where the laboratory was absent, scores 0.
    """
    counted, at = np.concatenate([[0], np.cumsum(acceptable)]), offsets_of(len(acceptable), offsets)
    hits, challenges = counted[at[1:]] - counted[at[:-1]], np.diff(at)
    return np.asarray(100.0 * hits / np.maximum(challenges, 1))


def event_score(acceptable: ArrayLike) -> float:
    """Percent of the challenges of one event that were acceptable; see `event_score_by_group`."""
    flags = np.asarray(acceptable, dtype=np.bool_)
    return float(event_score_by_group(flags, np.array([0, len(flags)], dtype=np.int64))[0])


def unsatisfactory(score: ArrayLike, *, least: ArrayLike = 80.0) -> Flags:
    """Whether an event's score falls short of 80 % (some analytes ask for more: an argument); NaN, no score, does as well."""
    return ~(np.asarray(score, dtype=np.float64) >= np.asarray(least, dtype=np.float64))


@kernel
def _among_the_last(failed: Flags, offsets: Integers, window: int, at_least: int) -> Flags:
    found = np.zeros(len(failed), dtype=np.bool_)
    for g in range(len(offsets) - 1):
        inside = 0
        for i in range(offsets[g], offsets[g + 1]):
            inside += int(failed[i])
            if i - window >= offsets[g]:
                inside -= int(failed[i - window])
            found[i] = inside >= at_least
    return found


def failures_among_the_last_by_group(failed: Flags, offsets: Integers, *, window: int, at_least: int) -> Flags:
    """For each event: are `at_least` of the last `window` events, this one included, failures? Fewer events count as they are.

    CLIA's unsuccessful performance, two consecutive or two of three events (42 CFR 493, subpart H), is window 3, at least 2,
    as two consecutive failures lie within some three; so is TNI's suspension after two of the last three, an unreported
    result being a failure. AASHTO's two consecutive low ratings are window 2, at least 2.
    ValueError unless 1 ≤ at_least ≤ window.
    """
    if not 1 <= at_least <= window:
        raise ValueError(f"at least {at_least} failures of the last {window} events cannot be asked for")
    flags = np.ascontiguousarray(failed, dtype=np.bool_)
    return np.asarray(_among_the_last(flags, offsets_of(len(flags), offsets), window, at_least))


def failures_among_the_last(failed: ArrayLike, *, window: int, at_least: int) -> Flags:
    """The same for the events of one laboratory; see `failures_among_the_last_by_group`."""
    flags = np.asarray(failed, dtype=np.bool_)
    ends = np.array([0, len(flags)], dtype=np.int64)
    return failures_among_the_last_by_group(flags, ends, window=window, at_least=at_least)
