"""Direct and indirect evidence are told apart as often as chance allows, and where an inconsistency is planted.

`make test` looks at two networks with 5 % retests, which takes seconds; `make calibrate` at all networks of all seeds.
"""

import consistency
import polars as pl
import pytest


def share(table: pl.DataFrame, kind: str, case: str) -> float:
    """Share of p < 5 % over all pairs of that case."""
    part = table.filter((pl.col("network") == kind) & (pl.col("case") == case))
    return float((part["below_5"] * part["pairs"]).sum() / part["pairs"].sum())


@pytest.fixture(scope="module")
def sparse() -> pl.DataFrame:
    return consistency.table(range(1, 3), networks=("sparse",))


@pytest.fixture(scope="module")
def every() -> pl.DataFrame:
    return consistency.table(consistency.SEEDS)


def test_consistent_pairs_are_told_apart_about_as_often_as_chance(sparse):
    # pairs of one network share their laboratories: single networks lie between 4.4 and 6.0 %
    assert 0.035 <= share(sparse, "sparse", "clustered") <= 0.065
    for wrong in ("se_x0.90", "without_lab_item"):
        assert share(sparse, "sparse", wrong) > share(sparse, "sparse", "clustered") + 0.01
    assert share(sparse, "sparse", "se_x1.15") < 0.035


@pytest.mark.long
@pytest.mark.parametrize("kind", consistency.NETWORKS)
def test_consistent_pairs_are_told_apart_in_4_to_6_percent(every, kind):
    assert 0.04 <= share(every, kind, "clustered") <= 0.06
    for wrong in ("se_x0.90", "se_x1.15", "without_lab_item"):
        assert not 0.04 <= share(every, kind, wrong) <= 0.06


@pytest.mark.long
@pytest.mark.parametrize(("samples", "least"), [(1, 0.5), (2, 0.7), (3, 0.85), (4, 0.9)])
def test_a_planted_inconsistency_of_2_sigma_is_found(every, samples, least):
    assert share(every, "half", f"planted_{samples}_samples") >= least
