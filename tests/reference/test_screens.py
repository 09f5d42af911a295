"""Screens of digits and interchanged samples against published data and values computed in R."""

import csv

import numpy as np
import pytest
from reference_cases import HERE, case, column
from scipy import stats
from validation import agrees

from labqa.stats import ranking
from labqa.stats.screens import digits, shifts


def test_last_digits_of_a_retracted_article() -> None:
    found = case("last_digit_sanitizer")
    file, expected, step = HERE / "data" / found["dataset"], found["expected"], found["params"]["resolution"]
    values = column(file, "value")
    counts = digits.digit_counts(digits.terminal_digits(values, step=step))
    test = digits.uniformity(counts)
    where = {"data": found["dataset"], "expected_by": "R stats::chisq.test", "rel": found["tolerance"]["rel"]}
    agrees(counts[0], list(expected["counts"].values()), method="screens/digit_counts", quantity="counts", **where)
    for name, value in {"n": test.n[0], "chi2": test.statistic[0], "df": test.df, "p": test.p[0]}.items():
        agrees(value, expected[name], method="screens/uniformity", quantity=name, **where)
    share = digits.preference(counts).share[0]
    agrees(share, expected["mult_of_5_share"], method="screens/preference", quantity="share", **where)
    last_two = digits.terminal_digits(values, step=step, last=2)
    assert len(np.unique(last_two)) == expected["last_two_distinct"]
    with file.open(encoding="utf-8") as opened:
        texts = [row["value"] for row in csv.DictReader(opened)]
    assert np.array_equal(digits.terminal_digits_of_text(texts, step=str(step), last=2), last_two)


def test_interchanged_chromium_samples() -> None:
    found = case("chromium_swap")
    file, expected = HERE / "data" / found["dataset"], found["expected"]
    qc, rm = column(file, "QC"), column(file, "RM")
    with file.open(encoding="utf-8") as opened:
        labs = [row["lab"] for row in csv.DictReader(opened)]
    pair = shifts.interchanged_pair(qc, rm)
    where = {"data": found["dataset"], "expected_by": "R cor", "rel": found["tolerance"]["rel"]}
    assert len(qc) == expected["n"]
    for name, value in {"pearson": pair.pearson[0], "spearman": pair.spearman[0]}.items():
        agrees(value, expected[name], method=f"screens/{name}", quantity=name, **where)
    suspected = np.flatnonzero(pair.suspected)
    agrees(
        suspected,
        [labs.index(expected["swapped_lab"])],
        method="screens/interchanged_pair",
        data=found["dataset"],
        quantity="laboratory found",
        expected_by="metRology's help page",
        abs=0.0,
    )
    assert np.argmax(pair.distance) == suspected[0] == np.argmin(pair.p) and pair.p[suspected[0]] < 0.001
    assert (np.delete(pair.p, suspected) == 1.0).all()


def test_correlations_and_ranks_as_scipy() -> None:
    random = np.random.default_rng(4)
    x, y = np.round(random.normal(size=40), 1), np.round(random.normal(size=40), 1)
    assert np.array_equal(ranking.average_ranks(x), stats.rankdata(x))
    assert ranking.pearson(x, y)[0] == pytest.approx(stats.pearsonr(x, y)[0], rel=1e-12)  # the order of sums differs
    assert ranking.spearman(x, y)[0] == pytest.approx(stats.spearmanr(x, y)[0], rel=1e-12)


def test_uniformity_as_scipy_and_exactly_for_few() -> None:
    counts = np.random.default_rng(5).multinomial(400, np.full(10, 0.1), size=20)
    theirs = stats.chisquare(counts, axis=1)
    ours = digits.uniformity(counts)
    np.testing.assert_allclose(ours.statistic, theirs.statistic, rtol=1e-11)  # integers here, a sum of squares there
    np.testing.assert_allclose(ours.p, theirs.pvalue, rtol=1e-9)
    # Three digits of ten: all different 0.72, two equal 0.27, all equal 0.01.
    few = digits.uniformity([[1, 1, 1, *[0] * 7], [2, 1, *[0] * 8], [3, *[0] * 9]])
    agrees(
        few.p,
        [1.0, 0.28, 0.01],
        method="screens/uniformity",
        data="three digits",
        quantity="exact p",
        expected_by="counted by hand",
        rel=1e-13,
    )


def test_displaced_rows_are_found() -> None:
    random = np.random.default_rng(6)
    truth = random.normal(50, 10, size=40)
    partner, own = truth + random.normal(0, 0.5, 40), truth + random.normal(0, 0.5, 40)
    agrees(
        [shifts.row_shift(np.roll(own, by), partner, 2.0).shift[0] for by in (0, 1, -2)],
        [0, 1, -2],
        method="screens/row_shift",
        data="40 rows, displaced by 0, 1, −2",
        quantity="rows",
        expected_by="known by construction",
        abs=0.0,
    )
    assert shifts.row_shift(np.roll(own, 1), partner, 2.0).p[0] < 1e-6 and shifts.row_shift(own, partner, 2.0).p[0] == 1.0
