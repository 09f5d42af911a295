"""Run: what should be looked at, how each laboratory is rated and why, and the run in figures."""

from __future__ import annotations

import dataframely as dy

from labqa.core import vocabulary as v
from labqa.core.tables.columns import MOST_EVIDENCE, count, ids, number, share, text, word, yes


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
    evidence = ids(
        f"Ids of pairs, blocks or results it rests on, most telling first, at most {MOST_EVIDENCE}", "证据", source="indicators"
    )


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
