"""p values adjusted for the number of hypotheses: error rate of the family (Bonferroni, Holm, Hochberg) or false discoveries.

An adjusted p value is the smallest level at which its hypothesis is rejected. NaN is a hypothesis that was not tested: it
stays NaN and is not counted. SciPy's `false_discovery_control` knows BH and BY only and refuses NaN, statsmodels'
`multipletests` takes one family a call: here are all five over many families at once.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import offsets_of
from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Method = Literal["bonferroni", "holm", "hochberg", "bh", "by"]
METHODS: tuple[Method, ...] = get_args(Method)
_BONFERRONI, _HOLM, _HOCHBERG, _BH, _BY = range(5)


@kernel
def _adjusted(p: Floats, offsets: Integers, method: int) -> Floats:
    found = np.full(len(p), np.nan)
    for g in range(len(offsets) - 1):
        begin, end = offsets[g], offsets[g + 1]
        tested = np.empty(end - begin, dtype=np.int64)
        m = 0
        for i in range(begin, end):
            if not np.isnan(p[i]):
                tested[m] = i
                m += 1
        order = tested[:m][np.argsort(p[tested[:m]], kind="mergesort")]
        harmonic = 0.0
        for rank in range(1, m + 1):
            harmonic += 1.0 / rank
        if method == _BONFERRONI:
            for k in range(m):
                found[order[k]] = min(1.0, m * p[order[k]])
        elif method == _HOLM:
            running = 0.0
            for k in range(m):
                running = max(running, (m - k) * p[order[k]])
                found[order[k]] = min(1.0, running)
        else:
            running = 1.0
            for k in range(m - 1, -1, -1):
                if method == _HOCHBERG:
                    factor = float(m - k)
                elif method == _BH:
                    factor = m / (k + 1)
                else:
                    factor = harmonic * m / (k + 1)
                running = min(running, factor * p[order[k]])
                found[order[k]] = running
    return found


def adjusted_by_group(p: Floats, offsets: Integers, *, method: Method) -> Floats:
    """Adjusted p values of each family p[offsets[g]:offsets[g + 1]], in the order given; ranks rise with p, m are tested.

    bonferroni: m p. holm: max over smaller p of (m − rank + 1) p; any dependence (Holm 1979, jstor 4615733). hochberg: min over
    larger p of (m − rank + 1) p; independent or positively dependent tests (doi:10.1093/biomet/75.4.800). bh: min over larger p
    of m p / rank, the false discovery rate under independence or positive dependence (doi:10.1111/j.2517-6161.1995.tb02031.x).
    by: that times Σ 1/i, any dependence (doi:10.1214/aos/1013699998). All at most 1; equal p get equal answers; an empty
    family gives none. ValueError for a p outside [0, 1] or an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"{method!r} is none of {', '.join(METHODS)}")
    p = np.ascontiguousarray(p, dtype=np.float64)
    if np.any((p < 0.0) | (p > 1.0)):
        raise ValueError("a p value must lie between 0 and 1")
    return np.asarray(_adjusted(p, offsets_of(len(p), offsets), METHODS.index(method)))


def adjusted(p: ArrayLike, *, method: Method) -> Floats:
    """Adjusted p values of one family; see `adjusted_by_group`."""
    values = np.asarray(p, dtype=np.float64)
    return adjusted_by_group(values, np.array([0, len(values)], dtype=np.int64), method=method)
