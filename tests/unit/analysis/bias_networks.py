"""Small networks of retests and rounds with known biases, for tests of the bias fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from facts import PRODUCTS, items, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import lab_bias
from labqa.analysis.bias_settings import BiasSettings
from labqa.core import tables as t

REGISTER = items(
    {"item": "I1", "reproducibility_constant": 2.8, "upper_limit": 52.0},
    {"item": "I2", "reproducibility_constant": 2.8, "lower_limit": 48.0},
    {"item": "I3", "reproducibility_constant": 2.8},
)
CODES = ("I1", "I2", "I3")


def network(
    seed: int, *, biases: dict[str, float], n_samples: int = 150, pairs: list[tuple[str, str]] | None = None, error: float = 0.5
) -> list[dict[str, Any]]:
    """Rows of planned retests between `pairs` (any two laboratories by default), three items a sample."""
    draw = np.random.default_rng(seed)
    labs = sorted(biases)
    rows = []
    for k in range(n_samples):
        two = pairs[k % len(pairs)] if pairs else tuple(draw.permutation(labs)[:2])
        for item in CODES:
            level = draw.normal(50, 3)
            for lab, role in zip(two, ("original", "retest"), strict=True):
                value = float(level + biases[lab] + draw.normal(0, error))
                trigger = "planned" if role == "retest" else None
                given = {"lab": str(lab), "role": role, "trigger": trigger, "value": value, "u": None}
                rows.append({"sample": f"S{k:04d}", "item": item, **given})
    return rows


def fitted(
    rows: list[dict[str, Any]] | pl.DataFrame, register: pl.DataFrame = REGISTER, **settings: Any
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_BIAS and BLOCKS of these rows."""
    facts = rows if isinstance(rows, pl.DataFrame) else results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairing.pairs(facts, samples), facts)
    bias, told = lab_bias(facts, samples, blocks, register, scale, BiasSettings(**settings))
    t.LabBias.validate(bias)
    t.Blocks.validate(told)
    return bias, told
