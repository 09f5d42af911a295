"""An evaluation answers the same whatever order, parts, names or units its facts come in."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labqa.core.tables import RUN_TABLES
from labqa.service.pipeline import Facts
from labqa.simulate import network
from labqa.store.fingerprint import content_hash
from tests.evaluations import calm, evaluated, facts_of


@cache
def facts() -> Facts:
    """Two years of a small network with every kind of item, censored and refused classes among them."""
    return facts_of(network.simulate(calm(n_years=2, n=40, blameless=10, new=2, small=4), seed=11))


@cache
def base() -> dict[str, pl.DataFrame]:
    return evaluated(facts())


def hashes(tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    return {name: content_hash(frame, RUN_TABLES[name]) for name, frame in tables.items()}


def test_the_tables_satisfy_their_contracts() -> None:
    assert set(base()) == set(RUN_TABLES)
    for name, frame in base().items():
        RUN_TABLES[name].validate(frame)
    assert (base()["lab_bias"]["status"] == "assessed").any(), "a network in which nobody is assessed shows nothing"


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_rows_and_other_files_give_the_same_content(seed: int) -> None:
    of = facts()
    shuffled = Facts(**{name: frame.sample(fraction=1.0, shuffle=True, seed=seed) for name, frame in vars(of).items()})
    moved = shuffled.results.with_columns(file=pl.lit("another"), row=pl.int_range(pl.len()))
    assert hashes(evaluated(replace(shuffled, results=moved))) == hashes(base())


def test_renamed_labs_give_the_same_answers_up_to_names() -> None:
    of = facts()
    names = {lab: f"Z{999 - number:03d}" for number, lab in enumerate(of.labs["lab"])}
    renamed = evaluated(Facts(**{name: _renamed(frame, names) for name, frame in vars(of).items()}))
    columns = ["lab", "scope", "scope_id", "estimate", "se", "lower", "upper", "n_samples", "n_partners", "status", "zero"]
    _same(renamed["lab_bias"].select(columns), base()["lab_bias"].select(columns).with_columns(pl.col("lab").replace(names)))
    columns = ["lab", "points", "class_by_points", "proposal", "class_proposed", "ground", "veto_outliers"]
    _same(renamed["ratings"].select(columns), base()["ratings"].select(columns).with_columns(pl.col("lab").replace(names)))


def test_rescaled_units_give_the_same_answers_in_sigma() -> None:
    """Every numeric item in units a thousandth as large; one whose yardstick is Horwitz's depends on its unit by definition."""
    of = facts()
    horwitz = base()["yardsticks"].filter(pl.col("source") == "horwitz")["item"]
    numeric = of.items.filter(pl.col("scale").is_in(["ratio", "interval"]) & ~pl.col("item").is_in(horwitz.to_list()))[
        "item"
    ].to_list()
    factor = pl.when(pl.col("item").is_in(numeric)).then(1000.0).otherwise(1.0)
    results = of.results.with_columns(pl.col("value", "lower", "upper", "u") * factor)
    level = ["lower_limit", "upper_limit", "rounding_interval", "repeatability_constant", "reproducibility_constant"]
    items = of.items.with_columns(pl.col(*level, "rule_tolerance", "lod", "loq") * factor)
    scaled = evaluated(replace(of, results=results, items=items))
    columns = ["lab", "scope", "scope_id", "estimate", "se", "status", "zero"]
    _same(scaled["lab_bias"].select(columns), base()["lab_bias"].select(columns))
    columns = ["lab", "points", "proposal", "class_proposed", "ground"]
    _same(scaled["ratings"].select(columns), base()["ratings"].select(columns))


def _renamed(frame: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Every column that names a laboratory, by the new names."""
    return frame.with_columns(pl.col(column).replace(names) for column in ("lab", "sampler") if column in frame.columns)


def _same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Equal up to the order of rows and the last digits: sums run in another order."""
    key = [name for name in ("lab", "scope", "scope_id") if name in found.columns]
    assert_frame_equal(found.sort(key), expected.sort(key), rel_tol=1e-7, abs_tol=1e-9)
