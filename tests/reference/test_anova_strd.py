"""One-way ANOVA against the certified values of NIST StRD, as float64 and as decimal text shifted by a common constant."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from precision_data import rows
from reference_cases import case
from scipy import stats
from validation import agrees, digits_of_agreement

from labqa.ingest.typing import typed
from labqa.stats.precision.anova import one_way
from labqa.stats.precision.decimal_shift import digits_of_differences, restored, shifted

NAMES = ["AtmWtAg", "SiRstv", "SmLs01", "SmLs02", "SmLs04", "SmLs05", "SmLs07", "SmLs08"]
EASY, AVERAGE, HARD = ["SiRstv", "SmLs01", "SmLs02"], ["AtmWtAg", "SmLs04", "SmLs05"], ["SmLs07", "SmLs08"]
ASKED = dict.fromkeys(EASY, (12.0, 10.0)) | dict.fromkeys(AVERAGE, (9.0, 8.0))
"""Digits asked of F, and of the sums of squares and what comes of them (as `expected.json` has the latter)."""
CEILING = {"SmLs07": 4.4, "SmLs08": 4.2}
"""Digits of F that the nearest float64 numbers of these data determine at all."""
NIST = "NIST StRD, certified"


def treatments(name: str) -> tuple[list[str], np.ndarray]:
    """The responses as text, and the offsets of the treatments (the files are sorted by them)."""
    read = rows(f"nist_strd_{name}.csv")
    codes = np.array([int(row["treatment"]) for row in read])
    return [row["response"] for row in read], np.searchsorted(codes, [*np.unique(codes), codes.max() + 1])


def exact(values: list[Fraction], cells: np.ndarray) -> dict[str, float]:
    """The analysis of variance in rational arithmetic: no rounding but that of the answers."""
    grand = sum(values) / len(values)
    between = within = Fraction(0)
    for begin, end in pairwise(cells.tolist()):
        own = values[begin:end]
        mean = sum(own) / len(own)
        between += len(own) * (mean - grand) ** 2
        within += sum((value - mean) ** 2 for value in own)
    p, n = len(cells) - 1, len(values)
    found = {"ss_between": between, "ss_within": within, "r_squared": between / (between + within)}
    found |= {"ms_between": between / (p - 1), "ms_within": within / (n - p)}
    found["F"] = found["ms_between"] / found["ms_within"]
    return {key: float(value) for key, value in found.items()} | {"resid_sd": float(found["ms_within"]) ** 0.5}


@pytest.mark.parametrize("name", NAMES)
def test_analysis_of_float64(name: str) -> None:
    texts, cells = treatments(name)
    values = np.array(texts, dtype=np.float64)
    answer, certified = one_way(values, cells), case(f"nist_strd_{name}")["expected"]
    found = {**answer._asdict(), "F": answer.f, "resid_sd": answer.residual_sd}
    of_floats = exact([Fraction(value) for value in values.tolist()], cells)
    for key, best in of_floats.items():
        quantities = "F" if key == "F" else "sums of squares"
        about = {"method": "precision/one_way_anova", "data": f"nist_strd_{name}.csv, {quantities}"}
        # certified values of the hard sets are out of reach for whatever starts from float64: `ceiling` is how far they are
        ceiling = digits_of_agreement(best, certified[key])
        asked = ceiling - 0.3 if name in HARD else ASKED[name][key != "F"]
        agrees(found[key], certified[key], quantity=key, expected_by=NIST, rel=10**-asked, **about)
        by = "rational arithmetic on the float64 values"
        agrees(found[key], best, quantity=key, expected_by=by, rel=1e-14, **about)
    assert (answer.df_between, answer.df_within) == (certified["df_between"], certified["df_within"])


@pytest.mark.parametrize("name", HARD)
def test_what_float64_allows_of_the_hard_sets(name: str) -> None:
    texts, cells = treatments(name)
    of_floats = exact([Fraction(float(text)) for text in texts], cells)["F"]
    assert digits_of_agreement(of_floats, case(f"nist_strd_{name}")["expected"]["F"]) == pytest.approx(CEILING[name], abs=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_f_from_shifted_decimals(name: str) -> None:
    texts, cells = treatments(name)
    constant, values = shifted(texts)
    found, certified = one_way(values, cells), case(f"nist_strd_{name}")["expected"]
    about = {
        "method": "precision/decimal_shift",
        "data": f"nist_strd_{name}.csv",
        "expected_by": NIST,
        "rel": 1e-12,
    }
    agrees(found.f, certified["F"], quantity="F", **about)
    agrees(found.r_squared, certified["r_squared"], quantity="R²", **about)
    agrees(found.residual_sd, certified["resid_sd"], quantity="residual SD", **about)
    # the float64 values still tell which decimals they were
    again = restored(np.array(texts, dtype=np.float64))
    assert again.constant == constant
    assert again.values.tolist() == values.tolist()
    as_written = [Fraction(text) for text in texts]
    assert float(Fraction(constant) + sum(map(Fraction, values.tolist())) / len(values)) == pytest.approx(
        float(sum(as_written) / len(as_written)), rel=1e-15
    )


@pytest.mark.parametrize("name", NAMES)
def test_f_from_what_ingest_makes_of_the_text(name: str) -> None:
    texts, cells = treatments(name)
    rest = {"unit": "ug/kg", "scale": "ratio", "item_unit": "mg/kg", "lod": 0.01, "loq": 0.03}
    absent = ("delivered_qualifier", "reporting_limit", "grades")
    delivered = pl.DataFrame({"text": texts}).with_columns(
        *(pl.lit(value).alias(key) for key, value in rest.items()), *(pl.lit(None, pl.String).alias(key) for key in absent)
    )
    facts = typed(delivered)
    assert facts["rule"].null_count() == len(texts)
    values = restored(facts["value"].to_numpy()).values
    about = {"method": "precision/decimal_shift", "data": f"nist_strd_{name}.csv", "expected_by": NIST}
    certified = case(f"nist_strd_{name}")["expected"]["F"]
    agrees(one_way(values, cells).f, certified, quantity="F, typed by ingest and in another unit", rel=1e-12, **about)


def test_digits_of_differences_says_which_sets_need_the_shift() -> None:
    digits = {name: digits_of_differences(np.array(treatments(name)[0], dtype=np.float64)) for name in NAMES}
    assert all(digits[name] > 12 for name in EASY)
    assert all(9 < digits[name] < 10 for name in AVERAGE)
    assert all(digits[name] < 4 for name in HARD)


@pytest.mark.parametrize("name", EASY + AVERAGE)
def test_f_against_scipy(name: str) -> None:
    texts, cells = treatments(name)
    values = np.array(texts, dtype=np.float64)
    other = stats.f_oneway(*np.split(values, cells[1:-1]))
    found = one_way(values, cells)
    # SciPy centres on the grand mean and sums plainly: 1e-9 is what it keeps of the average sets
    assert found.f == pytest.approx(other.statistic, rel=1e-9)
    assert found.p_value == pytest.approx(other.pvalue, rel=1e-8, abs=1e-300)
