"""Facts: who tests, what for and by which limits."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from labqa.core import vocabulary as v
from labqa.core.tables.columns import about, day, number, text, word, yes


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
    valid_from = dy.Date(primary_key=True, description="First day of validity", metadata=about("生效日期", "d", "register"))
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
    rounding_interval = number(
        "Interval to which the standard rounds (修约间隔)", "修约间隔", "item", source="register", above=0
    )
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

    @dy.rule()
    def lower_limit_in_order(cls) -> pl.Expr:
        """The limits leave room for a value that conforms."""
        return (pl.col("lower_limit") <= pl.col("upper_limit")).fill_null(value=True)


class Products(dy.Schema):
    """Register of products by four-level code (产品目录)."""

    product = text("Four-level product code, `01.02.03.04`", "产品代码", source="register", key=True)
    family = text("Product family: first two levels of the code", "产品类别", source="register")
    name_zh = text("Name in Chinese", "中文名称", source="register", null=True)
    name_en = text("Name in English", "英文名称", source="register", null=True)


class ClassInForce(dy.Schema):
    """Class of a laboratory as last decided (现行分类)."""

    lab = text("Laboratory code", "实验室代码", source="register", key=True)
    valid_from = dy.Date(primary_key=True, description="Day from which it holds", metadata=about("生效日期", "d", "register"))
    lab_class = word(v.LabClass, "Class in force", "类别", source="register")
    points = number("Points of that evaluation, where known", "得分", "points", source="register")
    decision = text("Notice or decision that set it", "依据", source="register", null=True)
