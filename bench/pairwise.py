"""Times Qn, the Q method with Hampel's location, Sn and Hodges–Lehmann over groups against statsmodels' `qn_scale`.

`python -m bench.pairwise` prints microseconds a group, medians of rounds in which the contestants take turns, and ratios.
Aims: Qn and the Q method together 100 × faster than `qn_scale` on groups of 20; one group of 100,000 in well under a
second; memory linear; no failure up to 10⁶ values.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
from statsmodels.robust.scale import qn_scale

from labqa.stats.robust.hodges_lehmann import hodges_lehmann_by_group
from labqa.stats.robust.q_method import q_hampel_by_group, q_method_by_group
from labqa.stats.robust.qn import qn_by_group
from labqa.stats.robust.sn import sn_by_group

Groups = tuple[np.ndarray, np.ndarray]
Job = Callable[[], object]


def groups_of(n: int, groups: int, *, digits: int | None = None) -> Groups:
    """Normal values, rounded if asked, sorted within groups of n."""
    x = np.random.default_rng(1).standard_normal((groups, n))
    x = x if digits is None else np.round(x, digits)
    return np.sort(x, axis=1).ravel(), np.arange(groups + 1) * n


def in_turn(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Median seconds of each job; a first round, which compiles, is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if turn:
                taken[name].append(time.perf_counter() - began)
    return {name: float(np.median(some)) for name, some in taken.items()}


def sorted_and_then(kernel: Callable[..., object], values: np.ndarray, offsets: np.ndarray, n: int) -> object:
    """The kernel with the sort that it needs, as `qn_scale` sorts too."""
    return kernel(np.sort(values.reshape(-1, n), axis=1).ravel(), offsets)


def two_digits(ratio: float) -> float:
    return float(f"{ratio:.2g}")


def compare(n: int, groups: int, rival_groups: int, rounds: int) -> None:
    """One line for each estimator: microseconds a group, and how many times as long the rival takes."""
    values, offsets = groups_of(n, groups)
    rows = values[: rival_groups * n].reshape(-1, n)
    ours = {
        "Qn": lambda: sorted_and_then(qn_by_group, values, offsets, n),
        "Q method": lambda: sorted_and_then(q_method_by_group, values, offsets, n),
        "Q method + Hampel": lambda: sorted_and_then(q_hampel_by_group, values, offsets, n),
        "Sn": lambda: sorted_and_then(sn_by_group, values, offsets, n),
        "Hodges-Lehmann": lambda: sorted_and_then(hodges_lehmann_by_group, values, offsets, n),
    }
    rival: dict[str, Job] = {"statsmodels qn_scale": lambda: [qn_scale(row) for row in rows]} if rival_groups else {}
    seconds = in_turn({**rival, **ours}, rounds)
    each = {name: 1e6 * taken / (rival_groups if name in rival else groups) for name, taken in seconds.items()}
    if rival:
        each["Qn and Q method together"] = each["Qn"] + each["Q method"]
    print(f"\n{groups:,} groups of {n:,}")
    for name, micro in each.items():
        ratio = f"{two_digits(each['statsmodels qn_scale'] / micro):8g} x" if rival and name not in rival else ""
        print(f"  {name:28}{micro:14,.2f} us{ratio}")


def memory(n: int) -> None:
    """By how much Qn and the Q method on one group raise the peak memory of the process; numba's own memory counts."""
    values, offsets = groups_of(n, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    qn_by_group(values, offsets)
    q_hampel_by_group(values, offsets)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  n = {n:9,}: {after - before:8.1f} MB beyond {values.nbytes / 1e6:.1f} MB of values")


def main() -> None:
    """Prints the tables; memory first and in rising order, as a peak never falls."""
    print("memory (the first line holds the compiler's)")
    for n in (1_000, 1_000_000, 4_000_000, 16_000_000):
        memory(n)
    compare(20, 50_000, 200, 5)
    compare(2_000, 200, 20, 5)
    compare(100_000, 1, 0, 5)
    compare(1_000_000, 1, 0, 3)
    print("\nties: 1 group of 1,000,000 values rounded to one decimal")
    values, offsets = groups_of(1_000_000, 1, digits=1)
    for name, taken in in_turn(
        {"Qn": lambda: qn_by_group(values, offsets), "Q + Hampel": lambda: q_hampel_by_group(values, offsets)}, 3
    ).items():
        print(f"  {name:28}{1e6 * taken:14,.2f} us")


if __name__ == "__main__":
    main()
