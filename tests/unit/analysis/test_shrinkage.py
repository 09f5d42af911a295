"""Shrunken biases of items lie between the laboratory's own mean and the item's estimate."""

import numpy as np
import polars as pl
import pytest
from bias_networks import fitted, network

from labqa.stats.network.between import shrunken_deviations


def test_an_item_is_drawn_to_its_own_laboratory():
    labs = {f"L{k}": 0.0 for k in range(8)} | {"L3": 2.0}
    bias, _ = fitted(network(1, biases=labs))
    mine = bias.filter(pl.col("lab") == "L3")
    whole = mine.filter(pl.col("scope") == "lab").row(0, named=True)
    for item in mine.filter(pl.col("scope") == "item").iter_rows(named=True):
        low, high = sorted((whole["shrunken"], whole["shrunken"] + item["estimate"] - whole["estimate"]))
        assert low - 1e-12 <= item["shrunken"] <= high + 1e-12
        assert item["shrunken"] > 1.5  # not to the centre of all laboratories, at 0


def test_the_share_that_is_kept():
    deviation, variance = np.array([1.0, -1.0, 2.0, -2.0, 5.0]), np.array([0.5, 0.5, 0.5, 0.5, 1.0])
    kept = shrunken_deviations(np.array([0, 0, 0, 0, 1]), deviation, variance, n=2)
    # equal variances: Paule–Mandel τ² = s² − 0.5 with s² = 10/3; a group of one has no τ²
    assert kept[:4] == pytest.approx(deviation[:4] * (10 / 3 - 0.5) / (10 / 3), rel=1e-9)
    assert kept[4] == 0.0
