"""Order of rows, names of laboratories and units change nothing but order, names and units."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "analysis"))

from facts import PRODUCTS, items, pair, results

from labqa.analysis import comparison, discrepancy, gross, indicators, integrity, pairing, yardsticks
from labqa.core import tables as t
from labqa.stats.robust import algorithm_a

Frames = dict[str, pl.DataFrame]


def register(factor: float = 1.0) -> pl.DataFrame:
    return items(
        {"item": "I1", "reproducibility_constant": 2.8 * factor, "upper_limit": 52.0 * factor},
        {"item": "I2", "reproducibility_constant": None, "upper_limit": None},
    )


def analysed(facts: pl.DataFrame, known: pl.DataFrame) -> Frames:
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(known, blocks, pairs, facts)
    scored = discrepancy.discrepancies(pairs, known, scale, facts)
    rounds = comparison.pt_scores(facts, samples, scale)
    flags = integrity.flags(facts, samples, known, t.empty(t.Capabilities), pairs, scored, scale)
    compared = gross.compared(pairs, scored, blocks, facts)
    found = indicators.indicators(
        t.empty(t.LabBias), t.empty(t.LabPrecision), scored, pairs, rounds, flags, blocks, facts, compared, yardsticks=scale
    )
    return {
        "samples": samples, "blocks": blocks, "pairs": pairs, "yardsticks": scale, "discrepancies": scored,
        "pt_scores": rounds, "flags": flags, "indicators": found,
    }  # fmt: skip


def network(factor: float = 1.0, prefix: str = "L") -> list[dict]:
    rng = np.random.default_rng(4)
    rows = []
    for k in range(80):
        labs = tuple(f"{prefix}{one}" for one in rng.choice(6, 2, replace=False))
        for item in ("I1", "I2"):
            x = 50 + rng.normal(0, 1, 2)
            rows += pair(f"S{k:02d}", float(x[0]) * factor, float(x[1]) * factor, labs=labs, item=item)  # type: ignore[arg-type]
    for k in range(4):
        rows += [
            {"sample": f"R{k}", "lab": f"{prefix}{j}", "role": "pt", "value": float(rng.normal(50, 1)) * factor, "item": item}
            for j in range(6)
            for item in ("I1", "I2")
        ]
    return rows


ROWS = results(network())
KNOWN = analysed(ROWS, register())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31))
def test_shuffled_rows_give_the_same_tables(seed: int) -> None:
    found = analysed(ROWS.sample(fraction=1.0, shuffle=True, seed=seed), register().reverse())
    for name, frame in KNOWN.items():
        assert_frame_equal(found[name], frame, check_exact=True)


def test_another_unit_changes_only_what_has_a_unit() -> None:
    found = analysed(results(network(1024.0)), register(1024.0))  # a power of two: exact in binary
    plain = ["d", "r_ratio", "delta_relative", "flip_probability", "margin", "category", "flipped", "original_verdict"]
    assert_frame_equal(found["discrepancies"].select(plain), KNOWN["discrepancies"].select(plain), rel_tol=1e-9)
    scaled = KNOWN["discrepancies"]["delta"] * 1024.0
    assert found["discrepancies"]["delta"].to_list() == pytest.approx(scaled.to_list())
    assert_frame_equal(found["pt_scores"].select("lab", "z"), KNOWN["pt_scores"].select("lab", "z"), rel_tol=1e-9)
    assert_frame_equal(found["indicators"].drop("evidence"), KNOWN["indicators"].drop("evidence"), rel_tol=1e-9)


def test_renamed_laboratories_get_the_same_figures() -> None:
    found = analysed(results(network(prefix="X")), register())["indicators"]
    renamed = found.with_columns(pl.col("lab").str.replace("X", "L"))
    assert_frame_equal(renamed.drop("evidence"), KNOWN["indicators"].drop("evidence"), rel_tol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=3, max_size=30), st.floats(0.01, 100), st.floats(-100, 100))
def test_algorithm_a_is_equivariant_and_a_fixed_point(values: list[float], factor: float, shift: float) -> None:
    x = np.round(np.array(values), 3)
    centre, scale = algorithm_a.algorithm_a(x)[:2]
    moved, widened = algorithm_a.algorithm_a(factor * x + shift)[:2]
    size = 1e-6 * (1 + factor * np.abs(x).max() + abs(shift))
    assert moved == pytest.approx(factor * centre + shift, abs=size)
    assert widened == pytest.approx(factor * scale, abs=size)
    w = np.clip(x, centre - 1.5 * scale, centre + 1.5 * scale)
    assert centre == pytest.approx(w.mean(), abs=1e-7)
    assert scale == pytest.approx(algorithm_a.HUBER_FACTOR * w.std(ddof=1), abs=1e-6)
