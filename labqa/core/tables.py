"""The data dictionary: every table as a contract, with meaning, unit and source of each column.

Facts are what was delivered (`LABS` … `RESULTS`, `REFUSALS`); all other tables belong to an evaluation run. Null means
absent; NaN never enters a table. Frames are checked against these contracts at two boundaries only: ingest → facts, and
run write. Column metadata: `zh` the Chinese name, `unit`, `source` (which step or standard fills it) and `digits`, the
significant digits to which a float is rounded before its content is hashed.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from labqa.core import vocabulary as v

DIGITS = 9
"""Significant digits of floats in content hashes, where a column does not state its own."""


def _meta(zh: str, unit: str, source: str) -> dict[str, Any]:
    return {"zh": zh, "unit": unit, "source": source}


def text(meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False) -> dy.String:
    """A text column."""
    return dy.String(primary_key=key, nullable=null, description=meaning, metadata=_meta(zh, "", source))


def word(
    closed_list: type[StrEnum], meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False
) -> dy.String:
    """A text column whose values come from a closed list of the vocabulary."""
    allowed = v.values(closed_list)
    return dy.String(
        primary_key=key,
        nullable=null,
        description=meaning,
        metadata={**_meta(zh, "", source), "words": allowed},
        check={f"one_of_{closed_list.__name__}": lambda column: column.is_in(allowed)},
    )


def number(meaning: str, zh: str, unit: str, *, source: str = "", null: bool = True, low: float | None = None) -> dy.Float64:
    """A float column; never NaN, never infinite."""
    metadata = {**_meta(zh, unit, source), "digits": DIGITS}
    return dy.Float64(nullable=null, min=low, description=meaning, metadata=metadata)


def share(meaning: str, zh: str, *, source: str = "", null: bool = True) -> dy.Float64:
    """A probability or share, between 0 and 1."""
    metadata = {**_meta(zh, "1", source), "digits": DIGITS}
    return dy.Float64(nullable=null, min=0.0, max=1.0, description=meaning, metadata=metadata)


def count(meaning: str, zh: str, *, source: str = "", key: bool = False, null: bool = False) -> dy.Int64:
    """A whole number, not negative."""
    return dy.Int64(primary_key=key, nullable=null, min=0, description=meaning, metadata=_meta(zh, "1", source))


def yes(meaning: str, zh: str, *, source: str = "", null: bool = False) -> dy.Bool:
    """A yes or no."""
    return dy.Bool(nullable=null, description=meaning, metadata=_meta(zh, "", source))


def day(meaning: str, zh: str, *, source: str = "", null: bool = True) -> dy.Date:
    """A calendar day."""
    return dy.Date(nullable=null, description=meaning, metadata=_meta(zh, "d", source))


def ids(meaning: str, zh: str, *, source: str = "") -> dy.List:
    """A list of ids, in a stated order."""
    return dy.List(dy.String(nullable=False), nullable=False, description=meaning, metadata=_meta(zh, "", source))


# --- facts: registers -------------------------------------------------------------------------------------------------


class Labs(dy.Schema):
    """Register of laboratories (实验室登记)."""

    lab = text("Laboratory code, the name by which deliveries call it", "实验室代码", source="register", key=True)
    name_zh = text("Name in Chinese", "中文名称", source="register", null=True)
    name_en = text("Name in English", "英文名称", source="register", null=True)
    credit_code = text("Unified social credit code", "统一社会信用代码", source="register", null=True)
    region = text("Region in which the laboratory works", "地区", source="register", null=True)
    owner = text("Group or owner to which it belongs", "所属集团", source="register", null=True)


class Capabilities(dy.Schema):
    """What a laboratory is approved to test, and when (检测能力)."""

    lab = text("Laboratory code", "实验室代码", source="register", key=True)
    family = text("Product family: first two levels of the product code", "产品类别", source="register", key=True)
    valid_from = dy.Date(primary_key=True, description="First day of validity", metadata=_meta("生效日期", "d", "register"))
    valid_to = day("Last day of validity; null: open", "失效日期", source="register")


class Items(dy.Schema):
    """Register of test items (检验项目). Limits, precision and method are settings of the item, each with its source."""

    item = text("Item code", "项目代码", source="register", key=True)
    name_zh = text("Name in Chinese", "中文名称", source="register", null=True)
    name_en = text("Name in English", "英文名称", source="register", null=True)
    scale = word(v.Scale, "Scale of measurement", "量表", source="register")
    unit = text("Unit into which every result is converted; `1` if none", "单位", source="register")
    grades = text("Grades of an ordinal item from low to high, split by `|`", "等级序列", source="register", null=True)
    lower_limit = number("Lower specification limit", "下限", "item", source="register")
    lower_inclusive = yes("A value equal to the lower limit conforms", "下限含本数", source="register", null=True)
    upper_limit = number("Upper specification limit", "上限", "item", source="register")
    upper_inclusive = yes("A value equal to the upper limit conforms", "上限含本数", source="register", null=True)
    rounding_interval = number("Interval to which the standard rounds (修约间隔)", "修约间隔", "item", source="register")
    compare_method = word(v.CompareMethod, "GB/T 8170: full or rounded value", "比较方法", source="register")
    repeatability_constant = number(
        "Repeatability limit r = constant + slope × level", "重复性限常数", "item", source="method standard", low=0
    )
    repeatability_slope = number("Slope of r on the level", "重复性限斜率", "1", source="method standard", low=0)
    reproducibility_constant = number(
        "Reproducibility limit R = constant + slope × level", "再现性限常数", "item", source="method standard", low=0
    )
    reproducibility_slope = number("Slope of R on the level", "再现性限斜率", "1", source="method standard", low=0)
    rule_tolerance = number(
        "Tolerance |Δ| of the product standard or implementing rule", "细则允差", "item", source="product rule", low=0
    )
    lod = number("Limit of detection", "检出限", "item", source="register", low=0)
    loq = number("Limit of quantification", "定量限", "item", source="register", low=0)
    severity = word(v.Severity, "Weight of a nonconformity", "严重程度", source="register", null=True)
    method = text("Method standard", "方法标准", source="register", null=True)
    judgement_standard = text("Judgement standard", "判定标准", source="register", null=True)


class Products(dy.Schema):
    """Register of products by four-level code (产品目录)."""

    product = text("Four-level product code, `01.02.03.04`", "产品代码", source="register", key=True)
    family = text("Product family: first two levels of the code", "产品类别", source="register")
    name_zh = text("Name in Chinese", "中文名称", source="register", null=True)
    name_en = text("Name in English", "英文名称", source="register", null=True)


class ClassInForce(dy.Schema):
    """Class of a laboratory as last decided (现行分类)."""

    lab = text("Laboratory code", "实验室代码", source="register", key=True)
    valid_from = dy.Date(primary_key=True, description="Day from which it holds", metadata=_meta("生效日期", "d", "register"))
    lab_class = word(v.LabClass, "Class in force", "类别", source="register")
    points = number("Points of that evaluation, where known", "得分", "points", source="register")
    decision = text("Notice or decision that set it", "依据", source="register", null=True)


# --- facts: results ---------------------------------------------------------------------------------------------------


class Results(dy.Schema):
    """Accepted results, one a row, typed and in the item's unit; each row carries what was delivered of its sample.

    `result` is the hash of the key (programme, round, sample, item, lab, role, replicate, revision): never of file or row.
    """

    programme = text("Programme: no block or total crosses it", "计划", source="delivery", key=True)
    result = text("Result id: hash of its key", "结果编号", source="ingest", key=True)
    round = text("Round of sampling or comparison; null: undated single round", "批次", source="delivery", null=True)
    period = count("Year of the round; null: undated, only `all` includes it", "年度", source="delivery", null=True)
    sample = text("Sample id, shared by original, retest and referee", "样品编号", source="delivery")  # type: ignore[assignment]
    product = text("Product code", "产品代码", source="delivery", null=True)
    sampler = text("Laboratory or body that drew the sample", "抽样单位", source="delivery", null=True)
    drawn_on = day("Day on which the sample was drawn", "抽样日期", source="delivery")
    item = text("Item code", "项目代码", source="delivery")
    lab = text("Laboratory; null where the source does not name it", "实验室", source="delivery", null=True)
    role = word(v.Role, "Part the result plays", "角色", source="profile or delivery")
    trigger = word(v.Trigger, "How the retest came about; null for other roles", "复检来源", source="delivery", null=True)
    replicate = count("Number of the replicate, from 1", "平行号", source="delivery")
    revision = count("Revision of the report, from 0", "修订号", source="delivery")
    qualifier = word(v.Qualifier, "Number, below or above a reporting limit, or not applicable", "限定符", source="ingest")
    value = number(
        "Value in the item's unit; grade as a number; binary 1 = conforming; null unless quantified",
        "数值",
        "item",
        source="ingest",
    )
    rest = number(
        "What the value, a float, lacks of the delivered decimal number; null where that is below 1e-6 of its last digit",
        "数值余量",
        "item",
        source="ingest",
    )
    lower = number("Lower end of the interval that the result states; null: open", "区间下端", "item", source="ingest")
    upper = number("Upper end of the interval that the result states; null: open", "区间上端", "item", source="ingest")
    raw = text("The result as delivered, to the letter", "原始文本", source="delivery")
    decimals = count("Digits after the decimal point as delivered; null if none were", "小数位数", source="ingest", null=True)
    u = number("Standard uncertainty stated by the laboratory", "标准不确定度", "item", source="delivery", low=0)
    run = text("Batch, or else day of test: results of one lab and run share an error", "检测批", source="delivery", null=True)
    tested_on = day("Day of test", "检测日期", source="delivery")
    reported_verdict = word(v.Verdict, "Verdict as reported", "报告判定", source="delivery", null=True)
    method = text("Method used", "检测方法", source="delivery", null=True)
    report = text("Report number", "报告编号", source="delivery", null=True)
    retest_blind = yes("The retest lab had not seen the first result; null: unknown", "复检盲测", source="delivery", null=True)
    selection_probability = share(
        "Probability with which the sample was drawn for a planned retest, above 0; null: not recorded",
        "抽取概率",
        source="delivery",
    )
    file = text("SHA-256 of the delivered file", "文件指纹", source="ingest")
    row = count("Row in the delivered file, header = 1", "行号", source="ingest")


class Refusals(dy.Schema):
    """Refused rows, one entry a broken rule, with everything that was delivered in the row."""

    file = text("SHA-256 of the delivered file", "文件指纹", source="ingest", key=True)
    file_name = text("Name under which it was delivered", "文件名", source="ingest")
    row = count("Row in the delivered file, header = 1", "行号", source="ingest", key=True)
    column = text("Column as delivered", "列", source="ingest", key=True)
    value = text("Value as delivered", "值", source="ingest", null=True)
    rule = text("Rule that refused it: key of its sentence", "规则", source="ingest", key=True)
    message = text("Sentence as JSON: key and values", "说明", source="ingest")
    delivered = text("The whole row as delivered, as JSON", "整行", source="ingest")


# --- run: evidence ----------------------------------------------------------------------------------------------------

_KEY: dict[str, Any] = {"source": "pairing"}


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
        nullable=True, description="Days from original to retest test", metadata=_meta("间隔天数", "d", "pairing")
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


class LabBias(dy.Schema):
    """Bias of a laboratory, as a whole, by product family and by item, in units of the item's σR (偏倚)."""

    lab = text("Laboratory", "实验室", source="bias", key=True)
    scope = word(v.Scope, "What it covers", "范围", source="bias", key=True)
    scope_id = text("Family or item code; empty for the lab as a whole", "范围代码", source="bias", key=True)
    estimate = number("Bias, unshrunken", "偏倚", "σR", source="bias")
    se = number("Clustered standard error", "标准误", "σR", source="bias", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="bias", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "σR", source="bias")
    upper = number("Upper end of the 95 % interval", "95%上限", "σR", source="bias")
    shrunken = number("Shrunken value, for ranking and maps only", "收缩估计", "σR", source="bias")
    oriented = number("Mean bias towards the limit, + = towards conforming; lab scope only", "朝限偏倚", "σR", source="bias")
    oriented_lower = number("Lower end of its 95 % interval", "朝限偏倚下限", "σR", source="bias")
    oriented_upper = number("Upper end of its 95 % interval", "朝限偏倚上限", "σR", source="bias")
    tau = number("Between-item SD of the lab's biases; lab scope only", "项目间标准差", "σR", source="bias", low=0)
    tau_lower = number("Lower end of its 95 % interval", "项目间标准差下限", "σR", source="bias", low=0)
    tau_upper = number("Upper end of its 95 % interval", "项目间标准差上限", "σR", source="bias", low=0)
    detectable = number(
        "Smallest |bias| that this evidence would show with 80 % power at the edition's error rate",
        "最小可检出偏倚",
        "σR",
        source="bias",
        low=0,
    )
    n_samples = count("Independent samples", "样品数", source="bias")
    n_partners = count("Other labs that tested them", "伙伴数", source="bias")
    n_blocks = count("Blocks", "区组数", source="bias")
    component = text("Connected component: its smallest lab code", "连通分量", source="bias", null=True)
    component_labs = count("Labs in the component", "分量实验室数", source="bias")
    gross_share = share(
        "Share of results with a gross error in the component; 1: more scatter than σR allows", "粗大误差占比", source="bias"
    )
    lean = number(
        "Outlying results of the lab, positive less negative, as a share of all; 0 where chance explains it",
        "离群偏向",
        "1",
        source="bias",
    )
    worst_case = number(
        "Bias that gross errors on one side may have made; the standard error holds it",
        "最坏情形偏倚",
        "σR",
        source="bias",
        low=0,
    )
    bridge_share = share("Share of the contrast to the zero carried by its weakest bridge", "桥边占比", source="bias")
    zero = word(v.Zero, "Against what it is stated", "零点", source="bias", null=True)
    status = word(v.Status, "Whether it may be claimed", "状态", source="bias")
    reason = text("Why not: key of a sentence", "原因", source="bias", null=True)


class LabInfluence(dy.Schema):
    """What moved a bias, and what leaving it out changes; robust weights and those of the zero held (归因).

    For each bias that is stated: the largest of each kind. Rows, `rest`, `elsewhere` and `zero` sum to the estimate. A sample
    is left out with all its results, a partner with its results on the samples that both tested.
    """

    lab = text("Laboratory", "实验室", source="attribution", key=True)
    scope = word(v.Scope, "What the bias covers", "范围", source="attribution", key=True)
    scope_id = text("Family or item code; empty for the lab as a whole", "范围代码", source="attribution", key=True)
    kind = word(v.Influence, "Block, sample, partner, or what they leave", "归因类型", source="attribution", key=True)
    rank = count("1 for the largest of its kind", "位次", source="attribution", key=True)
    what = text("Block, sample or laboratory; null for what they leave", "对象", source="attribution", null=True)
    contribution = number("What it adds to the estimate; rows and what they leave", "贡献", "σR", source="attribution")
    shift = number("Change of the estimate when it is left out", "剔除后变化", "σR", source="attribution")
    without = number("Estimate when it is left out", "剔除后估计值", "σR", source="attribution")
    n_all = count("How many of its kind there are in all", "总数", source="attribution")
    status = word(v.Status, "Whether the bias can be stated without it", "状态", source="attribution")
    reason = text("Why not: key of a sentence", "原因", source="attribution", null=True)


class LabSelection(dy.Schema):
    """What changes in the bias of a laboratory with how retests were chosen; in rows without a laboratory the mean of original
    minus retest, + on the failing side (复检选择)."""

    lab = text("Laboratory; empty for the network", "实验室", source="selection", key=True)
    option = word(v.SelectionOption, "Which retests enter, and how", "方案", source="selection", key=True)
    estimate = number("Bias; of the network: mean (original − retest)", "估计值", "σR", source="selection")
    se = number("Clustered standard error", "标准误", "σR", source="selection", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="selection", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "σR", source="selection")
    upper = number("Upper end of the 95 % interval", "95%上限", "σR", source="selection")
    sensitivity_low = number(
        "Least estimate over the distributions of true values that were tried", "敏感性下限", "σR", source="selection"
    )
    sensitivity_high = number("Largest estimate over them", "敏感性上限", "σR", source="selection")
    n_samples = count("Independent samples", "样品数", source="selection")
    n_pairs = count("Pairs, or blocks where the whole network is fitted", "对数", source="selection")
    status = word(v.OptionStatus, "Whether it may be claimed", "状态", source="selection")
    reason = text("Why not: key of a sentence", "原因", source="selection", null=True)


class LabGrades(dy.Schema):
    """How much higher (+) or lower than its peers a laboratory grades an ordinal item, in SDs of one grade's error (等级)."""

    lab = text("Laboratory", "实验室", source="graded", key=True)
    item = text("Item code", "项目代码", source="graded", key=True)
    estimate = number("Shift on the latent scale of the grades, unshrunken", "等级偏移", "SD", source="graded")
    se = number("Clustered standard error", "标准误", "SD", source="graded", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="graded", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "SD", source="graded")
    upper = number("Upper end of the 95 % interval", "95%上限", "SD", source="graded")
    n_samples = count("Independent samples", "样品数", source="graded")
    n_partners = count("Other labs that tested them", "伙伴数", source="graded")
    n_blocks = count("Blocks", "区组数", source="graded")
    component = text("Connected component: its smallest lab code", "连通分量", source="graded", null=True)
    component_labs = count("Labs in the component", "分量实验室数", source="graded")
    bridge_share = share("Share of the contrast to the zero carried by its weakest bridge", "桥边占比", source="graded")
    zero = word(v.Zero, "Against what it is stated", "零点", source="graded", null=True)
    status = word(v.Status, "Whether it may be claimed", "状态", source="graded")
    reason = text("Why not: key of a sentence", "原因", source="graded", null=True)


class LabCensored(dy.Schema):
    """Bias on items with results at a limit, numbers and intervals together; the fit's figure beside it (含未检出偏倚)."""

    lab = text("Laboratory", "实验室", source="censored", key=True)
    item = text("Item code", "项目代码", source="censored", key=True)
    estimate = number("Bias by the interval likelihood, relative to peers", "区间似然偏倚", "σR", source="censored")
    se = number("Clustered standard error", "标准误", "σR", source="censored", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="censored", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "σR", source="censored")
    upper = number("Upper end of the 95 % interval", "95%上限", "σR", source="censored")
    fit_estimate = number("Bias by the fit, which leaves blocks at a limit out", "拟合偏倚", "σR", source="bias")
    fit_lower = number("Lower end of its 95 % interval", "拟合下限", "σR", source="bias")
    fit_upper = number("Upper end of its 95 % interval", "拟合上限", "σR", source="bias")
    fit_zero = word(v.Zero, "Against what the fit states it", "拟合零点", source="bias", null=True)
    n_samples = count("Independent samples", "样品数", source="censored")
    n_partners = count("Other labs that tested them", "伙伴数", source="censored")
    n_blocks = count("Blocks", "区组数", source="censored")
    n_at_limit = count("Blocks of it that the fit leaves out", "报告限附近区组数", source="censored")
    n_censored = count("Results of it beyond a limit", "超限结果数", source="censored")
    component = text("Connected component: its smallest lab code", "连通分量", source="censored", null=True)
    component_labs = count("Labs in the component", "分量实验室数", source="censored")
    bridge_share = share("Share of the contrast to the zero carried by its weakest bridge", "桥边占比", source="censored")
    zero = word(v.Zero, "Against what it is stated", "零点", source="censored", null=True)
    status = word(v.Status, "Whether it may be claimed", "状态", source="censored")
    reason = text("Why not: key of a sentence", "原因", source="censored", null=True)


class LabAgreement(dy.Schema):
    """How often a laboratory agrees with others on yes or no, and whether it passes what others fail (一致性).

    No statement of who is right: without further evidence that is not identifiable.
    """

    lab = text("Laboratory", "实验室", source="passfail", key=True)
    item = text("Item code; empty for all yes/no items together", "项目代码", source="passfail", key=True)
    agreement = share("Mean share of the other results of a block that equal its own", "一致率", source="passfail")
    lower = share("Lower end of the 95 % interval, clustered by sample", "一致率下限", source="passfail")
    upper = share("Upper end of the 95 % interval", "一致率上限", source="passfail")
    expected = share(
        "Agreement of the other laboratories among themselves on the same items", "其他实验室一致率", source="passfail"
    )
    n_discordant = count("Blocks in which not all said the same", "不一致区组数", source="passfail")
    passed = count("Of these, how many it passed", "判合格数", source="passfail")
    passed_expected = number("How many were to be expected if no lab differed", "期望判合格数", "1", source="passfail", low=0)
    p_value = share("Exact two-sided chance of as unequal a count", "精确双侧p值", source="McNemar 1947")
    odds = number("Log odds of passing, relative to peers (conditional logit)", "判合格对数优势", "ln", source="passfail")
    odds_se = number("Clustered standard error", "对数优势标准误", "ln", source="passfail", low=0)
    odds_lower = number("Lower end of the 95 % interval", "对数优势下限", "ln", source="passfail")
    odds_upper = number("Upper end of the 95 % interval", "对数优势上限", "ln", source="passfail")
    odds_reason = text("Why no odds: key of a sentence", "无优势原因", source="passfail", null=True)
    n_samples = count("Independent samples", "样品数", source="passfail")
    n_partners = count("Other labs that tested them", "伙伴数", source="passfail")
    n_blocks = count("Blocks", "区组数", source="passfail")
    status = word(v.Status, "Whether it may be claimed", "状态", source="passfail")
    reason = text("Why not: key of a sentence", "原因", source="passfail", null=True)


class EvidenceUse(dy.Schema):
    """What became of every result that the run read; each block stands in one row, nothing is dropped silently (证据去向)."""

    item = text("Item code", "项目代码", source="usage", key=True)
    scale = word(v.Scale, "Scale of measurement", "量表", source="register", null=True)
    kind = word(v.EvidenceKind, "Kind of block, or of a result in no block", "证据类型", source="usage", key=True)
    used_by = word(v.UsedBy, "Analysis between laboratories that used it", "使用方法", source="usage", key=True)
    reason = text("Why none did: key of a sentence; else empty", "未用原因", source="usage", key=True)
    n_blocks = count("Blocks", "区组数", source="usage")
    n_results = count("Results", "结果数", source="usage")
    n_also_interval = count("Blocks of the fit that the interval likelihood used too", "区间似然亦用区组数", source="usage")


class LabPrecision(dy.Schema):
    """Precision of a laboratory relative to the yardstick, where it can be separated from its partners' (精密度)."""

    lab = text("Laboratory", "实验室", source="precision", key=True)
    ratio = number(
        "Within-lab SD over that of the median laboratory, or over σr where replicates show it",
        "精密度比",
        "1",
        source="precision",
        low=0,
    )
    lower = number("Lower end of the 95 % interval", "95%下限", "1", source="precision", low=0)
    upper = number("Upper end of the 95 % interval", "95%上限", "1", source="precision", low=0)
    p_value = share("One-sided p of H0: ratio ≤ the edition's bound", "单侧p值", source="precision")
    df = number("Effective degrees of freedom", "有效自由度", "1", source="precision", low=0)
    n_blocks = count("Blocks", "区组数", source="precision")
    status = word(v.Status, "Whether it may be claimed", "状态", source="precision")
    reason = text("Why not: key of a sentence", "原因", source="precision", null=True)


class LabContrasts(dy.Schema):
    """How two laboratories that shared blocks compare: direct, indirect and network difference lab − other (可比性)."""

    lab = text("Laboratory", "实验室", source="comparability", key=True)
    other = text("The other laboratory, whose code is larger; empty: the zero", "另一实验室", source="comparability", key=True)
    component = text("Connected component: its smallest lab code", "连通分量", source="comparability")
    n_samples = count("Samples that both tested", "共同样品数", source="comparability")
    n_blocks = count("Blocks in which both sit", "共同区组数", source="comparability")
    direct = number("Difference in the blocks in which both sit", "直接差值", "σR", source="comparability")
    direct_se = number("Its clustered standard error", "直接差值标准误", "σR", source="comparability", low=0)
    direct_lower = number("Lower end of its 95 % interval", "直接差值下限", "σR", source="comparability")
    direct_upper = number("Upper end of its 95 % interval", "直接差值上限", "σR", source="comparability")
    indirect = number("Difference by all other evidence", "间接差值", "σR", source="comparability")
    indirect_se = number("Its clustered standard error", "间接差值标准误", "σR", source="comparability", low=0)
    indirect_lower = number("Lower end of its 95 % interval", "间接差值下限", "σR", source="comparability")
    indirect_upper = number("Upper end of its 95 % interval", "间接差值上限", "σR", source="comparability")
    network = number("Difference of the mean biases by the whole network", "网络差值", "σR", source="comparability")
    network_se = number("Its clustered standard error", "网络差值标准误", "σR", source="comparability", low=0)
    df = number("Degrees of freedom of the network difference", "自由度", "1", source="comparability", low=0)
    lower = number("Lower end of its 95 % interval", "95%下限", "σR", source="comparability")
    upper = number("Upper end of its 95 % interval", "95%上限", "σR", source="comparability")
    inconsistency = number("Direct − indirect", "不一致量", "σR", source="doi:10.1002/sim.3767")
    inconsistency_se = number("Its clustered standard error", "不一致量标准误", "σR", source="comparability", low=0)
    p_value = share("Two-sided p of H0: direct and indirect agree", "p值", source="comparability")
    q_value = share(
        "p adjusted over the component (Benjamini–Hochberg)", "q值", source="doi:10.1111/j.2517-6161.1995.tb02031.x"
    )
    agree = yes("Direct and indirect evidence agree: q > 5 %; null: not tested", "是否一致", source="comparability", null=True)
    resistance = number(
        "Effective resistance, one pair of ordinary results = 1; to the zero: assigned values, or the mean of the others",
        "有效电阻",
        "1",
        source="doi:10.1007/BF01164627",
        low=0,
    )
    equivalent_pairs = number(
        "Direct pairs that would tell as much: 1 / resistance", "等效直接对数", "1", source="comparability", low=0
    )
    pair_sd = number(
        "SD of their differences on common samples, √(σᵢ² + σⱼ²) with portion heterogeneity; from 12 samples on",
        "差值标准差",
        "σR",
        source="precision",
        low=0,
    )
    pair_sd_lower = number("Lower end of its 95 % interval", "差值标准差下限", "σR", source="precision", low=0)
    pair_sd_upper = number("Upper end of its 95 % interval", "差值标准差上限", "σR", source="precision", low=0)
    bridge = yes("No way from one to the other but their own link", "桥", source="comparability", null=True)
    status = word(v.Status, "Whether direct and indirect evidence could be compared", "状态", source="comparability")
    reason = text("Why not: key of a sentence", "原因", source="comparability", null=True)


class LabSlopes(dy.Schema):
    """Proportional bias: how a laboratory's bias changes with the level, over its items and item by item (比例偏倚)."""

    lab = text("Laboratory", "实验室", source="slopes", key=True)
    scope = word(v.Scope, "All items, or one", "范围", source="slopes", key=True)
    scope_id = text("Item code; empty for the lab as a whole", "范围代码", source="slopes", key=True)
    slope = number("Change of the bias per robust SD of the item's levels", "斜率", "σR", source="slopes")
    se = number("Clustered standard error", "标准误", "σR", source="slopes", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="slopes", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "σR", source="slopes")
    upper = number("Upper end of the 95 % interval", "95%上限", "σR", source="slopes")
    p_value = share("Two-sided p of slope 0", "双侧p值", source="slopes")
    q_value = share("p adjusted for false discoveries, among all labs or among the lab's items", "校正q值", source="slopes")
    n_samples = count("Independent samples", "样品数", source="slopes")
    n_partners = count("Other labs that tested them", "伙伴数", source="bias")
    level_low = number("Lowest level of the blocks; items only", "最低水平", "item", source="slopes")
    level_high = number("Highest level of the blocks; items only", "最高水平", "item", source="slopes")
    status = word(v.Status, "Whether it may be claimed", "状态", source="slopes")
    reason = text("Why not: key of a sentence", "原因", source="slopes", null=True)


class MethodBias(dy.Schema):
    """Bias of a test method on an item: laboratories that use it against those that use another (方法偏倚)."""

    item = text("Item code", "项目代码", source="methods", key=True)
    method = text("Method", "检测方法", source="methods", key=True)
    estimate = number("Difference of the robust centres of the laboratories", "方法偏倚", "σR", source="methods")
    se = number("Standard error, laboratories as clusters", "标准误", "σR", source="methods", low=0)
    df = number("Degrees of freedom of the interval", "自由度", "1", source="methods", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "σR", source="methods")
    upper = number("Upper end of the 95 % interval", "95%上限", "σR", source="methods")
    p_value = share("Two-sided p of no difference", "双侧p值", source="methods")
    q_value = share("p adjusted for false discoveries among all methods", "校正q值", source="methods")
    n_labs = count("Connected labs that use it", "使用实验室数", source="methods")
    n_labs_others = count("Connected labs that use another", "其他方法实验室数", source="methods")
    n_samples = count("Samples tested by it", "样品数", source="methods")
    status = word(v.Status, "Whether it may be claimed", "状态", source="methods")
    reason = text("Why not: key of a sentence", "原因", source="methods", null=True)


class Flags(dy.Schema):
    """Things to look at; a flag never accuses (提示)."""

    flag = text("Flag id", "提示编号", source="integrity", key=True)
    lab = text("Laboratory, where it concerns one", "实验室", source="integrity", null=True)
    sample = text("Sample, where it concerns one", "样品编号", source="integrity", null=True)  # type: ignore[assignment]
    rule = text("Rule: key of a sentence", "规则", source="integrity")
    message = text("Sentence as JSON: key and values", "说明", source="integrity")
    evidence = ids("Ids of results, pairs or blocks", "证据", source="integrity")


class Indicators(dy.Schema):
    """What rating sees of a laboratory, long: one row a lab, scope and indicator (指标)."""

    lab = text("Laboratory", "实验室", source="indicators", key=True)
    scope = word(v.Scope, "What it covers", "范围", source="indicators", key=True)
    scope_id = text("Family or item code; empty for the lab", "范围代码", source="indicators", key=True)
    indicator = text("Name of the indicator", "指标", source="indicators", key=True)
    estimate = number("Estimate", "估计值", "indicator", source="indicators")
    se = number("Standard error, where it has one", "标准误", "indicator", source="indicators", low=0)
    df = number("Degrees of freedom, where it has them", "自由度", "1", source="indicators", low=0)
    lower = number("Lower end of the 95 % interval", "95%下限", "indicator", source="indicators")
    upper = number("Upper end of the 95 % interval", "95%上限", "indicator", source="indicators")
    n = count("Independent units it rests on", "样本量", source="indicators")
    zero = word(v.Zero, "Against what a bias is stated", "零点", source="indicators", null=True)
    status = word(v.Status, "Whether it may be claimed", "状态", source="indicators")
    reason = text("Why not: key of a sentence", "原因", source="indicators", null=True)
    evidence = ids("Ids of pairs, blocks or results it rests on, most telling first, at most 50", "证据", source="indicators")


# --- run: rating ------------------------------------------------------------------------------------------------------


class Ratings(dy.Schema):
    """Rating of each laboratory by the edition; a proposal is never a decision (分类建议)."""

    lab = text("Laboratory", "实验室", source="rating", key=True)
    status = word(v.Status, "Whether the lab could be assessed", "状态", source="rating")
    class_in_force = word(v.LabClass, "Class in force", "现行类别", source="register", null=True)
    points_carried = number(
        "Points before results: of the class in force, or the edition's base", "结转得分", "points", source="rating"
    )
    points = number("Points after the lines of the edition", "得分", "points", source="rating")
    class_by_points = word(v.LabClass, "Class that these points give", "得分对应类别", source="rating", null=True)
    proposal = word(v.Proposal, "What is put before the people who decide", "建议", source="rating")
    class_proposed = word(v.LabClass, "Class proposed; null where nothing is", "建议类别", source="rating", null=True)
    ground = word(v.Ground, "On what the proposal rests", "理由类型", source="rating", null=True)
    veto = yes("The literal counting rule is met", "触发否决项", source="rating")
    veto_outliers = count("Outlying comparison results in the look-back years", "离群比对结果数", source="rating")
    veto_results = count("Comparison results in the look-back years", "比对结果数", source="rating")
    veto_expected = number(
        "Outlying results expected of a blameless lab with as many", "期望离群数", "1", source="rating", low=0
    )
    veto_chance = share(
        "Chance that a blameless lab reaches the rule's count, results independent", "无过错触发概率(独立)", source="rating"
    )
    veto_chance_correlated = share(
        "The same, beta-binomial with the estimated correlation", "无过错触发概率(相关)", source="rating"
    )
    veto_if_pairs_counted = yes("The rule would be met if retest pairs counted too", "计入复检时触发", source="rating")


class Reasons(dy.Schema):
    """Why a rating is what it is: one row a line of the edition that applied (理由)."""

    lab = text("Laboratory", "实验室", source="rating", key=True)
    position = count("Order in which it is read", "次序", source="rating", key=True)
    line = text("Line of the edition", "条款", source="rating")
    ground = word(v.Ground, "Kind of reason", "理由类型", source="rating", null=True)
    points = number("Points added or taken", "加减分", "points", source="rating")
    message = text("Sentence as JSON: key and values", "说明", source="rating")
    evidence = ids("Ids of pairs, blocks or results it cites", "证据", source="rating")


class Summary(dy.Schema):
    """Totals from which every page and report reads; nothing downstream computes (汇总)."""

    metric = text("Name of the figure", "指标", source="summary", key=True)
    scope = text("national, product, family, item, lab, class, trigger, region or role", "范围", source="summary", key=True)
    scope_id = text("Code in that scope; empty for national", "范围代码", source="summary", key=True)
    period = text("Year, or the run's whole window", "年度", source="summary", key=True)
    value = number("The figure", "数值", "metric", source="summary")
    n = count("On how many it rests", "基数", source="summary")


FACT_TABLES: dict[str, type[dy.Schema]] = {
    "labs": Labs,
    "capabilities": Capabilities,
    "items": Items,
    "products": Products,
    "class_in_force": ClassInForce,
    "results": Results,
    "refusals": Refusals,
}
RUN_TABLES: dict[str, type[dy.Schema]] = {
    "samples": Samples,
    "blocks": Blocks,
    "pairs": Pairs,
    "yardsticks": Yardsticks,
    "yardsticks_without": YardsticksWithout,
    "discrepancies": Discrepancies,
    "pt_scores": PtScores,
    "lab_bias": LabBias,
    "lab_influence": LabInfluence,
    "lab_selection": LabSelection,
    "lab_grades": LabGrades,
    "lab_censored": LabCensored,
    "lab_agreement": LabAgreement,
    "evidence_use": EvidenceUse,
    "lab_precision": LabPrecision,
    "lab_contrasts": LabContrasts,
    "lab_slopes": LabSlopes,
    "method_bias": MethodBias,
    "flags": Flags,
    "indicators": Indicators,
    "ratings": Ratings,
    "reasons": Reasons,
    "summary": Summary,
}


def empty(schema: type[dy.Schema]) -> pl.DataFrame:
    """A frame of that table with no rows."""
    return schema.create_empty()


@cache
def _types(schema: type[dy.Schema]) -> pl.Schema:
    return schema.create_empty().schema


def shaped(frame: pl.DataFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The frame with the table's columns in dictionary order, missing ones null, types cast; nothing is checked."""
    types = _types(schema)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in types.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in types.items())
