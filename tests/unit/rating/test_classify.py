"""Small laboratories, and what the edition makes of them: the table is the specification."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from rating_cards import AS_OF, bias, classes, frame, indicator, item_bias, labs, sentences
from scipy import stats

from labqa.core import tables as t
from labqa.core.errors import EvaluationError
from labqa.core.wording.catalogue import Message
from labqa.rating import classify, rulesets

EDITION = rulesets.load("cn-2012-26")
GOOD = [bias("A", 0.1), item_bias("A", "pb", 0.2)]
SHIFTED = [bias("A", 1.2), item_bias("A", "pb", 0.2)]
ONE_ITEM = [bias("A", 0.1), item_bias("A", "pb", -1.5), item_bias("A", "cd", 1.5)]
COARSE = [bias("A", 0.1, se=0.3), indicator("A", "precision_ratio", 2.0, lower=1.6, upper=2.6, df=40.0)]
OUTLYING = [indicator("A", "pt_outliers_3", 3.0, n=100, zero=None), indicator("A", "pt_outliers_2", 6.0, n=100, zero=None)]
UNKNOWN = [bias("A", None, None, None, status="not_assessed", n=4, reason=None, zero=None)]
SIGNLESS = [bias("A", 1.2, status="undetermined")]

# evidence, class in force → points carried, points, class by points, proposal, class proposed, ground
CASES = {
    "nothing found, accuracy shown": (GOOD, "Ⅰ", (100, 102, "Ⅰ", "none", None, None)),
    "accuracy shown lifts Ⅱ to Ⅰ": (GOOD, "Ⅱ", (98, 100, "Ⅰ", "upgrade", "Ⅰ", "points")),
    "accuracy shown does not lift Ⅲ": (GOOD, "Ⅲ", (88, 90, "Ⅲ", "none", None, None)),
    "mean bias takes Ⅰ to Ⅱ": (SHIFTED, "Ⅰ", (100, 96, "Ⅱ", "downgrade", "Ⅱ", "bias")),
    "mean bias takes Ⅱ to Ⅲ": (SHIFTED, "Ⅱ", (98, 94, "Ⅲ", "downgrade", "Ⅲ", "bias")),
    "mean bias stays within Ⅲ": (SHIFTED, "Ⅲ", (88, 84, "Ⅲ", "none", None, None)),
    "item biases that cancel, once": (ONE_ITEM, "Ⅰ", (100, 96, "Ⅱ", "downgrade", "Ⅱ", "bias")),
    "precision": (COARSE, "Ⅰ", (100, 96, "Ⅱ", "downgrade", "Ⅱ", "precision")),
    "bias and precision": ([*SHIFTED, *COARSE[1:]], "Ⅰ", (100, 92, "Ⅲ", "downgrade", "Ⅲ", "bias")),
    "registered points are carried": (SHIFTED, ("Ⅰ", 105.0), (105, 101, "Ⅰ", "none", None, None)),
    "registered points outside the class are not": (GOOD[:1], ("Ⅰ", 97.0), (100, 100, "Ⅰ", "none", None, None)),
    "first rating": (SHIFTED, None, (100, 96, "Ⅱ", "first_rating", "Ⅱ", "bias")),
    "first rating without a find": (GOOD, None, (100, 102, "Ⅰ", "first_rating", "Ⅰ", "points")),
    "not assessed keeps its class": (UNKNOWN, "Ⅱ", (98, None, None, "none", None, None)),
    "not assessed, no class": (UNKNOWN, None, (100, None, None, "none", None, None)),
    "no indicator at all": ([], "Ⅲ", (88, None, None, "none", None, None)),
    "not assessed, though an item is large": (
        [*UNKNOWN, item_bias("A", "pb", 5.0)],
        "Ⅰ",
        (100, None, None, "none", None, None),
    ),
    "undetermined is not charged": (SIGNLESS, "Ⅰ", (100, 100, "Ⅰ", "none", None, None)),
    "undetermined gets no first rating": (SIGNLESS, None, (100, 100, "Ⅰ", "none", None, None)),
    "null meets no rule": ([bias("A", None, None, None, n=40)], "Ⅰ", (100, 100, "Ⅰ", "none", None, None)),
    "literal veto": ([*GOOD, *OUTLYING], "Ⅰ", (100, 102, "Ⅰ", "downgrade", "Ⅳ", "veto")),
    "literal veto of a lab not assessed": ([*UNKNOWN, *OUTLYING], "Ⅱ", (98, None, None, "none", None, None)),
    "literal veto of a lab already in Ⅳ": ([*GOOD[:1], *OUTLYING], "Ⅳ", (70, 70, "Ⅳ", "none", None, None)),
    "literal veto without a class": ([*GOOD, *OUTLYING], None, (100, 102, "Ⅰ", "first_rating", "Ⅳ", "veto")),
}


def rated(
    rows: list[dict[str, object]], in_force: object = None, edition: rulesets.Edition = EDITION
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ratings and reasons of laboratory A, both checked against their contracts."""
    held = classes(A=in_force) if in_force else classes()  # type: ignore[arg-type]
    ratings, reasons = classify.rate(frame(*rows), held, labs("A"), edition, AS_OF)
    return t.Ratings.validate(ratings), t.Reasons.validate(reasons)


@pytest.mark.parametrize("case", CASES)
def test_cases(case: str) -> None:
    rows, in_force, expected = CASES[case]
    ratings, reasons = rated(rows, in_force)
    columns = ("points_carried", "points", "class_by_points", "proposal", "class_proposed", "ground")
    assert ratings.select(columns).row(0) == expected
    assert all(sentences(reasons, "A", language) for language in ("zh", "en"))


def test_points_are_the_sum_of_the_reasons() -> None:
    for rows, in_force, expected in CASES.values():
        _, reasons = rated(rows, in_force)
        if expected[1] is not None:
            assert reasons["points"].sum() == expected[1]


def test_bonferroni_over_all_hypotheses_of_the_laboratory() -> None:
    """b = 0.93 ± 0.1 with 30 df against 0.5 × 1.3 is t = 2.8, p = 0.0044: enough for α = 0.01 alone, not shared by three."""
    assert 0.01 / 3 < stats.t.sf(2.8, 30) < 0.01
    edition = EDITION.with_settings({"error_rate": 0.01})
    mean = bias("A", 0.93, se=0.1)
    alone, _ = rated([mean], "Ⅰ", edition)
    shared, _ = rated([mean, item_bias("A", "pb", 0.0), item_bias("A", "cd", 0.0)], "Ⅰ", edition)
    assert alone["proposal"].item() == "downgrade"
    assert shared["proposal"].item() == "none"


def test_a_bias_that_hangs_on_the_yardstick_takes_no_points() -> None:
    """b = 0.75 ± 0.05: t = 5 at the yardstick as it is (p = 1e-5), t = 2 with it 30 % larger (p = 0.03)."""
    ratings, reasons = rated([bias("A", 0.75)], "Ⅰ")
    assert ratings["proposal"].item() == "none"
    assert any("no points are taken" in sentence for sentence in sentences(reasons, "A"))
    loose, _ = rated([bias("A", 0.75)], "Ⅰ", EDITION.with_settings({"yardstick_swing": 0.0}))
    assert loose["proposal"].item() == "downgrade"


def test_a_relative_bias_is_never_called_wrong() -> None:
    _, relative = rated(SHIFTED, "Ⅰ")
    _, anchored = rated([bias("A", 1.2, zero="anchored")], "Ⅰ")
    assert any("differs from its peers" in sentence for sentence in sentences(relative, "A"))
    assert not any("is biased" in sentence for sentence in sentences(relative, "A"))
    assert any("the laboratory is biased by +1.20 σR" in sentence for sentence in sentences(anchored, "A"))


def test_accuracy_needs_every_assessed_item_within_the_bound() -> None:
    wide = [*GOOD, item_bias("A", "cd", 0.2, se=0.2)]  # 0.2 + 2.042 × 0.2 = 0.61 > 0.5
    ratings, _ = rated(wide, "Ⅱ")
    assert ratings["points"].item() == 98.0
    mean_only, _ = rated(GOOD[:1], "Ⅱ")
    assert mean_only["points"].item() == 98.0


def test_an_item_of_which_nothing_can_be_said_is_named_and_forfeits_the_bonus() -> None:
    aside = item_bias("A", "as", None, se=None, zero=None, status="undetermined", reason="bias.set_aside")
    ratings, reasons = rated([*GOOD, aside], "Ⅱ")
    assert ratings["points"].item() == 98.0, "nothing taken, nothing added"
    assert any("On item as nothing is said of a bias" in sentence for sentence in sentences(reasons, "A"))
    assert any("项目 as 的偏倚不作结论" in sentence for sentence in sentences(reasons, "A", "zh"))
    few = item_bias("A", "as", None, se=None, zero=None, status="not_assessed", reason="bias.few_samples")
    assert rated([*GOOD, few], "Ⅱ")[0]["points"].item() == 100.0


def test_the_veto_counts_comparisons_and_shows_what_chance_gives() -> None:
    ratings, reasons = rated([*GOOD, *OUTLYING, indicator("A", "pt_correlation", 0.5, zero=None)], "Ⅰ")
    row = ratings.row(0, named=True)
    assert (row["veto"], row["veto_outliers"], row["veto_results"]) == (True, 3, 100)
    assert row["veto_expected"] == pytest.approx(100 * 2 * stats.norm.sf(3))
    assert row["veto_chance"] == pytest.approx(stats.binom.sf(2, 100, 2 * stats.norm.sf(3)))
    assert 0.026 < row["veto_chance_correlated"] < 0.034
    cited = reasons.filter((pl.col("line") == "veto") & (pl.col("ground") == "veto"))
    assert cited["evidence"].to_list() == [["A-pt_outliers_3"]]
    assert any("0.26%" in sentence for sentence in sentences(reasons, "A"))


def test_two_outlying_results_are_no_veto_but_six_at_the_stricter_limit_are() -> None:
    two = [*GOOD, indicator("A", "pt_outliers_3", 2.0, n=100, zero=None), OUTLYING[1]]
    assert not rated(two, "Ⅰ")[0]["veto"].item()
    assert rated(two, "Ⅰ", EDITION.with_settings({"z_limit": 2}))[0]["veto"].item()


def test_retest_pairs_count_only_if_the_setting_says_so_and_their_effect_is_shown() -> None:
    rows = [
        *GOOD,
        indicator("A", "pt_outliers_3", 1.0, n=30, zero=None),
        indicator("A", "pair_outliers_3", 2.0, n=50, zero=None),
    ]
    ratings, reasons = rated(rows, "Ⅰ")
    assert (ratings["veto"].item(), ratings["veto_if_pairs_counted"].item(), ratings["veto_results"].item()) == (
        False,
        True,
        30,
    )
    assert any("would reach the 3" in sentence for sentence in sentences(reasons, "A"))
    counted, _ = rated(rows, "Ⅰ", EDITION.with_settings({"veto_counts_pairs": True}))
    assert (counted["veto"].item(), counted["veto_outliers"].item(), counted["veto_results"].item()) == (True, 3, 80)


def test_whole_rounds_may_count_instead_of_item_results() -> None:
    """5 rounds of 20 items: a blameless round has an outlying item with 1 − (1 − p)^20."""
    rounds = EDITION.with_settings({"veto_unit": "round"})
    rows = [*GOOD, *OUTLYING, indicator("A", "pt_outlying_rounds_3", 2.0, n=5, zero=None)]
    row = rated(rows, "Ⅰ", rounds)[0].row(0, named=True)
    assert (row["veto"], row["veto_outliers"], row["veto_results"]) == (False, 2, 5)
    assert row["veto_expected"] == pytest.approx(5 * (1 - (1 - 2 * stats.norm.sf(3)) ** 20))
    with pytest.raises(EvaluationError, match="pt_outlying_rounds_3"):
        rated([*GOOD, *OUTLYING], "Ⅰ", rounds)


def test_the_veto_may_be_put_forward_for_laboratories_that_are_not_assessed() -> None:
    rows = [*UNKNOWN, *OUTLYING]
    kept, _ = rated(rows, "Ⅱ")
    assert (kept["veto"].item(), kept["proposal"].item()) == (True, "none")
    literal, _ = rated(rows, "Ⅱ", EDITION.with_settings({"veto_for_unassessed": True}))
    assert literal.select("proposal", "class_proposed", "ground").row(0) == ("downgrade", "Ⅳ", "veto")


def test_excess_lines_are_shown_and_scored_only_if_set() -> None:
    rows = [*GOOD[:1], indicator("A", "discrepancy_excess", 0.2, lower=0.1, upper=0.3, n=60, zero=None)]
    shown, reasons = rated(rows, "Ⅰ")
    assert shown["points"].item() == 100.0
    assert any("20.0 percentage points more" in sentence for sentence in sentences(reasons, "A"))
    scored, _ = rated(rows, "Ⅰ", EDITION.with_settings({"discrepancy_points": 1.0}))
    assert scored.select("points", "proposal", "ground").row(0) == (99.0, "downgrade", "points")


def gross(share: float, others: float, *, n: int = 30) -> list[dict[str, object]]:
    """Gross errors in a share of n test runs, and in another without the partner that adds most; none is expected."""
    whole = indicator("A", "gross_share", share, lower=share / 2, upper=min(1.0, share + 0.1), n=n, zero=None)
    rest = {"n": n - 5, "zero": None, "evidence": []}
    expected = indicator("A", "gross_expected_others", 0.0, **rest)
    return [bias("A", 0.1), whole, indicator("A", "gross_share_others", others, **rest), expected]


def test_gross_errors_take_points_only_if_they_are_more_than_is_tolerated() -> None:
    told = {"gross_none": (0.0, 0.0, 0), "gross_none_found": (0.2, 0.04, 0), "gross_found": (0.6, 0.6, -4)}
    for key, (share, others, points) in told.items():
        _, reasons = rated(gross(share, others), "Ⅱ")
        row = reasons.filter(line="gross").row(0, named=True)
        assert (Message.from_json(row["message"]).key, row["points"]) == (f"rating.{key}", points)
        assert row["evidence"] == ["A-gross_share"], "which test runs it was can be looked up, whether points are taken or not"
        assert ("tolerated" in Message.from_json(row["message"]).text("en")) is (share > 0), "none needs no arithmetic"


def test_the_class_in_force_is_the_latest_valid_on_the_day() -> None:
    held = pl.concat([classes(A="Ⅰ"), classes(A="Ⅲ").with_columns(valid_from=pl.lit(date(2019, 1, 1)))])
    early, _ = classify.rate(frame(*GOOD), held, labs("A"), EDITION, AS_OF)
    late, _ = classify.rate(frame(*GOOD), held, labs("A"), EDITION, date(2019, 1, 1))
    assert (early["class_in_force"].item(), late["class_in_force"].item()) == ("Ⅰ", "Ⅲ")


def test_expected_unjust_deductions_of_a_year() -> None:
    ratings = pl.DataFrame({"status": ["assessed"] * 876 + ["not_assessed"] * 24})
    assert classify.expected_unjust(ratings, EDITION) == pytest.approx(0.876)


def test_a_bias_without_degrees_of_freedom_is_tested_as_normal() -> None:
    """b = 0.85 ± 0.05 against 0.65: z = 4, p = 3.2e-5; with 10 df it were t = 4, p = 1.3e-3."""
    normal, _ = rated([bias("A", 0.85, df=None)], "Ⅰ")
    wide, _ = rated([bias("A", 0.85, df=10.0)], "Ⅰ")
    assert (normal["proposal"].item(), wide["proposal"].item()) == ("downgrade", "none")
