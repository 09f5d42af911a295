"""Times median with MADe and Algorithm A of many groups beside what people use, contestants in turn in one run.

`python -m bench.robust` prints milliseconds of CPU time (median of several rounds; kernels compiled before) and ratios,
against these aims: median and MADe of 50,000 groups of 20 at least 10 × polars' and 3 × astropy's; Algorithm A, exact, at
least 1,000 × statsmodels' Huber called per group and 100 × its vectorised form on groups of 20, 15 × on groups of 2,000;
within 6 × of sorting the same values for groups of 20 and 4 × for larger ones. All get the values in random order, so our
time includes our sort.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import polars as pl
from astropy.stats import mad_std
from statsmodels.robust.scale import Huber

from labqa.stats.robust import algorithm_a, location_scale

Contestants = dict[str, Callable[[], object]]
SAMPLE = 250
"""Groups on which statsmodels' Huber is called one by one; its time is scaled up to all groups."""


def times(contestants: Contestants, *, rounds: int) -> dict[str, float]:
    """Median CPU seconds, of all threads, of each contestant; rounds run all of them in turn, the first is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for counted in range(rounds + 1):
        for name, run in contestants.items():
            began = time.process_time()
            run()
            if counted:
                taken[name].append(time.process_time() - began)
    return {name: statistics.median(some) for name, some in taken.items()}


def show(title: str, found: dict[str, float], *, ours: str, aims: dict[str, str]) -> None:
    """One table: milliseconds, ratio to ours, aim."""
    print(f"\n{title}\n{'':44}{'ms':>10}{'/ ours':>10}  aim")
    for name, seconds in found.items():
        print(f"{name:44}{1e3 * seconds:10.1f}{float(f'{seconds / found[ours]:.2g}'):10g}  {aims.get(name, '')}")


def median_and_made(groups: int, n: int, *, rounds: int) -> None:
    x = np.random.default_rng(1).normal(size=(groups, n))
    values, offsets = x.ravel(), np.arange(0, x.size + 1, n)
    ragged = np.sort(np.random.default_rng(2).choice(np.arange(1, x.size), groups - 1, replace=False))
    ragged_offsets = np.concatenate(([0], ragged, [x.size]))
    frame = pl.DataFrame({"group": np.repeat(np.arange(groups), n), "x": values})
    column = pl.col("x")
    found = times(
        {
            "np.sort along the axis": lambda: np.sort(x, axis=1),
            "LabQA": lambda: location_scale.median_made_by_group(values, offsets),
            "LabQA, groups of unequal size": lambda: location_scale.median_made_by_group(values, ragged_offsets),
            "np.median, astropy mad_std along the axis": lambda: (np.median(x, axis=1), mad_std(x, axis=1)),
            "polars group_by": lambda: frame.group_by("group").agg(
                median=column.median(), mad=(column - column.median()).abs().median()
            ),
        },
        rounds=rounds,
    )
    aims = {"np.median, astropy mad_std along the axis": ">= 3", "polars group_by": ">= 10"} if n == 20 else {}
    show(f"median and MADe, {groups:,} groups of {n:,}", found, ours="LabQA", aims=aims)


def statsmodels_one_by_one(huber: Huber, x: np.ndarray) -> None:
    for row in x[:SAMPLE]:
        huber(row)


def robust_mean_and_sd(groups: int, n: int, *, rounds: int, aims: dict[str, str]) -> None:
    x = np.random.default_rng(1).normal(size=(groups, n))
    values, offsets = x.ravel(), np.arange(0, x.size + 1, n)
    ordered = np.sort(x, axis=1).ravel()
    huber = Huber(c=1.5, maxiter=1000)  # with its default of 30 steps it fails on several groups
    contestants: Contestants = {
        "np.sort along the axis": lambda: np.sort(x, axis=1),
        "LabQA, exact": lambda: algorithm_a.algorithm_a_by_group(values, offsets),
        "LabQA, exact, values in order already": lambda: algorithm_a.algorithm_a_by_group(ordered, offsets),
        "LabQA, stop at three figures": lambda: algorithm_a.algorithm_a_by_group(values, offsets, stop="three figures"),
    }
    found = times(contestants, rounds=rounds)
    slow = times(
        {
            "statsmodels Huber along the axis": lambda: huber(x, axis=1),
            "statsmodels Huber, a call per group": lambda: statsmodels_one_by_one(huber, x),
            "LabQA, exact": contestants["LabQA, exact"],
        },
        rounds=1,
    )
    again = slow.pop("LabQA, exact")
    slow["statsmodels Huber, a call per group"] *= max(groups / SAMPLE, 1.0)
    found |= {name: seconds * found["LabQA, exact"] / again for name, seconds in slow.items()}
    show(f"Algorithm A, {groups:,} groups of {n:,}", found, ours="LabQA, exact", aims=aims)
    if groups > SAMPLE:
        print(f"a call per group: timed on {SAMPLE} groups and scaled up to {groups:,}")


def main() -> None:
    """Runs all tables."""
    warnings.simplefilter("ignore")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")
    median_and_made(50_000, 20, rounds=9)
    median_and_made(500, 2_000, rounds=9)
    aims = {"np.sort along the axis": ">= 1/6 = 0.17", "statsmodels Huber along the axis": ">= 100"}
    robust_mean_and_sd(50_000, 20, rounds=9, aims=aims | {"statsmodels Huber, a call per group": ">= 1000"})
    aims = {"np.sort along the axis": ">= 1/4 = 0.25", "statsmodels Huber along the axis": ">= 15"}
    robust_mean_and_sd(500, 2_000, rounds=9, aims=aims)
    robust_mean_and_sd(1, 100_000, rounds=9, aims={"np.sort along the axis": ">= 1/4 = 0.25"})


if __name__ == "__main__":
    main()
