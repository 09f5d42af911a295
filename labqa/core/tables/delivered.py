"""Facts: results as they were accepted, and rows that were refused."""

from __future__ import annotations

import dataframely as dy

from labqa.core import vocabulary as v
from labqa.core.tables.columns import count, day, number, share, text, word, yes


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
