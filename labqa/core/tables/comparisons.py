"""Run: samples, blocks and pairs, by which yardstick they are compared, and how they differ."""

from __future__ import annotations

import dataframely as dy

from labqa.core import vocabulary as v
from labqa.core.tables.columns import about, count, day, number, share, text, word, yes


class Samples(dy.Schema):
    """Samples that a run read (样品): one row a programme and sample."""

    sample = text("Sample id", "样品编号", source="pairing", key=True)  # type: ignore[assignment]
    period = count("Year of the sample's round", "年度", source="pairing", null=True)
    round = text("Round", "批次", source="pairing", null=True)
    product = text("Product code", "产品代码", source="pairing", null=True)
    family = text("Product family", "产品类别", source="pairing", null=True)
    sampler = text("Who drew it", "抽样单位", source="pairing", null=True)
    drawn_on = day("Day drawn", "抽样日期", source="pairing")
    is_pt = yes("It belongs to a comparison round", "比对样品", source="pairing")
    n_results = count("Results of it", "结果数", source="pairing")
    n_labs = count("Named laboratories that tested it", "实验室数", source="pairing")


class Blocks(dy.Schema):
    """Blocks: every sample × item with results, and what it was used for (区组)."""

    block = text("Block id: hash of programme, sample and item", "区组编号", source="pairing", key=True)
    sample = text("Sample id", "样品编号", source="pairing")  # type: ignore[assignment]
    item = text("Item code", "项目代码", source="pairing")
    period = count("Year of the sample's round", "年度", source="pairing", null=True)
    family = text("Product family", "产品类别", source="pairing", null=True)
    kind = word(v.BlockKind, "Two labs, several, duplicates only, or a single result", "区组类型", source="pairing")
    n_labs = count("Named laboratories in it", "实验室数", source="pairing")
    n_results = count("Results in it", "结果数", source="pairing")
    n_quantified = count("Quantified results in it", "定量结果数", source="pairing")
    anchored = yes("It has an assigned value", "有指定值", source="pairing")
    level = number("Robust centre of its quantified results", "水平", "item", source="pairing")
    used_for_bias = yes("It enters the fit of lab biases", "用于偏倚估计", source="bias")
    why_not = text("Why it does not: key of a sentence", "未用原因", source="bias", null=True)


class Pairs(dy.Schema):
    """An original with one of its retests or referee tests (初检—复检对)."""

    pair = text("Pair id: hash of the two result ids", "对编号", source="pairing", key=True)
    block = text("Block id", "区组编号", source="pairing")
    sample = text("Sample id", "样品编号", source="pairing")  # type: ignore[assignment]
    item = text("Item code", "项目代码", source="pairing")
    period = count("Year of the sample's round", "年度", source="pairing", null=True)
    family = text("Product family", "产品类别", source="pairing", null=True)
    product = text("Product code", "产品代码", source="pairing", null=True)
    kind = word(v.PairKind, "Between two named labs, or a duplicate", "对类型", source="pairing")
    role = word(v.Role, "Role of the second result", "复检角色", source="pairing")
    trigger = word(v.Trigger, "How the retest came about", "复检来源", source="pairing", null=True)
    order = count("1 for the first retest of the sample and item, 2 for the next …", "复检次序", source="pairing")
    original_result = text("Result id of the original", "初检结果编号", source="pairing")
    retest_result = text("Result id of the retest", "复检结果编号", source="pairing")
    original_lab = text("Laboratory of the original", "初检实验室", source="pairing", null=True)
    retest_lab = text("Laboratory of the retest", "复检实验室", source="pairing", null=True)
    original_value = number("Original result", "初检值", "item", source="pairing")
    retest_value = number("Retest result", "复检值", "item", source="pairing")
    original_qualifier = word(v.Qualifier, "Qualifier of the original", "初检限定符", source="pairing")
    retest_qualifier = word(v.Qualifier, "Qualifier of the retest", "复检限定符", source="pairing")
    days_between = dy.Int64(
        nullable=True, description="Days from original to retest test", metadata=about("间隔天数", "d", "pairing")
    )


class Yardsticks(dy.Schema):
    """Yardstick of each item: σr and σR as functions of the level, with their source (比较尺度)."""

    item = text("Item code", "项目代码", source="yardsticks", key=True)
    source = word(v.YardstickSource, "Where it comes from", "来源", source="yardsticks")
    sigma_r_constant = number("σr = constant + slope × level", "σr常数", "item", source="yardsticks", low=0)
    sigma_r_slope = number("Slope of σr on the level", "σr斜率", "1", source="yardsticks", low=0)
    sigma_R_constant = number("σR = constant + slope × level", "σR常数", "item", source="yardsticks", low=0)
    sigma_R_slope = number("Slope of σR on the level", "σR斜率", "1", source="yardsticks", low=0)
    u_relative = number("Relative standard uncertainty of σR", "σR相对不确定度", "1", source="yardsticks", low=0)
    dispersion = number(
        "Robust dispersion factor φ of the item's scaled differences", "离散因子", "1", source="yardsticks", low=0
    )
    n_blocks = count("Blocks on which a network estimate or φ rests", "区组数", source="yardsticks")
    informs_class = yes(
        "It may inform a class; Horwitz with fewer than 30 pairs, or an estimate from fewer than 5 laboratories, may not",
        "可用于分类",
        source="yardsticks",
    )


class YardsticksWithout(dy.Schema):
    """σR of the network as it is without one laboratory's own results, by which that laboratory is judged (剔除自身的尺度)."""

    item = text("Item code", "项目代码", source="yardsticks", key=True)
    lab = text("Laboratory left out", "剔除的实验室", source="yardsticks", key=True)
    ratio = number("σR without it over σR with it", "剔除后σR之比", "1", source="yardsticks", low=0)
    share = share("Its share of the item's contrasts", "其对比占比", source="yardsticks")


class Discrepancies(dy.Schema):
    """How the two results of a pair differ (差异). Δ = retest − original."""

    pair = text("Pair id", "对编号", source="discrepancy", key=True)
    delta = number("Δ = retest − original", "差值", "item", source="discrepancy")
    delta_relative = number("Δ over the mean of the two", "相对差", "1", source="discrepancy")
    level = number("Mean of the two", "水平", "item", source="discrepancy")
    sigma_R = number("σR at the level", "再现性标准差", "item", source="yardsticks", low=0)
    d = number("D = Δ / (√2 σR)", "D值", "1", source="ISO 5725-6")
    r_ratio = number("|Δ| / R, R = 2.8 σR", "差值/再现性限", "1", source="ISO 5725-6", low=0)
    zeta = number("ζ = Δ / √(u₁² + u₂²), stated uncertainties, second opinion", "ζ值", "1", source="ISO 13528")
    en = number("En = Δ / √(U₁² + U₂²), k = 2, second opinion", "En值", "1", source="ISO 13528")
    original_verdict = word(v.Verdict, "Verdict of the original, by the item's compare method", "初检判定", source="GB/T 8170")
    retest_verdict = word(v.Verdict, "Verdict of the retest, by the item's compare method", "复检判定", source="GB/T 8170")
    original_verdict_full = word(v.Verdict, "Verdict of the original on the full value", "初检全数值判定", source="GB/T 8170")
    retest_verdict_full = word(v.Verdict, "Verdict of the retest on the full value", "复检全数值判定", source="GB/T 8170")
    flipped = yes("The verdict changed; null: not assessed", "判定改变", source="discrepancy", null=True)
    flip_probability = share("Chance of a flip without fault, given the original result", "无过错改判概率", source="verdicts")
    margin = number("Distance of the original to the nearest limit, + = conforming side", "距限值", "σR", source="discrepancy")
    category = word(v.Category, "How the two stand to each other", "差异类别", source="discrepancy")
    sample_suspected = yes(
        "The sample may be the cause: most items of it differ, or a swap explains it", "疑样品原因", source="discrepancy"
    )


class PtScores(dy.Schema):
    """Score of each result of a comparison round against the consensus of the others or the assigned value (比对得分)."""

    result = text("Result id", "结果编号", source="discrepancy", key=True)
    lab = text("Laboratory", "实验室", source="discrepancy")
    sample = text("Sample id", "样品编号", source="discrepancy")  # type: ignore[assignment]
    item = text("Item code", "项目代码", source="discrepancy")
    round = text("Round", "批次", source="discrepancy", null=True)
    period = count("Year of the round", "年度", source="discrepancy", null=True)
    value = number("Result", "数值", "item", source="discrepancy")
    x_pt = number("Assigned value, or robust consensus of the other labs", "指定值", "item", source="ISO 13528")
    sigma_pt = number("Standard deviation for the assessment", "评定标准差", "item", source="yardsticks", low=0)
    z = number("z = (x − x_pt) / σ_pt", "z值", "1", source="ISO 13528")
    anchored = yes("x_pt is an assigned value", "有指定值", source="discrepancy")
    n_others = count("Other labs in the consensus", "其他实验室数", source="discrepancy")
