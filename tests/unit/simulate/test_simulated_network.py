"""The simulated network is what its card says; expected values come from the card, never from a simulation."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import polars as pl
import pytest

from labqa.core import tables
from labqa.core.errors import UsageError
from labqa.core.provenance import digest
from labqa.simulate import card as cards
from labqa.simulate.card import Card
from labqa.simulate.network import Simulated, simulate

DEMO = cards.load("demo")
CALIBRATION = cards.load("calibration")
FRAMES = ("results", "labs", "capabilities", "items", "products", "class_in_force")


@pytest.fixture(scope="module")
def demo() -> Simulated:
    return simulate(DEMO, seed=1)


def small(card: Card = DEMO, **changes: object) -> Card:
    """The card with sixty laboratories and one planted fault of each kind."""
    planted = tuple(replace(one, sizes=one.sizes[:1]) for one in card.planted)
    labs = replace(card.labs, n=60, blameless=20, new=2, small=3, groups=1, group_size=5)
    return replace(card, labs=labs, planted=planted, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["demo", "calibration"])
def test_frames_keep_the_contracts(name: str, demo: Simulated) -> None:
    made = demo if name == "demo" else simulate(CALIBRATION, seed=3)
    for frame in FRAMES:
        tables.FACT_TABLES[frame].validate(getattr(made, frame))
    assert set(made.results["item"]) <= set(made.items["item"])
    assert set(made.results["lab"].drop_nulls()) == set(made.labs["lab"])
    assert not any(made.results[column].is_nan().any() for column in ("value", "lower", "upper", "u"))


def test_the_seed_decides_alone() -> None:
    first, again, other = (simulate(small(), seed=seed) for seed in (5, 5, 6))
    for frame in (*FRAMES, "truth_labs", "truth_items"):
        assert getattr(first, frame).equals(getattr(again, frame)), frame
    assert not first.results.equals(other.results)
    assert not first.truth_items.equals(other.truth_items)


def test_threads_do_not_matter() -> None:
    program = (
        "import dataclasses, hashlib, polars as pl\n"
        "from labqa.simulate import card, network\n"
        "made = network.simulate(dataclasses.replace(card.load('calibration'), samples_per_lab_year=(3, 5)), seed=7)\n"
        "print(pl.thread_pool_size(), hashlib.sha256(made.results.write_csv().encode()).hexdigest())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program], env={"POLARS_MAX_THREADS": threads}, capture_output=True, text=True, check=True
        )
        for threads in ("1", "4")
    ]
    (one, first), (four, second) = (line.stdout.split() for line in told)
    assert (one, four) == ("1", "4")
    assert first == second


def test_ids_are_digests_of_the_key(demo: Simulated) -> None:
    key = ("programme", "round", "sample", "item", "lab", "role", "replicate", "revision")
    chosen = pl.concat([part.head(20) for part in demo.results.partition_by("role")])
    for row in chosen.iter_rows(named=True):
        assert row["result"] == digest(*("" if row[name] is None else str(row[name]) for name in key))
    assert demo.results["result"].is_unique().all()


def _fails(raw: str, item: dict[str, object]) -> bool:
    """Beyond a limit, in decimal arithmetic on the delivered text (GB/T 8170, limits inclusive)."""
    if raw in {"合格", "不合格"}:
        return raw == "不合格"
    if raw.startswith("<") or raw in {"未检出", "ND", "/"}:
        return False
    text = str(sum(map(Decimal, raw.split("-"))) / 2) if item["scale"] == "ordinal" and "-" in raw else raw
    value = Decimal(text.translate(str.maketrans("０１２３４５６７８９．", "0123456789.")))
    if item["compare_method"] == "rounded":
        interval = Decimal(str(item["rounding_interval"]))
        value = (value / interval).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * interval
    low, high = item["lower_limit"], item["upper_limit"]
    return (low is not None and value < Decimal(str(low))) or (high is not None and value > Decimal(str(high)))


def test_objection_retests_follow_only_a_fail(demo: Simulated) -> None:
    items = {row["item"]: row for row in demo.items.iter_rows(named=True)}
    originals = demo.results.filter(pl.col("role") == "original").select("sample", "item", "raw")
    for trigger, expected in (("objection", {True}), ("planned", {True, False})):
        asked = demo.results.filter(pl.col("trigger") == trigger).select("sample", "item")
        pairs = asked.join(originals, on=["sample", "item"], how="inner")
        assert pairs.height == asked.height > 100
        assert {_fails(raw, items[item]) for _, item, raw in pairs.iter_rows()} == expected


def test_reported_verdicts_follow_the_limits(demo: Simulated) -> None:
    items = {row["item"]: row for row in demo.items.iter_rows(named=True)}
    said = demo.results.filter(pl.col("reported_verdict").is_not_null()).sample(8000, seed=1)
    for item, raw, verdict in said.select("item", "raw", "reported_verdict").iter_rows():
        assert _fails(raw, items[item]) == (verdict == "nonconforming"), (item, raw)


def test_shares_are_those_of_the_card(demo: Simulated) -> None:
    originals = demo.results.filter(pl.col("role") == "original")
    n_samples = originals["sample"].n_unique()
    planned = demo.results.filter(pl.col("trigger") == "planned")["sample"].n_unique()
    assert planned / n_samples == pytest.approx(DEMO.retests.planned, abs=4 * (0.2 * 0.8 / n_samples) ** 0.5)
    failed = originals.group_by("sample").agg((pl.col("reported_verdict") == "nonconforming").any().alias("failed"))["failed"]
    assert 0.06 < failed.mean() < 0.12  # type: ignore[operator]  # pass rate near 91 %
    held = demo.class_in_force["lab_class"].value_counts(normalize=True)
    shares = dict(held.iter_rows())
    for lab_class, low, high in (("Ⅰ", 0.10, 0.20), ("Ⅱ", 0.48, 0.66), ("Ⅲ", 0.18, 0.33), ("Ⅳ", 0.0, 0.02)):
        assert low <= shares.get(lab_class, 0.0) <= high
    assert demo.class_in_force.height == DEMO.labs.n - DEMO.labs.new
    per_lab_year = demo.results.filter(pl.col("role") == "pt").group_by("lab", "period").agg(pl.col("round").n_unique())
    assert per_lab_year["round"].min() == 2
    assert per_lab_year["round"].max() == 8


def test_the_blameless_are_blameless(demo: Simulated) -> None:
    blameless = demo.truth_labs.filter(pl.col("kind") == "blameless")
    assert blameless.height >= 100
    assert blameless["precision_ratio"].max() <= 1.25  # type: ignore[operator]
    assert blameless["planted_as"].null_count() == blameless.height
    bias = demo.truth_items.join(blameless, on="lab", how="semi")["bias"].abs()
    assert bias.max() <= 0.5  # type: ignore[operator]
    assert bias.max() > 0.45  # type: ignore[operator]  # the set reaches its boundary …
    assert (bias == 0.5).mean() < 0.01  # type: ignore[operator]  # … without piling up there


def test_chance_faults_spare_all_but_ordinary_laboratories() -> None:
    none = replace(DEMO.faults, gross=0.0, unit_slip=0.0, swap=0.0)
    many = replace(DEMO.faults, gross=0.3, unit_slip=0.1, swap=0.5)
    clean, dirty = (simulate(small(faults=faults), seed=2) for faults in (none, many))
    kind = clean.truth_labs.select("lab", "kind")
    key = ["sample", "item", "lab", "role"]
    first = clean.results.filter(pl.col("role").is_in(["original", "pt"])).join(kind, on="lab")
    both = first.join(dirty.results.select(*key, pl.col("raw").alias("dirty")), on=key, how="left").with_columns(
        changed=pl.col("raw") != pl.col("dirty")
    )
    changed = dict(both.group_by("kind").agg(pl.col("changed").mean()).iter_rows())
    assert changed["blameless"] == changed["planted"] == 0.0
    assert changed["ordinary"] > 0.3


def test_planted_faults_show(demo: Simulated) -> None:
    truth = demo.truth_labs.filter(pl.col("kind") == "planted")
    assert truth.height == sum(len(one.sizes) for one in DEMO.planted)

    def labs(kind: str) -> pl.DataFrame:
        return truth.filter(pl.col("planted_as") == kind)

    originals = demo.results.filter(pl.col("role") == "original")
    assert (labs("bias_mean")["mean_bias"] == labs("bias_mean")["size"]).all()
    assert labs("imprecise")["precision_ratio"].to_list() == [3.0, 3.0, 3.0]
    uneven = demo.truth_items.join(labs("bias_items"), on="lab", how="semi")
    assert set(uneven["bias"].abs()) <= {0.0, 2.0}
    assert abs(uneven["bias"].mean()) < 0.25  # type: ignore[arg-type]
    numeric = demo.items.filter(pl.col("scale").is_in(["ratio", "interval"]))["item"].to_list()
    retests = demo.results.filter(pl.col("role") == "retest", pl.col("item").is_in(numeric))
    paired = retests.join(originals, on=["sample", "item"], suffix="_first").with_columns(
        same=pl.col("raw") == pl.col("raw_first")
    )
    same = dict(paired.group_by("lab").agg(pl.col("same").mean()).iter_rows())
    echoes = set(labs("echo")["lab"])
    assert all(same[lab] > 0.98 for lab in echoes)  # but for full-width digits
    assert np.median([share for lab, share in same.items() if lab not in echoes]) < 0.1
    fabricated = originals.join(labs("fabricator"), on="lab", how="semi").filter(pl.col("item").is_in(numeric))
    assert (fabricated["reported_verdict"] == "nonconforming").sum() == 0
    gap = paired.join(demo.items, on="item").filter(pl.col("scale") == "ratio", pl.col("reproducibility_slope") > 0.1)
    far = (pl.col("value").log() - pl.col("value_first").log()).abs() > 0.5  # half and double, with an R near a fifth
    shares = gap.group_by(fault=pl.col("lab_first").is_in(labs("fabricator")["lab"].to_list())).agg(far.mean())
    share = dict(shares.iter_rows())
    assert share[True] > 0.1 > 5 * share[False]
    own = originals.filter(pl.col("sampler") == pl.col("lab"))["lab"]
    assert set(own) == set(labs("self_sampler")["lab"])


def test_copiers_repeat_whole_vectors(demo: Simulated) -> None:
    numeric = demo.items.filter(pl.col("scale") == "ratio")["item"].to_list()
    vectors = (
        demo.results.filter(pl.col("role") == "original", pl.col("item").is_in(numeric), pl.col("qualifier") == "quantified")
        .sort("sample", "item")
        .group_by("lab", "product", "sample", maintain_order=True)
        .agg(pl.col("value"), pl.len())
        .filter(pl.col("len") >= 4)
        .with_columns(
            twice=pl.struct(
                "lab", "product", pl.col("value").list.eval(pl.element().cast(pl.String)).list.join("|")
            ).is_duplicated()
        )
    )
    twice = set(vectors.filter("twice")["lab"])
    assert twice == set(demo.truth_labs.filter(pl.col("planted_as") == "copier")["lab"])


def test_every_way_of_writing_occurs(demo: Simulated) -> None:
    raw = demo.results["raw"]
    assert {"未检出", "ND", "4-5", "合格", "不合格", "/"} <= set(raw)
    assert raw.str.contains(r"^<0\.").any()
    assert raw.str.contains(r"^[０-９．]+$").any()
    assert demo.items["scale"].n_unique() == 5
    assert demo.items.filter(pl.col("reproducibility_constant").is_null(), pl.col("rule_tolerance").is_null()).height > 10
    assert demo.items.filter(pl.col("rule_tolerance").is_not_null()).height > 5


def _partners(made: Simulated, since: int) -> pl.DataFrame:
    """Samples that a laboratory shares with others, and those others; objection retests left out."""
    used = made.results.filter(
        pl.col("period") >= since, pl.col("lab").is_not_null(), pl.col("trigger").ne_missing("objection")
    )
    tests = used.select("sample", "lab").unique()
    shared = tests.join(tests, on="sample", suffix="_other").filter(pl.col("lab") != pl.col("lab_other"))
    return shared.group_by("lab").agg(samples=pl.col("sample").n_unique(), partners=pl.col("lab_other").n_unique())


def test_most_laboratories_have_evidence_and_some_too_little(demo: Simulated) -> None:
    enough = (pl.col("samples") >= 12) & (pl.col("partners") >= 3)
    per_lab = _partners(demo, 2016).with_columns(enough=enough)
    assert 0.85 < per_lab["enough"].mean() < 0.98  # type: ignore[operator]
    planted = demo.truth_labs.filter(pl.col("kind") == "planted")
    assert per_lab.join(planted, on="lab", how="semi")["enough"].all()


@pytest.mark.parametrize("seed", [1, 20])
def test_calibration_gives_every_laboratory_twelve_samples(seed: int) -> None:
    per_lab = _partners(simulate(CALIBRATION, seed=seed), 2018)
    assert per_lab.height == CALIBRATION.labs.n
    assert per_lab["samples"].min() >= 12  # type: ignore[operator]


def test_regional_networks_stay_in_the_region() -> None:
    network = replace(DEMO.network, style="regional", bridge=0.2)
    made = simulate(small(network=network, retests=replace(DEMO.retests, planned=0.8)), seed=4)
    region = made.labs.select("lab", "region")
    first = made.results.filter(pl.col("role") == "original").select("sample", "lab").unique()
    retest = made.results.filter(pl.col("trigger") == "planned").select("sample", "lab").unique()
    pairs = first.join(retest, on="sample").join(region, on="lab").join(region, left_on="lab_right", right_on="lab")
    assert (pairs["lab"] != pairs["lab_right"]).all()
    # a bridge may by chance end in the region itself, and a region may lack a second laboratory for the family
    assert 0.55 < (pairs["region"] == pairs["region_right"]).mean() < 0.9  # type: ignore[operator]


def test_hubs_take_their_share() -> None:
    network = replace(DEMO.network, style="hubs", hubs=2, hub_share=0.8)
    made = simulate(small(network=network), seed=4)
    family = pl.col("product").str.head(5)
    retests = made.results.filter(pl.col("trigger") == "planned").select("sample", "lab", family).unique()
    per_family = retests.group_by("product", "lab").len().sort("len", descending=True).group_by("product").head(2)
    assert 0.7 < per_family["len"].sum() / retests.height < 0.95


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('style = "random"|style = "ring"', "unknown style"),
        ("lab_mean = 0.49|lab_mean = 0.95", "variances"),
        ("n = 200|n = 200\nn_towns = 3", "n_towns"),
        ("planned = 0.5\n|", "planned"),
    ],
)
def test_a_card_that_cannot_be_carried_out_is_refused(tmp_path, change: str, words: str) -> None:  # type: ignore[no-untyped-def]
    before, after = change.split("|")
    text = (cards.CARDS / "calibration.toml").read_text("utf-8")
    assert before in text
    path = tmp_path / "card.toml"
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(UsageError, match=words):
        cards.load(path)
    with pytest.raises(UsageError, match=r"calibration.*demo"):
        cards.load("no-such-card")
