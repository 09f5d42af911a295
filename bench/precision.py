"""Precision of 50,000 items at once, against SciPy and NumPy called per item and pandas grouped.

Run with `python -m bench.precision`. Contestants take turns in one run; medians of several; compiling apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from labqa.stats.precision.anova import one_way_by_set
from labqa.stats.precision.experiment import experiment_by_set
from labqa.stats.precision.mandel import mandel_by_set
from labqa.stats.precision.nested import nested_by_set
from labqa.stats.precision.reml import one_way_reml_by_set
from labqa.stats.precision.scrutiny import scrutiny_by_set

ITEMS, LABS, REPLICATES, TURNS = 50_000, 8, 3, 5
PER_ITEM = 1_000
"""Items of a contestant that is called per item; its time is scaled to all."""


def study() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    y = 10 + draw.normal(0, 1, (ITEMS, LABS, 1)) + draw.normal(0, 0.5, (ITEMS, LABS, REPLICATES))
    return y.ravel(), np.arange(0, y.size + 1, REPLICATES), np.arange(0, ITEMS * LABS + 1, LABS)


def by_scipy(values: np.ndarray) -> None:
    for item in values.reshape(ITEMS, LABS, REPLICATES)[:PER_ITEM]:
        stats.f_oneway(*item)


def by_numpy(values: np.ndarray) -> None:
    for item in values.reshape(ITEMS, LABS, REPLICATES)[:PER_ITEM]:
        within, means = np.mean(np.var(item, axis=1, ddof=1)), np.mean(item, axis=1)
        between = max(np.var(means, ddof=1) - within / REPLICATES, 0.0)
        np.sqrt([within, between, within + between])


def by_pandas(frame: pd.DataFrame) -> None:
    cells = frame.groupby(["item", "lab"], sort=False)["value"].agg(["size", "mean", "var"]).reset_index()
    cells["ss"], cells["sum"], cells["squares"] = (
        cells["var"] * (cells["size"] - 1),
        cells["size"] * cells["mean"],
        cells["size"] ** 2,
    )
    items = cells.groupby("item", sort=False).agg(
        p=("lab", "size"), n=("size", "sum"), ss=("ss", "sum"), total=("sum", "sum"), squares=("squares", "sum")
    )
    mean = (items["total"] / items["n"]).to_numpy()[cells["item"].to_numpy()]
    between = (cells["size"] * (cells["mean"] - mean) ** 2).groupby(cells["item"], sort=False).sum()
    s_r2 = items["ss"] / (items["n"] - items["p"])
    n_bar = (items["n"] - items["squares"] / items["n"]) / (items["p"] - 1)
    np.sqrt(s_r2 + ((between / (items["p"] - 1) - s_r2) / n_bar).clip(lower=0))


def main() -> None:
    values, cells, sets = study()
    item = np.repeat(np.arange(ITEMS), LABS * REPLICATES)
    lab = np.tile(np.repeat(np.arange(LABS), REPLICATES), ITEMS)
    frame = pd.DataFrame({"item": item, "lab": lab, "value": values})
    scaled = ITEMS / PER_ITEM
    contestants: dict[str, tuple[Callable[[], object], float]] = {
        "experiment_by_set": (lambda: experiment_by_set(values, cells, sets), 1.0),
        "one_way_by_set": (lambda: one_way_by_set(values, cells, sets), 1.0),
        "nested_by_set": (lambda: nested_by_set(values, [cells], sets), 1.0),
        "mandel_by_set": (lambda: mandel_by_set(values, cells, sets), 1.0),
        "scrutiny_by_set": (lambda: scrutiny_by_set(values, cells, sets), 1.0),
        "one_way_reml_by_set": (lambda: one_way_reml_by_set(values, cells, sets), 1.0),
        "pandas, s_r and s_R": (lambda: by_pandas(frame), 1.0),
        "NumPy per item, s_r and s_R": (lambda: by_numpy(values), scaled),
        "SciPy f_oneway per item": (lambda: by_scipy(values), scaled),
    }
    for call, _ in contestants.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(TURNS):
        for name, (call, factor) in contestants.items():
            begin = time.process_time()
            call()
            times[name].append(factor * (time.process_time() - begin))
    first = float(np.median(times["experiment_by_set"]))
    print(f"{ITEMS} items of {LABS} laboratories x {REPLICATES} results; CPU time, median of {TURNS}")
    for name, found in times.items():
        print(f"{name:30s} {1e3 * np.median(found):10.1f} ms {np.median(found) / first:8.2g} x experiment_by_set")


if __name__ == "__main__":
    main()
