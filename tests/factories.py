"""Synthetic facts and run tables built to the contract, for tests of whatever reads a run.

Nothing here is an evaluation: estimates are the drawn truth plus noise of the stated standard error, so every status and
kind of row occurs. `run_tables()` is a dated national run, `run_tables(assessed=False, dated=False)` one undated round
without limits or classes, in which nothing can be assessed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from labqa.analysis.summary import summary
from labqa.core import tables as t
from labqa.core.provenance import Manifest, digest
from labqa.core.wording.catalogue import Message

PROGRAMME = "national"
YEARS = (2014, 2015, 2016, 2017, 2018)

_ITEMS = [  # item, zh, en, scale, unit, level, σR, lower, upper, family
    ("T-HCHO", "甲醛含量", "Formaldehyde content", "ratio", "mg/kg", 40.0, 4.0, None, 75.0, "01.01"),
    ("T-PH", "pH值", "pH value", "interval", "1", 6.6, 0.2, 4.0, 8.5, "01.01"),
    ("T-CFW", "耐水色牢度", "Colour fastness to water", "ordinal", "grade", 3.8, 0.35, 3.0, None, "01.01"),
    ("J-PB", "可迁移铅", "Migration of lead", "ratio", "mg/kg", 60.0, 6.0, None, 90.0, "01.03"),
    ("J-CD", "可迁移镉", "Migration of cadmium", "ratio", "mg/kg", 45.0, 5.0, None, 75.0, "01.03"),
    ("J-DEHP", "邻苯二甲酸二(2-乙基己)酯", "Bis(2-ethylhexyl) phthalate", "ratio", "%", 0.07, 0.012, None, 0.1, "01.03"),
    ("E-TEMP", "温升", "Temperature rise", "interval", "K", 48.0, 2.5, None, 55.0, "02.01"),
    ("E-POW", "输入功率", "Power input", "ratio", "W", 1480.0, 22.0, None, None, "02.01"),
    ("F-VOC", "总挥发性有机物", "Total volatile organic compounds", "ratio", "mg/m3", 0.42, 0.06, None, 0.6, "03.02"),
    ("F-HCHO", "甲醛释放量", "Formaldehyde emission", "ratio", "mg/L", 0.9, 0.11, None, 1.5, "03.02"),
]
_PRODUCTS = [
    ("01.01.01.01", "婴幼儿服装", "Infant garments"),
    ("01.01.02.01", "针织内衣", "Knitted underwear"),
    ("01.03.01.02", "塑胶玩具", "Plastic toys"),
    ("01.03.02.01", "毛绒玩具", "Plush toys"),
    ("02.01.01.03", "电热水壶", "Electric kettles"),
    ("02.01.03.01", "室内加热器", "Room heaters"),
    ("03.02.01.01", "人造板", "Wood-based panels"),
    ("03.02.02.04", "木家具", "Wooden furniture"),
]
_REGIONS = [
    ("广东", "Guangdong"),
    ("浙江", "Zhejiang"),
    ("山东", "Shandong"),
    ("江苏", "Jiangsu"),
    ("四川", "Sichuan"),
    ("辽宁", "Liaoning"),
]
_KINDS = [
    ("质量检验院", "Quality Inspection Institute"),
    ("纤维检验局", "Fibre Inspection Bureau"),
    ("产品检测中心", "Product Testing Centre"),
]


@dataclass(frozen=True)
class Truth:
    """What was drawn: mean bias, item biases (σR) and within-lab SD ratio of each lab, the evidence it has."""

    labs: list[str]
    bias: np.ndarray
    item_bias: np.ndarray
    precision: np.ndarray
    samples: np.ndarray


def _truth(n_labs: int, seed: int) -> Truth:
    draw = np.random.default_rng(seed)
    bias = draw.normal(0, 0.45, n_labs)
    bias[: min(3, n_labs)] = [1.9, -1.6, 1.35][: min(3, n_labs)]
    precision = np.exp(draw.normal(0, 0.2, n_labs))
    precision[min(4, n_labs - 1)] = 3.0  # often outlying in comparison rounds, hence a veto
    return Truth(
        labs=[f"L{number:04d}" for number in range(1, n_labs + 1)],
        bias=bias,
        item_bias=bias[:, None] + draw.normal(0, 0.4, (n_labs, len(_ITEMS))),
        precision=precision,
        samples=np.maximum(draw.poisson(30, n_labs) - (draw.random(n_labs) < 0.25) * 26, 2),
    )


def registers(
    n_labs: int = 40, seed: int = 1, *, named: bool = True, limits: bool = True, classes: bool = True
) -> dict[str, pl.DataFrame]:
    """Labs, items, products and classes in force, as registered; `named=False` leaves every name null."""
    truth, draw = _truth(n_labs, seed), np.random.default_rng(seed + 1)
    places = [_REGIONS[k % len(_REGIONS)] for k in range(n_labs)]
    kinds = [_KINDS[(k // len(_REGIONS)) % len(_KINDS)] for k in range(n_labs)]
    labs = pl.DataFrame(
        {
            "lab": truth.labs,
            "name_zh": [
                f"{place[0]}第{k % 7 + 1}{kind[0]}" if named else None
                for k, (place, kind) in enumerate(zip(places, kinds, strict=True))
            ],
            "name_en": [
                f"{place[1]} {kind[1]} No. {k % 7 + 1}" if named else None
                for k, (place, kind) in enumerate(zip(places, kinds, strict=True))
            ],
            "region": [place[0] for place in places],
        }
    )
    items = pl.DataFrame(
        {
            "item": [row[0] for row in _ITEMS],
            "name_zh": [row[1] if named else None for row in _ITEMS],
            "name_en": [row[2] if named else None for row in _ITEMS],
            "scale": [row[3] for row in _ITEMS],
            "unit": [row[4] for row in _ITEMS],
            "grades": ["1|1-2|2|2-3|3|3-4|4|4-5|5" if row[3] == "ordinal" else None for row in _ITEMS],
            "lower_limit": [row[7] if limits else None for row in _ITEMS],
            "lower_inclusive": [True if limits and row[7] is not None else None for row in _ITEMS],
            "upper_limit": [row[8] if limits else None for row in _ITEMS],
            "upper_inclusive": [True if limits and row[8] is not None else None for row in _ITEMS],
            "compare_method": ["full"] * len(_ITEMS),
            "reproducibility_constant": [2.8 * row[6] for row in _ITEMS],
            "reproducibility_slope": [0.0] * len(_ITEMS),
            "method": [f"GB/T {2912 + k}" for k in range(len(_ITEMS))],
        }
    )
    products = pl.DataFrame(
        {
            "product": [row[0] for row in _PRODUCTS],
            "family": [row[0][:5] for row in _PRODUCTS],
            "name_zh": [row[1] if named else None for row in _PRODUCTS],
            "name_en": [row[2] if named else None for row in _PRODUCTS],
        }
    )
    known = truth.labs[: n_labs - n_labs // 12] if classes else []
    in_force = pl.DataFrame(
        {
            "lab": known,
            "valid_from": [dt.date(2018, 1, 1)] * len(known),
            "lab_class": draw.choice(["Ⅰ", "Ⅱ", "Ⅲ"], len(known), p=[0.2, 0.57, 0.23]).tolist(),
            "points": [None] * len(known),
            "decision": ["公告 2018年第3号"] * len(known),
        },
        schema_overrides={
            "lab": pl.String,
            "points": pl.Float64,
            "lab_class": pl.String,
            "valid_from": pl.Date,
            "decision": pl.String,
        },
    )
    return {
        "labs": t.shaped(labs, t.Labs),
        "items": t.shaped(items, t.Items),
        "products": t.shaped(products, t.Products),
        "class_in_force": t.shaped(in_force, t.ClassInForce),
    }


def results(n_labs: int = 40, seed: int = 1, *, dated: bool = True) -> pl.DataFrame:
    """Accepted results: spot checks, half of them retested, and two comparison rounds a year; or one undated round."""
    truth, draw = _truth(n_labs, seed), np.random.default_rng(seed + 2)
    rows: list[dict[str, object]] = []
    if dated:
        for year in YEARS:
            for number in range(4 * n_labs + 30 * (year - YEARS[0])):
                _spot_check(rows, truth, draw, year, number)
    _comparisons(rows, truth, draw, dated=dated)
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        programme=pl.lit(PROGRAMME),
        revision=pl.lit(0),
        replicate=pl.lit(1),
        decimals=pl.lit(3),
        file=pl.lit("0" * 64),
        row=pl.int_range(2, pl.len() + 2),
    )
    ids = [
        digest(PROGRAMME, row["round"] or "", row["sample"], row["item"], row["lab"] or "", row["role"], "1", "0")
        for row in frame.iter_rows(named=True)
    ]
    return t.shaped(frame.with_columns(result=pl.Series(ids)), t.Results).sort("programme", "result")


def _measured(truth: Truth, draw: np.random.Generator, lab: int, item: int, level: float) -> float:
    sigma = _ITEMS[item][6]
    value = level + sigma * (truth.item_bias[lab, item] * 0.8 + draw.standard_t(5) * 0.55 * truth.precision[lab])
    return round(value * 2) / 2 if _ITEMS[item][3] == "ordinal" else float(f"{value:.4g}")


def _verdict(item: int, value: float) -> str:
    low, high = _ITEMS[item][7], _ITEMS[item][8]
    if low is None and high is None:
        return "not_assessed"
    return "conforming" if (low is None or value >= low) and (high is None or value <= high) else "nonconforming"


def _row(truth: Truth, item: int, lab: int, value: float, day: dt.date | None, **given: object) -> dict[str, object]:
    return {
        "item": _ITEMS[item][0],
        "lab": truth.labs[lab],
        "qualifier": "quantified",
        "value": value,
        "lower": value,
        "upper": value,
        "raw": str(value),
        "u": _ITEMS[item][6] * 0.6,
        "tested_on": day,
        "run": f"{truth.labs[lab]}-{day}",
        "reported_verdict": _verdict(item, value),
        "method": f"GB/T {2912 + item}",
        **given,
    }


def _spot_check(rows: list[dict[str, object]], truth: Truth, draw: np.random.Generator, year: int, number: int) -> None:
    product = int(draw.integers(len(_PRODUCTS)))
    family = _PRODUCTS[product][0][:5]
    chosen = [k for k, row in enumerate(_ITEMS) if row[9] == family]
    first, second = draw.choice(len(truth.labs), 2, replace=False, p=truth.samples / truth.samples.sum())
    drawn = dt.date(year, 1, 10) + dt.timedelta(days=int(draw.integers(300)))
    values = {k: _ITEMS[k][5] + _ITEMS[k][6] * draw.normal(0, 2.5) for k in chosen}
    common: dict[str, object] = {
        "round": f"{year}-{family}",
        "period": year,
        "sample": f"S{year % 100}-{number:05d}",
        "product": _PRODUCTS[product][0],
        "drawn_on": drawn,
        "trigger": None,
        "retest_blind": None,
    }
    for k in chosen:
        value = _measured(truth, draw, first, k, values[k])
        rows.append(_row(truth, k, first, value, drawn + dt.timedelta(days=9), **common, role="original"))
    if draw.random() < 0.5:
        trigger = str(draw.choice(["planned", "objection", "expert"], p=[0.8, 0.15, 0.05]))
        given = {**common, "trigger": trigger, "retest_blind": trigger == "planned"}
        for k in chosen:
            value = _measured(truth, draw, second, k, values[k]) * (10 if draw.random() < 0.002 else 1)
            rows.append(_row(truth, k, second, value, drawn + dt.timedelta(days=40), **given, role="retest"))


def _comparisons(rows: list[dict[str, object]], truth: Truth, draw: np.random.Generator, *, dated: bool) -> None:
    for year in YEARS if dated else (None,):
        for number in (1, 2):
            for k in (0, 3, 6, 9):
                level = _ITEMS[k][5] * (1 + 0.1 * number)
                for lab in range(len(truth.labs)):
                    if draw.random() < 0.7:
                        product = next(row[0] for row in _PRODUCTS if row[0][:5] == _ITEMS[k][9])
                        rows.append(
                            _row(
                                truth,
                                k,
                                lab,
                                _measured(truth, draw, lab, k, level),
                                dt.date(year, 3 * number, 1) if year else None,
                                round=f"{year}-PT{number}" if year else None,
                                period=year,
                                sample=f"PT{year or ''}-{number}-{k}",
                                product=product,
                                drawn_on=None,
                                role="pt",
                                trigger=None,
                                retest_blind=None,
                            )
                        )


def run_tables(n_labs: int = 40, seed: int = 1, *, assessed: bool = True, dated: bool = True) -> dict[str, pl.DataFrame]:
    """Every table of a run of the period 2018 (or `all`, undated), each in the order of its key and to its contract."""
    found = results(n_labs, seed, dated=dated)
    truth = _truth(n_labs, seed)
    limits = {row[0]: (row[7], row[8]) for row in _ITEMS} if assessed else {}
    run: dict[str, pl.DataFrame] = {}
    run["samples"] = _samples(found)
    run["blocks"] = _blocks(found, assessed=assessed)
    run["pairs"] = _pairs(found)
    run["yardsticks"] = _yardsticks(run["blocks"])
    run["yardsticks_without"] = t.empty(t.YardsticksWithout)
    run["discrepancies"] = _discrepancies(run["pairs"], limits)
    run["pt_scores"] = _pt_scores(found)
    run["lab_bias"] = _lab_bias(truth, seed, assessed=assessed)
    run["lab_influence"] = _lab_influence(run["lab_bias"], run["blocks"], run["pairs"])
    run["lab_selection"] = _lab_selection(run["lab_bias"], assessed=assessed)
    run |= _of_kinds(run["lab_bias"], run["blocks"])
    run["lab_precision"] = _lab_precision(truth, run["lab_bias"], assessed=assessed)
    run["lab_contrasts"] = _lab_contrasts(truth, run["pairs"], seed, assessed=assessed)
    run["lab_slopes"] = _lab_slopes(run["lab_bias"], seed)
    run["method_bias"] = _method_bias(assessed=assessed)
    run["flags"] = _flags(truth, run["pairs"])
    run["indicators"] = t.empty(t.Indicators)
    in_force = registers(n_labs, seed, classes=assessed)["class_in_force"]
    run["ratings"], run["reasons"] = _ratings(truth, run["lab_bias"], in_force, run["pt_scores"], run["pairs"])
    years = [2018] if dated else [None]
    run["summary"] = summary(
        run, found, label="2018" if dated else "all", years=years, lookback=list(YEARS) if dated else [None]
    )
    return {name: t.shaped(run[name], schema).sort(schema.primary_key()) for name, schema in t.RUN_TABLES.items()}


def _method_bias(*, assessed: bool) -> pl.DataFrame:
    """Two methods of one item that differ, and one of another that cannot be told from its laboratories."""
    counts = {"n_labs": 8, "n_labs_others": 5, "n_samples": 40}
    told = {"estimate": 0.9, "se": 0.2, "df": 11.0, "lower": 0.46, "upper": 1.34, "p_value": 0.001, "q_value": 0.002}
    mirrored = told | {"estimate": -0.9, "lower": -1.34, "upper": -0.46}
    rows = [
        {"item": "J-PB", "method": "ICP-MS", "status": "assessed", **told, **counts},
        {"item": "J-PB", "method": "AAS", "status": "assessed", **mirrored, **counts},
        {"item": "J-CD", "method": "AAS", "status": "not_assessed", "reason": "methods.confounded", **counts},
    ]
    return t.shaped(pl.DataFrame(rows if assessed else rows[2:], infer_schema_length=None), t.MethodBias)


def _of_kinds(bias: pl.DataFrame, blocks: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Grades, results at a limit and yes/no items from the biases of items, and where each block was used."""
    by_item = bias.filter(pl.col("scope") == "item").rename({"scope_id": "item"})
    graded = t.shaped(by_item.filter(pl.col("item") == "T-CFW"), t.LabGrades)
    censored = by_item.filter(pl.col("item") == "T-HCHO").with_columns(
        n_at_limit=pl.col("n_blocks") // 3, n_censored=pl.col("n_blocks") // 5, fit_estimate="estimate"
    )
    one = pl.lit(1.0)
    agreement = by_item.unique("lab").select("lab", "n_samples", "n_partners", "n_blocks", "status", "reason")
    agreement = agreement.with_columns(
        item=pl.lit(""), agreement=one, lower=one * 0.8, upper=one, expected=one * 0.97, n_discordant=0, passed=0
    )
    used = pl.when("used_for_bias").then(pl.lit("fit")).otherwise(pl.lit("none"))
    kind = pl.when(pl.col("kind").is_in(["single", "duplicate"])).then("kind").otherwise(pl.lit("quantified"))
    keyed = blocks.with_columns(kind=kind, used_by=used, reason=pl.col("why_not").fill_null(""))
    use = keyed.group_by("item", "kind", "used_by", "reason").agg(n_blocks=pl.len(), n_results=pl.col("n_results").sum())
    return {
        "lab_grades": graded,
        "lab_censored": t.shaped(censored, t.LabCensored),
        "lab_agreement": t.shaped(agreement, t.LabAgreement),
        "evidence_use": t.shaped(use.with_columns(scale=pl.lit("ratio"), n_also_interval=0), t.EvidenceUse),
    }


def manifest(*, dated: bool = True) -> Manifest:
    """The manifest of such a run."""
    return Manifest(
        programme=PROGRAMME,
        period="2018" if dated else "all",
        data_version=12,
        edition="cn-2012-26",
        edition_hash="5f" * 32,
        partitions=tuple(f"{year}" for year in YEARS) if dated else ("undated",),
        settings={"z_limit": 3.0, "tolerated_bias": 0.5},
        seed=1,
        code="0123456789abcdef",
    )


def _samples(found: pl.DataFrame) -> pl.DataFrame:
    return found.group_by("sample", maintain_order=True).agg(
        pl.col("period", "round", "product", "drawn_on").first(),
        family=pl.col("product").first().str.slice(0, 5),
        is_pt=(pl.col("role") == "pt").any(),
        n_results=pl.len(),
        n_labs=pl.col("lab").n_unique(),
    )


def _block_id(sample: str, item: str) -> str:
    return digest(PROGRAMME, sample, item)


def _blocks(found: pl.DataFrame, *, assessed: bool) -> pl.DataFrame:
    by = found.sort("sample", "item", "result").group_by("sample", "item", maintain_order=True)
    frame = by.agg(
        pl.col("period").first(),
        family=pl.col("product").first().str.slice(0, 5),
        n_labs=pl.col("lab").n_unique(),
        n_results=pl.len(),
        n_quantified=pl.len(),
        level=pl.col("value").median(),
    )
    several = pl.col("n_labs") > 1
    return frame.with_columns(
        block=pl.struct("sample", "item").map_elements(
            lambda key: _block_id(key["sample"], key["item"]), return_dtype=pl.String
        ),
        kind=pl.when(pl.col("n_labs") == 1)
        .then(pl.lit("single"))
        .when(pl.col("n_labs") == 2)
        .then(pl.lit("pair"))
        .otherwise(pl.lit("multiple")),
        anchored=pl.lit(False),
        used_for_bias=several & pl.lit(assessed),
        why_not=pl.when(~several | pl.lit(not assessed)).then(pl.lit("figures.status_not_assessed")),
    )


def _pairs(found: pl.DataFrame) -> pl.DataFrame:
    left = found.filter(pl.col("role") == "original").select(
        "sample",
        "item",
        "period",
        "product",
        original_result="result",
        original_lab="lab",
        original_value="value",
        original_qualifier="qualifier",
        first_day="tested_on",
    )
    right = found.filter(pl.col("role") == "retest").select(
        "sample",
        "item",
        "role",
        "trigger",
        retest_result="result",
        retest_lab="lab",
        retest_value="value",
        retest_qualifier="qualifier",
        second_day="tested_on",
    )
    frame = left.join(right, on=["sample", "item"], how="inner", maintain_order="left")
    ids = [
        (digest(a, b), _block_id(s, i))
        for a, b, s, i in frame.select("original_result", "retest_result", "sample", "item").iter_rows()
    ]
    return frame.with_columns(
        pair=pl.Series([pair for pair, _ in ids], dtype=pl.String),
        block=pl.Series([block for _, block in ids], dtype=pl.String),
        family=pl.col("product").str.slice(0, 5),
        kind=pl.lit("between"),
        order=pl.lit(1),
        days_between=(pl.col("second_day") - pl.col("first_day")).dt.total_days(),
    )


def _yardsticks(blocks: pl.DataFrame) -> pl.DataFrame:
    n = dict(blocks.filter(pl.col("n_labs") > 1).group_by("item").len().iter_rows())
    return pl.DataFrame(
        {
            "item": [row[0] for row in _ITEMS],
            "source": ["method"] * 6 + ["product_rule", "network", "network", "horwitz"],
            "sigma_r_constant": [row[6] * 0.5 for row in _ITEMS],
            "sigma_r_slope": [0.0] * len(_ITEMS),
            "sigma_R_constant": [row[6] for row in _ITEMS],
            "sigma_R_slope": [0.0] * len(_ITEMS),
            "u_relative": [0.05] * len(_ITEMS),
            "dispersion": [1.1] * len(_ITEMS),
            "n_blocks": [n.get(row[0], 0) for row in _ITEMS],
            "informs_class": [True] * 9 + [False],
        }
    )


def _judged(value: pl.Expr, limits: dict[str, tuple[float | None, float | None]]) -> pl.Expr:
    low = pl.col("item").replace_strict({k: pair[0] for k, pair in limits.items()}, default=None, return_dtype=pl.Float64)
    high = pl.col("item").replace_strict({k: pair[1] for k, pair in limits.items()}, default=None, return_dtype=pl.Float64)
    inside = (low.is_null() | (value >= low)) & (high.is_null() | (value <= high))
    none = low.is_null() & high.is_null()
    return pl.when(none).then(pl.lit("not_assessed")).when(inside).then(pl.lit("conforming")).otherwise(pl.lit("nonconforming"))


def _discrepancies(pairs: pl.DataFrame, limits: dict[str, tuple[float | None, float | None]]) -> pl.DataFrame:
    delta = pl.col("retest_value") - pl.col("original_value")
    mean = (pl.col("retest_value") + pl.col("original_value")) / 2
    sigma = pl.col("item").replace_strict({row[0]: row[6] for row in _ITEMS}, return_dtype=pl.Float64)
    frame = pairs.with_columns(
        delta=delta,
        level=mean,
        delta_relative=delta / mean,
        sigma_R=sigma,
        d=delta / (2**0.5 * sigma),
        r_ratio=delta.abs() / (2.8 * sigma),
        zeta=delta / (2**0.5 * 0.6 * sigma),
        en=delta / (2 * 2**0.5 * 0.6 * sigma),
        original_verdict=_judged(pl.col("original_value"), limits),
        retest_verdict=_judged(pl.col("retest_value"), limits),
    )
    ratio = pl.col("r_ratio")
    known = pl.col("original_verdict") != "not_assessed"
    return frame.with_columns(
        original_verdict_full=pl.col("original_verdict"),
        retest_verdict_full=pl.col("retest_verdict"),
        flipped=pl.when(known).then(pl.col("original_verdict") != pl.col("retest_verdict")),
        flip_probability=pl.when(known).then(pl.lit(0.08)),
        category=pl.when(ratio > 4).then(pl.lit("blunder_suspected")).when(ratio > 1).then(pl.lit("discrepant"))
        .when(ratio > 0.7).then(pl.lit("within_limits")).otherwise(pl.lit("agree")),
        sample_suspected=pl.lit(False),
    )  # fmt: skip


def _pt_scores(found: pl.DataFrame) -> pl.DataFrame:
    sigma = pl.col("item").replace_strict({row[0]: row[6] for row in _ITEMS}, return_dtype=pl.Float64)
    return found.filter(pl.col("role") == "pt").with_columns(
        x_pt=pl.col("value").median().over("sample", "item"),
        sigma_pt=sigma,
        z=(pl.col("value") - pl.col("value").median().over("sample", "item")) / sigma,
        anchored=pl.lit(False),
        n_others=pl.len().over("sample", "item") - 1,
    )


def _lab_selection(bias: pl.DataFrame, *, assessed: bool) -> pl.DataFrame:
    """The default as in LAB_BIAS, the naive option off it, the conditional one with a range or not offered; the network."""
    whole = bias.filter(pl.col("scope") == "lab").with_columns(n_pairs="n_blocks", option=pl.lit("default"))
    moved = [pl.col(name) + 0.3 for name in ("estimate", "lower", "upper")]
    naive = whole.with_columns(moved, option=pl.lit("naive_with_objection"))
    given = whole.with_columns(
        option=pl.lit("conditional"), sensitivity_low=pl.col("estimate") - 0.2, sensitivity_high=pl.col("estimate") + 0.1
    )
    none = whole.select("lab").with_columns(
        option=pl.lit("weighted"),
        status=pl.lit("not_offered"),
        reason=pl.lit("selection.no_probability"),
        n_samples=0,
        n_pairs=0,
    )
    options = {"default": 0.01, "naive_with_objection": 0.71, "expected": 0.64, "conditional": 0.07, "blind_only": 0.02}
    network = [
        {"lab": "", "option": option, "estimate": mean, "se": 0.05, "df": 60.0, "lower": mean - 0.1, "upper": mean + 0.1}
        | {"n_samples": 61, "n_pairs": 75, "status": "assessed"}
        | ({"sensitivity_low": mean - 0.1, "sensitivity_high": mean + 0.3} if option in ("expected", "conditional") else {})
        for option, mean in options.items()
    ]
    parts = [whole, naive, given, none, *([pl.DataFrame(network)] if assessed else [])]
    return pl.concat([t.shaped(part, t.LabSelection) for part in parts])


def _lab_bias(truth: Truth, seed: int, *, assessed: bool) -> pl.DataFrame:
    draw = np.random.default_rng(seed + 3)
    families = sorted({row[9] for row in _ITEMS})
    rows: list[dict[str, object]] = []
    for k, lab in enumerate(truth.labs):
        n = int(truth.samples[k])
        enough = assessed and n >= 12
        status = "assessed" if enough and k % 11 != 5 else "undetermined" if enough else "not_assessed"
        for scope, scope_id, real, width in [
            ("lab", "", truth.bias[k], 0.9),
            *(
                ("family", f, np.mean([truth.item_bias[k, i] for i, row in enumerate(_ITEMS) if row[9] == f]), 1.3)
                for f in families
            ),
            *(("item", row[0], truth.item_bias[k, i], 1.8) for i, row in enumerate(_ITEMS)),
        ]:
            if scope != "lab" and draw.random() < 0.25:
                continue
            se = float(width / np.sqrt(n))
            estimate = float(real + draw.normal(0, se)) if assessed and n >= 4 else None
            shown = estimate is not None
            rows.append(
                {
                    "lab": lab,
                    "scope": scope,
                    "scope_id": scope_id,
                    "estimate": estimate,
                    "se": se if shown else None,
                    "df": float(n - 1) if shown else None,
                    "lower": estimate - 2.05 * se if shown else None,
                    "upper": estimate + 2.05 * se if shown else None,
                    "shrunken": estimate * 0.8 if shown else None,
                    "oriented": estimate * 0.7 if shown and scope == "lab" else None,
                    "oriented_lower": estimate * 0.7 - 2 * se if shown and scope == "lab" else None,
                    "oriented_upper": estimate * 0.7 + 2 * se if shown and scope == "lab" else None,
                    "tau": 0.4 if shown and scope == "lab" else None,
                    "tau_lower": 0.1 if shown and scope == "lab" else None,
                    "tau_upper": 0.8 if shown and scope == "lab" else None,
                    "detectable": 0.5 + 3.9 * se if status == "assessed" else None,
                    "n_samples": n,
                    "n_partners": max(n // 2, 1),
                    "n_blocks": 3 * n,
                    "component": truth.labs[0] if assessed else None,
                    "component_labs": len(truth.labs) if assessed else 1,
                    "bridge_share": 0.05 if assessed else None,
                    "zero": "relative" if shown else None,
                    "status": status,
                    "reason": {"assessed": None, "undetermined": "figures.status_undetermined"}.get(
                        status, "figures.status_not_assessed"
                    ),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _lab_influence(bias: pl.DataFrame, blocks: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Invented contributions that sum to each stated bias, and changes of a tenth of it or so."""
    sides = [pairs.select("block", "sample", "item", lab=one, other=two) for one, two in (_SIDES, _SIDES[::-1])]
    met = pl.concat(sides).unique().sort("lab", "block", "other")
    rows: list[dict[str, object]] = []
    for one in bias.drop_nulls("estimate").iter_rows(named=True):
        mine = met.filter(pl.col("lab") == one["lab"])
        if one["scope"] == "item":
            mine = mine.filter(pl.col("item") == one["scope_id"])
        if one["scope"] == "family" or mine.is_empty():
            continue
        key = {name: one[name] for name in ("lab", "scope", "scope_id")} | {"status": "assessed", "reason": None}
        estimate, left = float(one["estimate"]), float(one["estimate"])
        for kind, column in (("row", "block"), ("sample", "sample"), ("partner", "other")):
            names = mine[column].unique(maintain_order=True)
            for k, what in enumerate(names.head(6)):
                shift = -estimate / (3 + k) + 0.02 * (-1) ** k
                lost = kind == "partner" and k == 0 and len(names) == 1
                row = {"kind": kind, "rank": k + 1, "what": what, "shift": None if lost else shift, "n_all": len(names)}
                row |= {"without": None if lost else estimate + shift, "contribution": -shift if kind == "row" else None}
                row |= {"status": "undetermined", "reason": "bias.without_it"} if lost else {}
                left += shift if kind == "row" else 0.0
                rows.append(key | row)
        rest = {"rest": 0.5 * left, "elsewhere": 0.4 * left, "zero": 0.1 * left}
        rows += [key | {"kind": kind, "rank": 1, "contribution": value, "n_all": 7} for kind, value in rest.items()]
    return pl.DataFrame(rows, schema=t.LabInfluence.create_empty().schema, infer_schema_length=None)


_SIDES = ("original_lab", "retest_lab")


def _lab_precision(truth: Truth, bias: pl.DataFrame, *, assessed: bool) -> pl.DataFrame:
    enough = dict(bias.filter(pl.col("scope") == "lab").select("lab", pl.col("n_samples") >= 20).iter_rows())
    shown = [assessed and enough[lab] for lab in truth.labs]
    ratio = [float(x) if ok else None for x, ok in zip(truth.precision, shown, strict=True)]
    return pl.DataFrame(
        {
            "lab": truth.labs,
            "ratio": ratio,
            "lower": [x * 0.75 if x else None for x in ratio],
            "upper": [x * 1.4 if x else None for x in ratio],
            "p_value": [0.5 if x else None for x in ratio],
            "df": [25.0 if x else None for x in ratio],
            "n_blocks": [60] * len(ratio),
            "status": ["assessed" if x else "not_separable" for x in ratio],
            "reason": [None if x else "figures.status_not_separable" for x in ratio],
        },
        schema_overrides={"ratio": pl.Float64, "reason": pl.String},
    )


def _lab_contrasts(truth: Truth, pairs: pl.DataFrame, seed: int, *, assessed: bool) -> pl.DataFrame:
    """Every two laboratories that met: some by a bridge, one in nine at odds with the rest; and each against the zero."""
    draw = np.random.default_rng(seed + 4)
    between = pairs.filter(pl.col("kind") == "between")
    two = pl.concat_list("original_lab", "retest_lab").list.sort()
    met = between.with_columns(lab=two.list.first(), other=two.list.last()).group_by("lab", "other")
    counted = met.agg(n_samples=pl.col("sample").n_unique(), n_blocks=pl.col("block").n_unique()).sort("lab", "other")
    bias = dict(zip(truth.labs, truth.bias, strict=True))
    rows: list[dict[str, object]] = []
    for k, row in enumerate(counted.iter_rows(named=True)):
        bridge, odd = not assessed or k % 13 == 4, k % 9 == 2
        se, other_se = 0.9 / np.sqrt(row["n_samples"]), 0.35
        indirect = float(bias[row["lab"]] - bias[row["other"]] + draw.normal(0, other_se))
        direct = indirect + (2.4 if odd else float(draw.normal(0, se)))
        weight = 1.0 if bridge else 1 / se**2 / (1 / se**2 + 1 / other_se**2)
        middle = weight * direct + (1 - weight) * indirect
        width = se if bridge else (1 / se**2 + 1 / other_se**2) ** -0.5
        tested = not bridge
        q = (0.004 if odd else 0.6) if tested else None
        rows.append(
            row
            | {
                "direct": direct, "direct_se": se, "direct_lower": direct - 2 * se, "direct_upper": direct + 2 * se,
                "indirect": indirect if tested else None,
                "indirect_se": other_se if tested else None,
                "indirect_lower": indirect - 2 * other_se if tested else None,
                "indirect_upper": indirect + 2 * other_se if tested else None,
                "network": middle, "network_se": width, "df": 40.0, "lower": middle - 2 * width, "upper": middle + 2 * width,
                "inconsistency": direct - indirect if tested else None,
                "inconsistency_se": float(np.hypot(se, other_se)) if tested else None,
                "p_value": q / 4 if q else None, "q_value": q, "agree": q > 0.05 if q else None,
                "resistance": width**2, "equivalent_pairs": 1 / width**2, "bridge": bridge,
                "pair_sd": 1.1, "pair_sd_lower": 0.8, "pair_sd_upper": 1.7,
                "status": "assessed" if tested else "undetermined",
                "reason": None if tested else "comparability.bridge",
            }
        )  # fmt: skip
    rows += [
        {
            "lab": lab, "other": "", "n_samples": int(truth.samples[k]), "n_blocks": 3 * int(truth.samples[k]),
            "resistance": 0.02, "equivalent_pairs": 50.0, "status": "undetermined", "reason": "comparability.zero_relative",
        }
        for k, lab in enumerate(truth.labs)
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(component=pl.lit(truth.labs[0]))


def _lab_slopes(bias: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Slopes of every laboratory and item, the first few large."""
    rows = bias.filter(pl.col("scope") != "family").select("lab", "scope", "scope_id", "n_samples", "n_partners", "status")
    draw = np.random.default_rng(seed)
    slope = draw.normal(0, 0.2, rows.height) + np.where(np.arange(rows.height) % 9 == 0, 1.0, 0.0)
    shown = pl.col("status") == "assessed"
    p = np.exp(-6.0 * np.abs(slope))
    numbers = {"slope": slope, "se": 0.2, "df": 9.0, "lower": slope - 0.45, "upper": slope + 0.45, "p_value": p, "q_value": p}
    levels = {
        "level_low": pl.when(pl.col("scope") == "item").then(10.0),
        "level_high": pl.when(pl.col("scope") == "item").then(90.0),
    }
    return rows.with_columns(
        **{k: pl.Series(v) if isinstance(v, np.ndarray) else pl.lit(v) for k, v in numbers.items()}, **levels
    ).with_columns(
        [pl.when(shown).then(pl.col(name)).alias(name) for name in (*numbers, *levels)]
        + [pl.when(~shown).then(pl.lit("figures.status_not_assessed")).alias("reason")]
    )


def _flags(truth: Truth, pairs: pl.DataFrame) -> pl.DataFrame:
    evidence = pairs["pair"].sort().head(2).to_list()
    seen = [
        ("sampler_is_tester", {"lab": truth.labs[0], "samples": 4}),
        ("outside_capability", {"lab": truth.labs[1], "samples": 2, "family": "01.01"}),
        ("sampler_is_tester", {"lab": truth.labs[2], "samples": 1}),
    ]
    return pl.DataFrame(
        {
            "flag": [digest("flag", str(k)) for k in range(len(seen))],
            "lab": truth.labs[:3],
            "sample": [None] * 3,
            "rule": [f"integrity.{rule}" for rule, _ in seen],
            "message": [Message(f"integrity.{rule}", values).to_json() for rule, values in seen],
            "evidence": [evidence] * 3,
        },
        schema_overrides={"sample": pl.String, "evidence": pl.List(pl.String)},
    )


def _ratings(
    truth: Truth, bias: pl.DataFrame, in_force: pl.DataFrame, pt: pl.DataFrame, pairs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    classes = ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"]
    now = dict(in_force.select("lab", "lab_class").iter_rows())
    whole = {row["lab"]: row for row in bias.filter(pl.col("scope") == "lab").iter_rows(named=True)}
    z = dict(pt.group_by("lab").agg(pl.col("z")).iter_rows())
    mine = dict(pairs.sort("pair").group_by("retest_lab").agg(pl.col("pair")).iter_rows())
    rated, why = [], []
    for lab in truth.labs:
        row, held = whole[lab], now.get(lab)
        outliers, n = sum(abs(x) > 3 for x in z.get(lab, [])), len(z.get(lab, []))
        ok = row["status"] == "assessed"
        biased = ok and abs(row["estimate"]) - 3.1 * row["se"] > 0.5
        veto = outliers >= 3 and held is not None
        lower = classes[min(classes.index(held) + 1, 3)] if held else None
        proposal = (
            "none" if not ok and not veto else "first_rating" if held is None else "downgrade" if biased or veto else "none"
        )
        proposed = None if proposal == "none" else "Ⅱ" if held is None else "Ⅳ" if veto and not biased else lower
        rated.append(
            {
                "lab": lab,
                "status": "assessed" if ok else "not_assessed",
                "class_in_force": held,
                "points_carried": 98.0,
                "points": 98.0 - 6.0 * biased if ok else None,
                "class_by_points": (lower if biased else held or "Ⅱ") if ok else None,
                "proposal": proposal,
                "class_proposed": proposed,
                "ground": "bias" if biased and held else "veto" if veto else None,
                "veto": veto,
                "veto_outliers": outliers,
                "veto_results": n,
                "veto_expected": 0.0027 * n,
                "veto_chance": min(1.0, (0.0027 * n) ** 3 / 6),
                "veto_chance_correlated": min(1.0, (0.0027 * n) ** 3 / 6 * 8),
                "veto_if_pairs_counted": veto or outliers >= 2,
            }
        )
        if biased:
            given = {name: row[name] for name in ("estimate", "lower", "upper")} | {
                "n": row["n_samples"],
                "bound": 0.5,
                "p": 1e-5,
            }
            told = Message("rating.bias_mean_relative", {**given, "alpha": 2e-4, "m": 400, "swing": 30.0})
            why.append((lab, 1, "bias", "bias", -6.0, told.to_json(), mine.get(lab, [])[:12]))
        if veto:
            given = {"results": n, "outliers": outliers, "years": 3, "limit": 3.0, "needed": 3, "expected": 0.0027 * n}
            told = Message("rating.veto_met", {**given, "chance": 0.006, "correlated": 0.05})
            cited = pt.filter((pl.col("lab") == lab) & (pl.col("z").abs() > 3))["result"].sort().to_list()
            why.append((lab, 2, "outlying_comparisons", "veto", None, told.to_json(), cited))
    reasons = pl.DataFrame(
        why, schema={"lab": pl.String, "position": pl.Int64, "line": pl.String, "ground": pl.String, "points": pl.Float64,
                     "message": pl.String, "evidence": pl.List(pl.String)}, orient="row")  # fmt: skip
    return pl.DataFrame(rated, infer_schema_length=None), reasons
