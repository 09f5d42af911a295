"""What the bias fit claims, against what, and when it claims nothing."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from bias_networks import CODES, REGISTER, fitted, network
from facts import items, pair, results

from labqa.stats.network.zero import leave_one_out_centres

DATA = Path(__file__).parents[3] / "data" / "rmstudy" / "lgc_rmstudy_metals.csv"
LABS = [f"L{k}" for k in range(8)]
NUMBERS = ["estimate", "se", "lower", "upper", "shrunken", "oriented", "tau", "detectable"]


def row(bias: pl.DataFrame, lab: str, scope: str = "lab", scope_id: str = "") -> dict[str, object]:
    return bias.row(
        by_predicate=(pl.col("lab") == lab) & (pl.col("scope") == scope) & (pl.col("scope_id") == scope_id), named=True
    )


def test_a_biased_laboratory_is_placed_among_its_peers():
    bias, blocks = fitted(network(1, biases=dict.fromkeys(LABS, 0.0) | {"L3": 2.0}))
    found = row(bias, "L3")
    assert found["lower"] < 2.0 < found["upper"] and found["lower"] > 1.0
    assert (found["zero"], found["status"], found["reason"]) == ("relative", "assessed", None)
    assert found["component"] == "L0" and found["component_labs"] == 8 and found["n_partners"] == 7
    others = bias.filter((pl.col("scope") == "lab") & (pl.col("lab") != "L3"))
    assert others["estimate"].abs().max() < 0.5
    assert 0 < found["shrunken"] < found["estimate"]
    assert blocks["used_for_bias"].all() and blocks["why_not"].is_null().all()


def test_the_oriented_mean_turns_by_the_limit_of_the_item():
    """High by 1 on all items: away from conforming under an upper limit, towards it over a lower one."""
    high = dict.fromkeys(LABS, 0.0) | {"L3": 1.0}
    rows = network(2, biases=high, n_samples=240)
    upper = [one for one in rows if one["item"] != "I2"]
    lower = [one for one in rows if one["item"] != "I1"]
    assert row(fitted(upper)[0], "L3")["oriented_upper"] < -0.5
    assert row(fitted(lower)[0], "L3")["oriented_lower"] > 0.5
    both = row(fitted(rows)[0], "L3")
    assert both["oriented_lower"] < 0 < both["oriented_upper"]


def test_assigned_values_anchor_and_a_shift_of_all_laboratories_shows():
    rows = network(3, biases=dict.fromkeys(LABS, 1.5))
    draw = np.random.default_rng(3)
    for k in range(12):
        for item in CODES:
            rows += [
                {"sample": f"P{k}", "item": item, "lab": lab, "role": "pt", "value": float(51.5 + draw.normal(0, 0.5))}
                for lab in LABS
            ]
            rows.append({"sample": f"P{k}", "item": item, "lab": None, "role": "assigned", "value": 50.0, "u": 0.1})
    anchored, relative = fitted(rows)[0], fitted([one for one in rows if one["role"] != "assigned"])[0]
    found = anchored.filter(pl.col("scope") == "lab")
    assert set(found["zero"]) == {"anchored"} and found["estimate"].to_numpy() == pytest.approx(1.5, abs=0.4)
    assert set(found["component"]) == {"L0"} and set(found["component_labs"]) == {8}
    without = relative.filter(pl.col("scope") == "lab")
    assert set(without["zero"]) == {"relative"} and without["estimate"].abs().max() < 0.5


def test_the_stated_uncertainty_of_the_assigned_value_is_a_common_part_of_each_interval():
    def width(u: float) -> float:
        rows = network(4, biases=dict.fromkeys(LABS, 0.0))
        for k in range(6):
            for item in CODES:
                rows += [
                    {"sample": f"P{k}", "item": item, "lab": lab, "role": "pt", "value": 50.0 + 0.1 * n}
                    for n, lab in enumerate(LABS)
                ]
                rows.append({"sample": f"P{k}", "item": item, "lab": None, "role": "assigned", "value": 50.0, "u": u})
        found = fitted(rows)[0].filter(pl.col("scope") == "lab")
        assert set(found["zero"]) == {"anchored"}
        return float(found["se"].min())

    # the mean of 18 independent assigned values, each with u: u/√18 at least
    assert width(0.6) > 0.6 / np.sqrt(18) and width(0.6) > 1.5 * width(0.05)


def test_blocks_of_an_item_without_numbers_are_told():
    register = REGISTER.with_columns(scale=pl.when(pl.col("item") == "I1").then(pl.lit("ordinal")).otherwise("scale"))
    _, blocks = fitted(network(5, biases=dict.fromkeys(LABS, 0.0)), register)
    assert set(blocks.filter(pl.col("item") == "I1")["why_not"]) == {"bias.not_numeric"}
    assert blocks.filter(pl.col("item") != "I1")["used_for_bias"].all()
    assert (blocks["why_not"].is_null() == blocks["used_for_bias"]).all()


def test_censored_duplicate_single_and_blunder_blocks_each_say_why():
    rows = network(6, biases=dict.fromkeys(LABS, 0.0))
    rows += pair("X1", 50.0, 50.0, labs=("L1", None)) + pair("X2", 50.0, 50.1, labs=("L1", "L1"))
    rows += [{"sample": "X3", "lab": "L2", "role": "original", "value": 50.0}]
    rows += pair("X4", 50.0, 50000.0, labs=("L1", "L2"))
    less = pair("X5", 1.0, 1.0, labs=("L1", "L2"))
    less[1] |= {"qualifier": "below", "value": None, "upper": 1.0}
    told = fitted(rows + less)[1]
    why = dict(told.select("sample", "why_not").filter(pl.col("sample").str.starts_with("X")).iter_rows())
    assert why == {
        "X1": "bias.duplicate",
        "X2": "bias.duplicate",
        "X3": "bias.single",
        "X4": "bias.blunder",
        "X5": "bias.censored",
    }


def test_objection_retests_and_what_they_selected_stay_out():
    """Firms object to failures only: with no bias at all the original looks high by the selection alone."""
    draw = np.random.default_rng(7)
    rows = network(7, biases=dict.fromkeys(LABS, 0.0))
    objected = []
    for k in range(600):
        level = draw.normal(51, 1)
        first, second = level + draw.normal(0, 0.6, 2)
        if first > 52.0:
            objected += [
                {"sample": f"O{k}", "lab": "L1", "role": "original", "value": float(first)},
                {"sample": f"O{k}", "lab": LABS[2 + k % 6], "role": "retest", "trigger": "objection", "value": float(second)},
                {"sample": f"O{k}", "lab": "L0", "role": "referee", "value": float(second)},
            ]
    left_out, told = fitted(rows + objected)
    taken_in, _ = fitted(rows + objected, include_objection=True)
    plain, _ = fitted(rows)
    assert set(told.filter(pl.col("sample").str.starts_with("O"))["why_not"]) == {"bias.objection"}
    assert left_out.drop("shrunken").equals(plain.drop("shrunken"))
    assert row(taken_in, "L1", "item", "I1")["estimate"] > row(plain, "L1", "item", "I1")["estimate"] + 0.1


def test_too_little_evidence_goes_first():
    four = [("L0", "L1"), ("L0", "L2"), ("L0", "L3"), ("L1", "L2"), ("L1", "L3"), ("L2", "L3")]
    rows = network(8, biases=dict.fromkeys(LABS[:4], 0.0), pairs=four, n_samples=18)
    rows += [{"sample": "Z", "lab": "ALONE", "role": "original", "value": 50.0}]
    bias = fitted(rows)[0].filter(pl.col("scope") == "lab")
    assert set(bias["status"]) == {"not_assessed"}
    assert dict(bias.select("lab", "reason").iter_rows()) == dict.fromkeys(LABS[:4], "bias.few_samples") | {
        "ALONE": "bias.no_partner"
    }
    ring = [("L0", "L1"), ("L1", "L2"), ("L2", "L3"), ("L3", "L4"), ("L4", "L0")]
    two = fitted(network(8, biases=dict.fromkeys(LABS[:5], 0.0), pairs=ring))[0].filter(pl.col("scope") == "lab")
    assert set(two["reason"]) == {"bias.few_partners"} and two["estimate"].is_null().all()


def test_few_connected_laboratories_or_one_bridge_leave_the_sign_open():
    four = fitted(network(10, biases=dict.fromkeys(LABS[:4], 0.0)))[0].filter(pl.col("scope") == "lab")
    assert set(four["reason"]) == {"bias.small_component"} and set(four["status"]) == {"undetermined"}
    west, east = LABS[:4], ["M0", "M1", "M2", "M3", "M4", "M5"]
    inside = [(a, b) for group in (west, east) for a in group for b in group if a < b]
    biases = dict.fromkeys(west + east, 0.0)
    bridged = fitted(network(11, biases=biases, pairs=[*inside, ("L0", "M0")], n_samples=260))[0].filter(
        pl.col("scope") == "lab"
    )
    far = bridged.filter(pl.col("lab").is_in(west))
    assert set(far["reason"]) == {"bias.bridge"} and far["bridge_share"].to_list() == pytest.approx([6 / 9] * 4)
    assert far.select(pl.col(NUMBERS).is_null().all()).row(0) == (True,) * len(NUMBERS)
    assert set(bridged.filter(~pl.col("lab").is_in(west))["status"]) == {"assessed"}


def test_no_sign_in_a_tree():
    """A tree of laboratories, as in the field replicates of a survey: every contrast is a bridge, the hub's too."""
    tree = [("HUB", lab) for lab in LABS] + [("L0", "M0"), ("L1", "M1")]
    bias, _ = fitted(network(12, biases=dict.fromkeys(["HUB", *LABS, "M0", "M1"], 0.0), pairs=tree, n_samples=150))
    assert (bias["bridge_share"] == 1).all() and not (bias["status"] == "assessed").any()
    assert bias.select(pl.col(NUMBERS).is_null().all()).row(0) == (True,) * len(NUMBERS)


def test_plain_differences_of_a_collaborative_study_are_differences_of_means():
    """29 laboratories, one block an analyte; counted from the file by itself."""
    read = pl.read_csv(DATA)
    rows = [
        {
            "sample": "W",
            "item": one["analyte"],
            "lab": one["lab"],
            "role": "pt",
            "replicate": one["replicate"],
            "value": one["value"],
        }
        for one in read.drop_nulls("value").iter_rows(named=True)
    ]
    register = items(*[{"item": name, "unit": "ug/L"} for name in read["analyte"].unique().sort()])
    bias, _ = fitted(results(rows), register, robust=False, scale="raw")
    found = bias.filter(pl.col("scope") == "item").drop_nulls("estimate")
    checked = 0
    for (item,), part in found.group_by("scope_id"):
        means = {
            lab: np.mean([one["value"] for one in rows if one["item"] == item and one["lab"] == lab]) for lab in part["lab"]
        }
        effects = dict(part.select("lab", "estimate").iter_rows())
        zero = _centre_free(effects, means)
        assert zero < 1e-9
        checked += part.height
    assert checked > 150 and set(bias["status"]) == {"not_assessed"}


def _centre_free(effects: dict[str, float], means: dict[str, float]) -> float:
    """Largest |estimate + centre of the others − mean| up to one constant: the reported zero leaves each laboratory out."""
    labs = sorted(effects)
    centres = leave_one_out_centres(np.array([means[lab] for lab in labs])).centre
    return max(abs(effects[lab] - (means[lab] - centre)) for lab, centre in zip(labs, centres, strict=True))


def test_a_planted_item_bias_shows_on_its_item_and_in_the_spread_between_items():
    rows = network(13, biases=dict.fromkeys(LABS, 0.0), n_samples=240)
    for one in rows:
        if one["lab"] == "L5" and one["item"] == "I2":
            one["value"] += 2.5
    bias, _ = fitted(rows)
    found = row(bias, "L5", "item", "I2")
    assert found["status"] == "assessed" and 1.9 < found["estimate"] < 3.1 and found["lower"] > 1.5
    assert row(bias, "L5")["tau_lower"] > 0.5 > row(bias, "L1")["tau"]


def test_one_gross_error_in_ten_does_not_move_the_estimates():
    clean = network(14, biases=dict.fromkeys(LABS, 0.0) | {"L2": 1.0}, n_samples=240)
    draw = np.random.default_rng(14)
    dirty = [one | {"value": one["value"] + (draw.random() < 0.05) * draw.choice([-8.0, 8.0])} for one in clean]
    before, after = (fitted(rows)[0].filter(pl.col("scope") == "lab")["estimate"].to_numpy() for rows in (clean, dirty))
    plain = fitted(dirty, robust=False)[0].filter(pl.col("scope") == "lab")["estimate"].to_numpy()
    assert np.abs(after - before).max() < 0.12 < np.abs(plain - before).max()
