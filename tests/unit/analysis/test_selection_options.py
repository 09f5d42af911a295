"""LAB_SELECTION: which options are offered, on what they rest, and what they say of retests drawn by risk or in sight."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from bias_networks import REGISTER, network
from facts import PRODUCTS, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.evidence import undetermined
from labqa.analysis.occasions import DIFFER
from labqa.analysis.selection import SelectionSettings, lab_selection
from labqa.core import tables as t

LABS = ("A", "B", "C", "D", "E", "F")


def options(facts: pl.DataFrame, register: pl.DataFrame = REGISTER, **settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LAB_SELECTION and LAB_BIAS of these results."""
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairs, facts)
    bias, used, fit = fitted(facts, samples, blocks, register, scale, BiasSettings())
    found = lab_selection(facts, pairs, used, register, scale, bias, fit, BiasSettings(), SelectionSettings(**settings))
    t.LabSelection.validate(found)
    return found, bias


def test_no_option_speaks_for_a_laboratory_whose_bias_is_withheld() -> None:
    facts = planned(A=1.0)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairs, facts)
    bias, used, fit = fitted(facts, samples, blocks, REGISTER, scale, BiasSettings())
    of_a = pl.Series(bias["lab"] == "A") & (bias["scope"] == "lab")
    usual = lab_selection(facts, pairs, used, REGISTER, scale, bias, fit, BiasSettings())
    found = lab_selection(facts, pairs, used, REGISTER, scale, undetermined(bias, of_a, DIFFER), fit, BiasSettings())
    known = pl.col("status") == "assessed"
    assert rows(usual, "blind_only", lab="A").select(known).item(), "nothing to withhold"
    lost = found.filter(pl.col("lab") == "A", pl.col("reason") == DIFFER)
    assert set(lost["option"]) == set(usual.filter(pl.col("lab") == "A", known)["option"])
    assert lost["status"].unique().to_list() == ["undetermined"]
    told = lost.select("estimate", "se", "df", "lower", "upper", "sensitivity_low", "sensitivity_high")
    assert all(column.is_null().all() for column in told.iter_columns())
    others = pl.col("lab").ne("A") & pl.col("lab").ne("")
    assert found.filter(others).equals(usual.filter(others))


@cache
def planned(n_samples: int = 150, **bias: float) -> pl.DataFrame:
    """Planned retests of six laboratories, two of three items with one limit."""
    return results(network(1, biases={lab: bias.get(lab, 0.0) for lab in LABS}, n_samples=n_samples))


def with_retests(facts: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """The results with columns of the retests set."""
    of = pl.col("role") == "retest"
    return facts.with_columns(pl.when(of).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items())


def rows(found: pl.DataFrame, option: str, *, lab: str | None = None) -> pl.DataFrame:
    here = (pl.col("option") == option) & (pl.col("lab") == lab if lab is not None else pl.col("lab") != "")
    return found.filter(here)


def objected(seed: int, n_samples: int = 600) -> pl.DataFrame:
    """Originals of one item in plenty, nine of ten fails retested on objection, a quarter of the others planned."""
    draw = np.random.default_rng(seed)
    made = []
    for k in range(n_samples):
        first, second = (str(lab) for lab in draw.permutation(LABS)[:2])
        for item, sign in (("I1", 1.0), ("I2", -1.0)):
            level = 50.0 + draw.normal(0.0, 1.5)
            x1, x2 = (float(level + draw.normal(0.0, 1.0)) for _ in range(2))
            shared = {"sample": f"S{k:04d}", "item": item, "u": None}
            made.append({**shared, "lab": first, "role": "original", "trigger": None, "value": x1})
            fails = sign * (x1 - 50.0) > 2.0
            trigger = "objection" if fails and draw.random() < 0.9 else "planned" if draw.random() < 0.25 else None
            if trigger:
                made.append({**shared, "lab": second, "role": "retest", "trigger": trigger, "value": x2})
    return results(made)


@cache
def trapped() -> tuple[pl.DataFrame, pl.DataFrame]:
    return options(objected(3))


def test_default_is_what_the_bias_fit_says():
    found, bias = trapped()
    whole = bias.filter(pl.col("scope") == "lab").sort("lab")
    assert rows(found, "default")["estimate"].to_list() == whole["estimate"].to_list()
    assert rows(found, "default")["n_samples"].to_list() == whole["n_samples"].to_list()


def test_the_trap_is_seen_and_explained():
    found, _ = trapped()
    of = {option: found.filter((pl.col("lab") == "") & (pl.col("option") == option)).row(0, named=True) for option in
          ("naive_with_objection", "expected", "conditional", "default")}  # fmt: skip
    assert of["naive_with_objection"]["lower"] > 0.3, "no laboratory is biased, and yet"
    assert of["expected"]["estimate"] == pytest.approx(of["naive_with_objection"]["estimate"], abs=0.35)
    assert of["conditional"]["lower"] < 0.0 < of["conditional"]["upper"]
    assert of["default"]["lower"] < 0.0 < of["default"]["upper"]
    assert of["naive_with_objection"]["estimate"] == pytest.approx(
        of["expected"]["estimate"] + of["conditional"]["estimate"], abs=1e-9
    )
    assert of["conditional"]["sensitivity_low"] <= of["conditional"]["estimate"] <= of["conditional"]["sensitivity_high"]


def test_given_the_original_no_laboratory_is_charged():
    found, _ = trapped()
    mine = rows(found, "conditional").filter(pl.col("status") == "assessed")
    assert mine.height == len(LABS)
    assert (mine["estimate"].abs() < 3.0 * mine["se"]).all()
    assert (mine["sensitivity_low"] <= mine["estimate"]).all() and (mine["estimate"] <= mine["sensitivity_high"]).all()


def test_a_few_unit_slips_among_planned_retests_do_not_change_what_is_expected():
    facts = objected(3)
    slipped = facts.filter((pl.col("role") == "retest") & (pl.col("trigger") == "planned"))["result"].head(4).to_list()
    hit = pl.col("result").is_in(slipped)
    wrong = facts.with_columns(
        pl.when(hit).then(pl.col(name) * 1000.0).otherwise(name).alias(name) for name in ("value", "lower", "upper")
    )
    (clean,), (other,) = (rows(options(one)[0], "expected", lab="")["estimate"].to_list() for one in (facts, wrong))
    assert other == pytest.approx(clean, abs=0.02)


def test_it_is_not_offered_with_fewer_first_results():
    found, _ = options(objected(3, n_samples=150))
    assert rows(found, "conditional")["status"].unique().to_list() == ["not_offered"]
    assert rows(found, "conditional")["reason"].unique().to_list() == ["selection.few_originals"]
    assert rows(found, "conditional")["estimate"].null_count() == len(LABS)
    assert rows(found, "expected", lab="")["reason"].to_list() == ["selection.few_originals"]
    assert rows(found, "naive_with_objection", lab="")["status"].to_list() == ["assessed"]


def test_the_least_number_of_first_results_is_a_setting():
    found, _ = options(objected(3, n_samples=150), min_originals=100)
    assert rows(found, "expected", lab="")["status"].to_list() == ["assessed"]


def test_it_is_not_offered_where_many_first_results_are_censored():
    facts = objected(3)
    low = (pl.col("role") == "original") & (pl.col("value") < 49.5)
    censored = facts.with_columns(
        qualifier=pl.when(low).then(pl.lit("below")).otherwise("qualifier"),
        upper=pl.when(low).then(49.5).otherwise("upper"),
        lower=pl.when(low).then(None).otherwise("lower"),
        value=pl.when(~low).then("value"),
    )
    found, _ = options(censored)
    assert rows(found, "expected", lab="")["reason"].to_list() == ["selection.few_originals"]


def test_it_is_not_offered_without_objections_and_says_so():
    found, _ = options(planned())
    assert rows(found, "conditional")["reason"].unique().to_list() == ["selection.no_objection"]
    assert rows(found, "conditional", lab="")["status"].to_list() == ["not_offered"]


def test_weights_are_not_offered_without_recorded_probabilities():
    found, _ = options(planned())
    assert rows(found, "weighted")["reason"].unique().to_list() == ["selection.no_probability"]
    assert rows(found, "weighted")["status"].unique().to_list() == ["not_offered"]


def test_equal_probabilities_change_nothing():
    facts = with_retests(planned(A=1.0), selection_probability=pl.lit(0.2))
    found, _ = options(facts)
    weighted, same = rows(found, "weighted"), rows(found, "naive_with_objection")
    assert weighted["estimate"].to_numpy() == pytest.approx(same["estimate"].to_numpy(), abs=1e-12)
    assert weighted["se"].to_numpy() == pytest.approx(same["se"].to_numpy(), rel=1e-12)


def test_a_retest_without_a_probability_is_left_out_of_the_weighted_fit():
    half = pl.when(pl.col("sample") < "S0075").then(0.2)
    found, _ = options(with_retests(planned(), selection_probability=half))
    weighted, same = rows(found, "weighted"), rows(found, "naive_with_objection")
    assert (weighted["n_samples"] < same["n_samples"]).all()
    assert weighted["n_samples"].sum() * 2 == same["n_samples"].sum()


def test_weights_undo_a_draw_by_risk():
    """Laboratory A reads high on I1 only, and samples of I1 are drawn four times as often as those of I2."""
    draw = np.random.default_rng(9)
    made = []
    for k in range(3000):
        item = "I1" if k % 2 else "I2"
        first, second = (str(lab) for lab in draw.permutation(LABS)[:2])
        probability = 0.8 if item == "I1" else 0.2
        level = draw.normal(50.0, 3.0)
        values = [float(level + 1.0 * (lab == "A" and item == "I1") + draw.normal(0.0, 0.3)) for lab in (first, second)]
        shared = {"sample": f"S{k:04d}", "item": item, "u": None}
        made.append({**shared, "lab": first, "role": "original", "trigger": None, "value": values[0]})
        if draw.random() < probability:
            chance = {"selection_probability": probability}
            made.append({**shared, "lab": second, "role": "retest", "trigger": "planned", "value": values[1]} | chance)
    found, _ = options(results(made))
    (weighted,), (plain,) = (
        rows(found, option, lab="A")["estimate"].to_list() for option in ("weighted", "naive_with_objection")
    )
    assert weighted == pytest.approx(0.5, abs=0.07)
    assert plain > 0.65


def test_retests_that_saw_the_original_are_counted_and_left_out():
    blind = (
        pl.when(pl.col("sample") < "S0030").then(pl.lit(value=False)).when(pl.col("sample") < "S0100").then(pl.lit(value=True))
    )
    found, _ = options(with_retests(planned(), retest_blind=blind))
    network_rows = {row["option"]: row for row in found.filter(pl.col("lab") == "").iter_rows(named=True)}
    assert network_rows["unblinded"]["n_samples"] == 30
    assert network_rows["blind_unknown"]["n_samples"] == 50
    assert network_rows["blind_only"]["n_samples"] == 120
    counted = rows(found, "unblinded")
    assert counted["n_samples"].sum() == 30, "the retest laboratory alone is counted"
    assert counted["reason"].unique().to_list() == ["selection.a_count"]
    assert rows(found, "blind_only")["n_samples"].sum() == 240
    assert rows(found, "default")["n_samples"].sum() == 300


def test_an_echo_hides_a_bias_that_blind_retests_show():
    """Laboratory A reads 1.5 σR high, but where it saw the original it repeats it."""
    facts = planned(400, A=1.5).sort("sample", "item", "role")
    seen = (pl.col("sample").str.slice(-1).is_in(list("02468"))) & (pl.col("lab") == "A")
    facts = with_retests(facts, retest_blind=~seen)
    original = facts.filter(pl.col("role") == "original").select("sample", "item", first="value")
    facts = facts.join(original, on=["sample", "item"], how="left")
    echo = (pl.col("role") == "retest") & seen
    facts = facts.with_columns(
        pl.when(echo).then("first").otherwise(pl.col(name)).alias(name) for name in ("value", "lower", "upper")
    )
    found, _ = options(facts.drop("first"))
    (without,), (default,) = (rows(found, option, lab="A")["estimate"].to_list() for option in ("blind_only", "default"))
    assert without == pytest.approx(1.5, abs=0.25)
    assert without > default + 0.1


def test_the_order_of_the_rows_does_not_matter():
    facts = objected(3)
    one, _ = options(facts)
    other, _ = options(facts.sample(fraction=1.0, shuffle=True, seed=4))
    for name in ("estimate", "se", "df", "sensitivity_low"):
        assert other[name].to_list() == pytest.approx(one[name].to_list(), abs=1e-9, nan_ok=True)


def test_nothing_to_fit_offers_nothing():
    alone = planned().filter(pl.col("role") == "original")
    found, _ = options(alone)
    assert set(found["status"].unique()) <= {"not_offered", "not_assessed"}
    assert found["estimate"].null_count() == found.height


def test_objection_retests_that_are_all_blunders_give_no_number() -> None:
    facts = objected(3)
    slipped = (pl.col("trigger") == "objection").fill_null(value=False)
    found, _ = options(facts.with_columns(value=pl.when(slipped).then(pl.col("value") * 1000).otherwise("value")))
    for option in ("expected", "conditional"):
        row = rows(found, option, lab="").row(0, named=True)
        assert row["status"] == "not_offered"
        figures = [row[name] for name in ("estimate", "se", "sensitivity_low", "sensitivity_high")]
        assert figures == [None] * 4, "neither a number nor NaN"
