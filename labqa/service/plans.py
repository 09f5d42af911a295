"""Planning of retests: which design, and how many, so that the laboratories can be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

import polars as pl

from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import Message
from labqa.planning.designs import DESIGNS, Design, Plan
from labqa.planning.power import Aim, Outlook, curve, outlook
from labqa.planning.telling import NAMES, Comparison, comparison
from labqa.service.pipeline import Progress

Setting = TypeVar("Setting", Plan, Aim)
_RANGES: dict[str, tuple[float, float]] = {
    "labs": (5, 2_000),
    "samples": (1, 1_000_000),
    "items": (1, 200),
    "families": (1, 50),
    "retest_share": (0.0001, 1.0),
    "years": (1, 3),
    "third_tests": (0.0, 1.0),
    "hubs": (1, 100),
    "first_stage": (0.05, 0.95),
    "followed": (0.02, 0.5),
    "bias": (0.0, 20.0),
    "tolerated": (0.0, 10.0),
    "error_rate": (1e-9, 0.5),
    "target_power": (0.01, 0.999),
    "seed": (0, 2**63),
}
"""What can be planned, by the name of the option."""


@dataclass(frozen=True)
class NextYear:
    """What retests like those of a run would tell another time: the plan, the designs side by side, and their power curves."""

    plan: Plan
    aim: Aim
    designs: Comparison
    curves: pl.DataFrame


def next_year(run: Mapping[str, pl.DataFrame], *, tolerated: float) -> NextYear | None:
    """The designs compared on a network of the run's size: its laboratories, samples a year, items and retest share.

    None where no two laboratories tested the same spot-check sample, or where the size is outside what can be planned.
    """
    asked = _like(run["samples"], run["pairs"])
    if asked is None:
        return None
    settings = asked | {"tolerated": tolerated, "bias": max(1.0, 2.0 * tolerated)}
    try:
        plan, aim, designs = _asked("all", settings)
    except UsageError:
        return None
    found = comparison(tuple(_outlook(one, k, len(designs), plan, aim, None) for k, one in enumerate(designs)))
    return NextYear(plan, aim, found, _curves(designs, plan, aim, points=8, progress=None))


def _like(samples: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, float] | None:
    """Size of the network of pairs: laboratories, samples a year, items a sample, families a laboratory, share retested."""
    drawn = samples.filter(~pl.col("is_pt"))
    between = pairs.filter(pl.col("kind") == "between")
    if between.height == 0 or drawn.height == 0:
        return None
    sides = pl.concat([between.select("family", lab=f"{part}_lab") for part in ("original", "retest")]).drop_nulls("lab")
    families = sides.group_by("lab").agg(pl.col("family").n_unique())["family"].median()
    items = between.group_by("sample").agg(pl.col("block").n_unique())["block"].median()
    years = max(drawn["period"].n_unique(), 1)
    return {
        "labs": sides["lab"].n_unique(),
        "samples": max(round(drawn.height / years), 1),
        "items": max(round(float(items or 1)), 1),  # type: ignore[arg-type]
        "families": max(round(float(families or 1)), 1),  # type: ignore[arg-type]
        "retest_share": between["sample"].n_unique() / drawn.height,
        "years": min(years, 3),
    }


def power(*, design: str = "all", progress: Progress | None = None, **settings: float) -> Comparison:
    """What each design would tell of the laboratories, and the least retests that find the bias aimed at.

    `settings` are those of `Plan` and `Aim`; what is not named is as they state it.
    """
    plan, aim, designs = _asked(design, settings)
    return comparison(tuple(_outlook(one, k, len(designs), plan, aim, progress) for k, one in enumerate(designs)))


def power_curves(*, design: str = "all", points: int = 12, progress: Progress | None = None, **settings: float) -> pl.DataFrame:
    """Power against retests for each design: design, retests (a year and laboratory), n_samples, power; shares 1 % to 100 %."""
    plan, aim, designs = _asked(design, settings)
    return _curves(designs, plan, aim, points=points, progress=progress)


def _curves(designs: tuple[Design, ...], plan: Plan, aim: Aim, *, points: int, progress: Progress | None) -> pl.DataFrame:
    found = []
    for k, one in enumerate(designs):
        if progress:
            progress(Message("planning.step", {"design": Message(NAMES[one])}), k / len(designs))
        found += curve(one, plan, aim, shares=[100.0 ** (j / (points - 1) - 1.0) for j in range(points)])
    return pl.DataFrame([vars(one) for one in found])


def _asked(design: str, settings: dict[str, float]) -> tuple[Plan, Aim, tuple[Design, ...]]:
    """Plan, aim and designs of these settings, each within what can be planned."""
    plan, aim = _of(Plan, settings), _of(Aim, settings)
    _check_range({**vars(plan), **vars(aim)})
    designs: tuple[Design, ...] = DESIGNS if design == "all" else tuple(one for one in DESIGNS if one == design)
    if not designs:
        raise UsageError("planning.unknown_design", design=design, there=", ".join(DESIGNS))
    return plan, aim, designs


def _outlook(design: Design, k: int, n: int, plan: Plan, aim: Aim, progress: Progress | None) -> Outlook:
    def step(share: float) -> None:
        if progress:
            progress(Message("planning.step", {"design": Message(NAMES[design])}), (k + share) / n)

    step(0.0)
    return outlook(design, plan, aim, progress=step)


def _of(kind: type[Setting], settings: dict[str, float]) -> Setting:
    return kind(**{one.name: settings[one.name] for one in fields(kind) if one.name in settings})  # type: ignore[arg-type]


def _check_range(values: dict[str, float]) -> None:
    for name, (low, high) in _RANGES.items():
        if not low <= values[name] <= high:
            option = "--" + name.replace("_", "-")
            raise UsageError("planning.out_of_range", option=option, value=values[name], low=f"{low:g}", high=f"{high:g}")
    if values["hubs"] > values["labs"] - 2:
        raise UsageError(
            "planning.out_of_range", option="--hubs", value=values["hubs"], low="1", high=f"{values['labs'] - 2:g}"
        )
    if values["bias"] <= values["tolerated"]:
        raise UsageError("planning.bias_tolerated", bias=values["bias"], tolerated=values["tolerated"])
