"""Charts and screens over many laboratories beside SciPy and pandas: `python -m bench.monitoring`.

The issue sets no aim for them; shown so that a call per laboratory is never needed. Contestants take turns in one run, median
of five; compiling is done before. 50,000 groups of 20 values, as matrices where the other side wants them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from labqa.stats import ranking
from labqa.stats.monitoring import change_points, charts, cusum, westgard
from labqa.stats.screens import digits

GROUPS, SIZE, TURNS = 50_000, 20, 5
CALLED = 500
"""Groups for contestants that need a call each; their time is scaled up."""


def contests(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[str, Callable[[], object], float, Callable[[], object]]]:
    """What is computed: rival, its call, how often it stands for the whole, our call."""
    where = np.arange(0, x.size + 1, SIZE)
    a, b = x.ravel(), y.ravel()
    frame = pd.DataFrame({"g": np.repeat(np.arange(GROUPS), SIZE), "x": a})
    counts = np.random.default_rng(2).multinomial(SIZE * 5, np.full(10, 0.1), size=GROUPS)
    scale = GROUPS / CALLED
    return {
        "ranks": ("scipy rankdata, axis", lambda: stats.rankdata(x, axis=1), 1.0, lambda: ranking.average_ranks(a, where)),
        "Spearman": (
            "scipy spearmanr a group",
            lambda: [stats.spearmanr(x[g], y[g]).statistic for g in range(CALLED)],
            scale,
            lambda: ranking.spearman(a, b, where),
        ),
        "last digits": (
            "scipy chisquare, axis",
            lambda: stats.chisquare(counts, axis=1),
            1.0,
            lambda: digits.uniformity(counts),
        ),
        "EWMA": (
            "pandas groupby ewm",
            lambda: frame[frame.g < CALLED].groupby("g").x.ewm(alpha=0.2, adjust=False).mean(),
            scale,
            lambda: charts.ewma(a, where, weight=0.2, target=0.0, sigma=1.0),
        ),
    }


ALONE = {
    "CUSUM": lambda a, where: cusum.cusum(a, where, k=0.5, h=5.0),
    "Westgard": lambda a, where: westgard.westgard(a, where),
    "several changes": lambda a, where: change_points.several_changes(a, where),
    "single change, 199 orders": lambda a, where: change_points.single_change(a, where, permutations=199),
}


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main() -> None:
    random = np.random.default_rng(1)
    x, y = (np.round(random.normal(size=(GROUPS, SIZE)), 2) for _ in range(2))
    where = np.arange(0, x.size + 1, SIZE)
    print(f"{'work':26}{'rival':26}{'rival ms':>10}{'ours ms':>10}{'ratio':>8}")
    for name, (rival, theirs, scale, ours) in contests(x, y).items():
        ours()
        turns = [(seconds(theirs) * scale, seconds(ours)) for _ in range(TURNS)]
        other, own = np.median(turns, axis=0) * 1e3
        print(f"{name:26}{rival:26}{other:10.1f}{own:10.1f}{other / own:8.2g}")
    for name, call in ALONE.items():
        call(x.ravel(), where)
        own = np.median([seconds(lambda call=call: call(x.ravel(), where)) for _ in range(TURNS)]) * 1e3
        print(f"{name:26}{'—':26}{'':10}{own:10.1f}")


if __name__ == "__main__":
    main()
