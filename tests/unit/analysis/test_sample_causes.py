"""Sample causes first, on simulated networks whose truth is known: what the sample did is charged to nobody, what a laboratory
did still is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from bias_networks import REGISTER, network
from facts import PRODUCTS, items, results

from labqa.analysis import discrepancy, gross, indicators, integrity, pairing, precision, sample_causes, swaps, yardsticks
from labqa.analysis.bias import fitted as bias_fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.finishing import finished
from labqa.analysis.network import Network
from labqa.core import tables as t
from labqa.core.wording.catalogue import Message
from labqa.simulate import card as cards
from labqa.simulate import network as simulated
from labqa.simulate.card import Card, Planted

CALIBRATION = cards.load("calibration")
BASE = replace(
    CALIBRATION,
    labs=replace(CALIBRATION.labs, n=80),
    retests=replace(CALIBRATION.retests, objection=0.0),  # an objection would follow what a portion lost
    network=replace(CALIBRATION.network, style="hubs", hubs=3, hub_share=0.7),
)
CHANGING = ("F1I01", "F1I03", "F2I02", "F2I05", "F3I01")
LOSES = 0.03
"""σR a day that the changing items lose, about 1.1 σR between original and retest."""
SEEDS = (1, 2)


class Evaluated:
    """A simulated network and what the bias fit makes of it, with the screen or, as a control, without."""

    def __init__(self, card: Card, seed: int, *, screened: bool = True) -> None:
        self.made = simulated.simulate(card, seed=seed)
        self.results = self.made.results.filter(pl.col("role") != "assigned")
        self.samples = pairing.samples(self.results, self.made.products)
        self.blocks = pairing.blocks(self.results, self.samples)
        self.pairs = pairing.pairs(self.results, self.samples)
        self.scale = yardsticks.yardsticks(self.made.items, self.blocks, self.pairs, self.results)
        given = (self.results, self.samples, self.blocks, self.made.items, self.scale, BiasSettings())
        if screened:
            self.bias, self.used, fitted = bias_fitted(*given)
            assert fitted
            self.causes = fitted.causes
        else:
            self.bias = unscreened(*given)

    def mostly_retesting(self) -> list[str]:
        """Laboratories that tested the changing items as a retest in seven of ten cases or more."""
        share = (
            self.results.filter(pl.col("item").is_in(CHANGING) & (pl.col("role") != "pt"))
            .group_by("lab")
            .agg(n=pl.len(), retests=(pl.col("role") == "retest").mean())
        )
        return share.filter((pl.col("n") >= 20) & (pl.col("retests") >= 0.7))["lab"].sort().to_list()

    def items_of(self, labs: list[str]) -> pl.DataFrame:
        """Item biases of these laboratories on the items that change."""
        chosen = (pl.col("scope") == "item") & pl.col("scope_id").is_in(CHANGING)
        return self.bias.filter(chosen & pl.col("lab").is_in(labs))


def unscreened(results, samples, blocks, register, scale, settings) -> pl.DataFrame:
    """LAB_BIAS without the screen: the same steps, written out."""
    from labqa.analysis import evidence
    from labqa.analysis.observations import observations
    from labqa.analysis.weights import weighted

    seen, _ = observations(
        results, blocks, register, scale, scale=settings.scale, include_objection=False, blunder=settings.blunder
    )
    weights = weighted(seen, robust=True, corner=settings.corner, end=settings.end)
    fitted = Network(seen, weights, register, scale, settings, t.empty(t.YardsticksWithout), sample_causes.NONE)
    rows = pl.concat([fitted.whole(), fitted.by_family(), fitted.by_item])
    return finished(rows, evidence.met(results, blocks), settings)


def moved(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """How far estimates of the same laboratory and scope lie apart, in standard errors."""
    both = one.join(other, on=["lab", "scope", "scope_id"], suffix="_other").drop_nulls(["estimate", "estimate_other"])
    return both.select("lab", "scope", "scope_id", apart=(pl.col("estimate") - pl.col("estimate_other")) / pl.col("se"))


def with_effects(**effects: object) -> Card:
    return replace(BASE, effects=replace(BASE.effects, **effects))


@pytest.fixture(scope="module", params=SEEDS)
def ordinary(request) -> tuple[int, Evaluated]:
    return request.param, Evaluated(BASE, request.param)


def charged(used: pl.DataFrame) -> float:
    """Share of the blocks of several laboratories that were charged to their sample."""
    several = used.filter(pl.col("kind").is_in(["pair", "multiple"]))
    return float((several["why_not"] == "bias.sample_differs").fill_null(value=False).mean())


def test_an_ordinary_network_loses_less_than_one_percent_of_its_blocks(ordinary):
    _, plain = ordinary
    assert charged(plain.used) < 0.01 and plain.causes.drifts.is_empty()


def test_what_portions_lose_is_taken_out_and_no_interval_moves(ordinary):
    """Hubs do most retests: what portions lose in between would be their bias. Without the screen it is."""
    seed, plain = ordinary
    card = with_effects(degradation=LOSES, degrading=CHANGING)
    found, control = Evaluated(card, seed), Evaluated(card, seed, screened=False)
    assert found.causes.drifts["item"].to_list() == sorted(CHANGING)
    slope, se = found.causes.drifts["slope"].to_numpy(), found.causes.drifts["se"].to_numpy()
    assert np.all(np.abs(slope + LOSES) < 3.5 * se) and np.all(se < LOSES / 3)
    hubs = plain.mostly_retesting()
    screened = moved(plain.items_of(hubs), found.items_of(hubs))["apart"]
    unscreened_ = moved(plain.items_of(hubs), control.items_of(hubs))["apart"]
    assert screened.len() >= 5 and abs(screened.mean()) < 0.5 < 1.0 < unscreened_.mean()
    assert screened.abs().max() < 2.0
    whole = moved(*(one.bias.filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed")) for one in (plain, found)))
    assert whole["apart"].abs().max() < 1.0 and whole["apart"].abs().mean() < 0.2
    assert charged(found.used) < 0.01


def test_interchanged_samples_move_no_interval(ordinary):
    seed, plain = ordinary
    swapped = Evaluated(replace(BASE, faults=replace(BASE.faults, swap=0.03)), seed)
    assert 0.015 < charged(swapped.used) < 0.08
    whole = moved(*(one.bias.filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed")) for one in (plain, swapped)))
    assert whole["apart"].abs().max() < 1.0 and whole["apart"].abs().mean() < 0.2


def test_a_laboratory_that_is_biased_or_imprecise_on_everything_is_not_excused():
    planted = (Planted(kind="bias_mean", sizes=(2.0, -2.0)), Planted(kind="imprecise", sizes=(3.0, 3.0)))
    found = Evaluated(replace(BASE, planted=planted), 3)
    truth = found.made.truth_labs.filter(pl.col("kind") == "planted")
    size = dict(truth.select("lab", "size").iter_rows())
    kind = dict(truth.select("lab", "planted_as").iter_rows())
    rows = found.bias.filter((pl.col("scope") == "lab") & pl.col("lab").is_in(list(size)))
    for row in rows.iter_rows(named=True):
        if kind[row["lab"]] == "bias_mean":
            assert row["lower"] < size[row["lab"]] < row["upper"]
            assert abs(row["estimate"]) - row["se"] * 3 > 0.5
    named = found.results.filter(pl.col("lab").is_in(list(size))).select("lab", "sample").unique()
    apart = found.causes.tests.join(named, on=["lab", "sample"], how="semi").group_by("lab").len()
    of = dict(named.group_by("lab").len().iter_rows())
    assert all(n <= 0.15 * of[lab] for lab, n in apart.iter_rows())
    given = (found.results, found.samples, found.blocks, found.made.items, found.scale, BiasSettings())
    ratios = precision.lab_precision(found.results, bias_fitted(*given)[2], BiasSettings()).filter(
        pl.col("lab").is_in([lab for lab, one in kind.items() if one == "imprecise"])
    )
    known = ratios["ratio"].drop_nulls()
    assert known.len() and known.min() > 1.5


# --- by hand -----------------------------------------------------------------------------------------------------------

LABS = [f"L{k}" for k in range(8)]


def told(rows, register=REGISTER):
    facts = results(rows)
    samples = pairing.samples(facts, PRODUCTS)
    blocks, pairs = pairing.blocks(facts, samples), pairing.pairs(facts, samples)
    scale = yardsticks.yardsticks(register, blocks, pairs, facts)
    scored = discrepancy.discrepancies(pairs, register, scale, facts)
    swapped = swaps.interchanged(pairs, scored, facts, register)
    found, used, fitted = bias_fitted(facts, samples, blocks, register, scale, BiasSettings(), swapped=swapped)
    t.Blocks.validate(used)
    assert fitted
    capability = t.empty(t.Capabilities)
    flags = integrity.flags(facts, samples, register, capability, pairs, scored, scale, fitted.causes)
    t.Flags.validate(flags)
    after = discrepancy.with_sample_causes(scored, pairs, used)
    compared = gross.compared(pairs, after, used, facts)
    figures = indicators.indicators(
        found, t.empty(t.LabPrecision), after, pairs, t.empty(t.PtScores), flags, used, facts, compared, yardsticks=scale
    )
    return found, used, flags, pairs.join(after, on="pair"), figures


def test_a_sample_whose_portions_differ_is_charged_to_neither_and_told_to_both():
    rows = network(21, biases=dict.fromkeys(LABS, 0.0))
    draw = np.random.default_rng(1)
    for one in rows:
        if one["sample"] == "S0007" and one["role"] == "retest":
            one["value"] += float(draw.choice([-1, 1])) * 5.0
    _, used, flags, pairs, figures = told(rows)
    gone = used.filter(pl.col("why_not") == "bias.sample_differs")
    assert gone["sample"].to_list() == ["S0007"] * 3 and not gone["used_for_bias"].any()
    assert set(pairs.filter(pl.col("sample_suspected"))["sample"]) == {"S0007"}
    flag = flags.filter(pl.col("rule") == "integrity.sample_differs").row(0, named=True)
    assert flag["lab"] is None and flag["sample"] == "S0007" and len(flag["evidence"]) == 6
    two = pairs.filter(pl.col("sample") == "S0007").select("original_lab", "retest_lab").row(0)
    assert all(lab in Message.from_json(flag["message"]).text("en") for lab in two)
    counted = figures.filter((pl.col("indicator") == "discrepancy_share") & pl.col("lab").is_in(two))
    n = {lab: pairs.filter((pl.col("original_lab") == lab) | (pl.col("retest_lab") == lab)).height for lab in two}
    assert dict(counted.select("lab", "n").iter_rows()) != n
    assert counted["estimate"].max() < 0.05


def test_of_three_laboratories_only_the_test_that_stands_apart_goes():
    rows = network(22, biases=dict.fromkeys(LABS, 0.0))
    two = [one for one in rows if one["sample"] == "S0003"]
    third = next(lab for lab in LABS if lab not in {one["lab"] for one in two})
    for one in two[:]:
        if one["role"] == "retest":
            rows.append(one | {"lab": third, "role": "referee", "trigger": None})
            one["value"] += 6.0
    _, used, flags, _, _ = told(rows)
    assert used.filter(pl.col("sample") == "S0003")["used_for_bias"].all()
    odd = next(one["lab"] for one in two if one["role"] == "retest")
    message = flags.filter(pl.col("rule") == "integrity.sample_differs")["message"][0]
    assert Message.from_json(message).values["labs"] == odd


def test_a_changing_item_whose_days_are_not_known_is_set_apart():
    draw = np.random.default_rng(5)
    rows = network(23, biases=dict.fromkeys(LABS, 0.0), n_samples=240)
    days = {f"S{k:04d}": int(draw.integers(5, 90)) for k in range(240)}
    for one in rows:
        since = days[one["sample"]] if one["role"] == "retest" else 0
        one["tested_on"] = None if one["sample"] < "S0010" else np.datetime64("2018-03-01") + since
        one["tested_on"] = one["tested_on"].astype(object) if one["tested_on"] is not None else None
        one["value"] -= 0.04 * since if one["item"] == "I1" else 0.0
    _, used, flags, _, _ = told(rows)
    gone = used.filter(pl.col("why_not") == "bias.sample_differs")
    assert set(gone["item"]) == {"I1"} and {f"S{k:04d}" for k in range(10)} <= set(gone["sample"])
    assert gone.height <= 12
    flag = flags.filter(pl.col("rule") == "integrity.item_changes")
    assert flag.height == 1 and flag["lab"].to_list() == [None]
    assert float(Message.from_json(flag["message"][0]).values["slope"]) == pytest.approx(-1.2, abs=0.15)


def test_an_interchange_of_one_item_in_a_round_takes_only_that_laboratory_out():
    draw = np.random.default_rng(6)
    rows = []
    for sample, level in (("A", 50.0), ("B", 60.0)):
        for k in range(14):
            shown = {"A": 60.0, "B": 50.0}[sample] if k == 9 else level
            value = float(shown + draw.normal(0, 1))
            rows.append({"sample": sample, "item": "Cr", "lab": f"M{k:02d}", "role": "pt", "value": value})
    register = items({"item": "Cr", "reproducibility_constant": 2.8})
    facts = results(rows)
    found = swaps.round_swaps(facts, register)
    assert found.select("lab", "sample", "other_sample").rows() == [("M09", "A", "B"), ("M09", "B", "A")]
    bias_, used, _, _, _ = told(rows, register)
    assert used["used_for_bias"].all() and "M09" not in bias_.drop_nulls("estimate")["lab"].to_list()
    innocent = [one for one in rows if one["lab"] != "M09"]
    assert swaps.round_swaps(results(innocent), register).is_empty()
