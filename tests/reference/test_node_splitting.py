"""Direct against indirect evidence on the diabetes network of Senn et al. 2013: arms as results, studies as blocks."""

import csv
from functools import cache

import numpy as np
import pytest
from reference_cases import HERE, case
from scipy import special
from validation import agrees

from labqa.stats.network import contrasts
from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.contrasts import Contrast, Seen, Split, split
from labqa.stats.network.felt import Grouping

SENN, METAFOR = "senn2013_diabetes.csv", "R metafor, rma(method = 'FE')"
# two direct solutions in float64 of a network of 10 treatments
DIGITS = {"rel": 1e-9, "abs": 1e-11}


@cache
def senn() -> Split:
    found = case("senn2013_node_split")
    with (HERE / "data" / found["dataset"]).open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    names = sorted({row["treatment"] for row in rows})
    studies = sorted({row["study"] for row in rows})
    rows.sort(key=lambda row: (studies.index(row["study"]), names.index(row["treatment"])))
    block = np.array([studies.index(row["study"]) for row in rows])
    node = np.array([names.index(row["treatment"]) for row in rows])
    y = np.array([float(row["mi"]) for row in rows])
    variance = np.array([float(row["sdi"]) ** 2 / float(row["ni"]) for row in rows])
    errors = [Grouping(incidence(np.arange(len(y)), n=len(y), scale=np.sqrt(variance)), node)]
    start = np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block))
    weight = 1.0 / variance
    fitted = fit(start, node, weight, y, n=len(names))
    seen = Seen(block, node, y, weight, weight, np.full(len(y), 1e9), errors)  # no arm is a gross error
    pairs = np.array([[names.index(one) for one in two] for two in found["params"]["pairs"]])
    return split(fitted, errors, seen, pairs[:, 0], pairs[:, 1])


def expected(name: str) -> np.ndarray:
    return np.array(case("senn2013_node_split")["expected"][name], dtype=np.float64)


@pytest.mark.parametrize("name", ["direct", "network", "indirect"])
def test_each_comparison_of_senn(name: str) -> None:
    found: Contrast = getattr(contrasts, name)(senn())
    known = np.isfinite(expected(name))
    assert (known == (~contrasts.alone(senn()) if name == "indirect" else True)).all()
    for quantity, value in ((name, found.estimate), (f"{name}_se", np.sqrt(found.variance[:, 0]))):
        agrees(
            value[known], expected(quantity)[known], method="network/direct_indirect", data=SENN,
            quantity=f"{quantity}, {known.sum()} comparisons", expected_by=METAFOR, **DIGITS,
        )  # fmt: skip


def test_inconsistency_of_senn() -> None:
    found = contrasts.inconsistency(senn())
    known = ~contrasts.alone(senn())
    se = np.sqrt(found.variance[:, 0])
    p = 2.0 * special.ndtr(-np.abs(found.estimate / se))
    for quantity, value in (("inconsistency", found.estimate), ("inconsistency_se", se), ("p", p)):
        agrees(
            value[known], expected(quantity)[known], method="network/inconsistency", data=SENN,
            quantity=f"{quantity}, {known.sum()} comparisons", expected_by=METAFOR, rel=1e-8, abs=1e-11,
        )  # fmt: skip


def test_direct_studies_of_senn_are_counted() -> None:
    assert senn().n_blocks.tolist() == case("senn2013_node_split")["expected"]["n_studies"]
