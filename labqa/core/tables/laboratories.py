"""Run: what is found of laboratories and methods over all their comparisons."""

from __future__ import annotations

import dataframely as dy

from labqa.core import vocabulary as v
from labqa.core.tables.columns import count, number, share, text, word, yes


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
    component_gross_share = share(
        "Share of results with a gross error in the component; 1: more scatter than σR allows",
        "分量严重差错占比",
        source="bias",
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
    """How much higher (+) or lower than its peers a laboratory grades an ordinal item, in SDs of one grade's error (等级).

    With few laboratories the shifts come out small, since thresholds are estimated with laboratories taken as drawn from a
    normal distribution: 8 % below those of judges fixed throughout on the `wine` data of R's `ordinal` (9 judges, 8 wines),
    9 % on six simulated laboratories.
    """

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
