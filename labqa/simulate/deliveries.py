"""Writes a simulated network as a regulator would deliver it: a file a year and kind, registers, and the truth apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from labqa.simulate import mistakes
from labqa.simulate.network import Simulated

HEADERS: Mapping[str, str] = {
    "round": "批次",
    "period": "年度",
    "sample": "样品编号",
    "product": "产品代码",
    "sampler": "抽样单位",
    "drawn_on": "抽样日期",
    "item": "项目代码",
    "lab": "实验室代码",
    "role": "角色",
    "trigger": "复检来源",
    "raw": "结果",
    "unit": "单位",
    "expanded_u": "扩展不确定度",
    "k": "包含因子",
    "replicate": "平行号",
    "revision": "修订号",
    "run": "检测批号",
    "tested_on": "检测日期",
    "reported_verdict": "报告判定",
    "method": "检测方法",
    "report": "报告编号",
    "retest_blind": "复检盲测",
}
"""Columns of a delivery, as the delivery template names them."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "role": {"original": "初检", "retest": "复检", "referee": "仲裁", "pt": "比对", "assigned": "指定值"},
    "trigger": {"planned": "监督复验", "objection": "异议复检", "expert": "专家"},
    "reported_verdict": {"conforming": "合格", "nonconforming": "不合格"},
}
"""Closed lists as they are written in a delivery."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "originals": ("original",),
    "retests": ("retest", "referee"),
    "rounds": ("pt", "assigned"),
}
"""Files of a year, in the order in which they are delivered, and the roles that each holds."""

REGISTERS: Mapping[str, str] = {"labs": "labs", "items": "items", "products": "products", "class_in_force": "class"}
UNITS = {"mg/kg": "毫克/千克", "MPa": "N/mm²", "mg/L": "毫克/升"}
"""Other ways of writing a unit, used by one laboratory in ten."""


def deliveries(simulated: Simulated, folder: Path, *, with_mistakes: bool = True) -> list[Path]:
    """Writes deliveries to `folder`, `registers/` and `truth/` below it; returns the deliveries, in the order to ingest them.

    `with_mistakes` adds six bad rows a year, which an ingest has to refuse. `truth/` is for checks, never for an evaluation.
    """
    _write_registers(simulated, folder / "registers")
    _write_truth(simulated, folder / "truth")
    rows = _texts(simulated)
    files = []
    for year in simulated.results["period"].unique().sort().to_list():
        for kind, roles in KINDS.items():
            part = rows.filter((pl.col("period") == str(year)) & pl.col("role").is_in([WORDS["role"][role] for role in roles]))
            if with_mistakes:
                part = pl.concat([part, mistakes.bad_rows(part, kind=kind, year=year)])
            if not part.is_empty():
                files.append(_write_file(part.rename(HEADERS), folder, f"{year}-{kind}"))
    return files


def _texts(simulated: Simulated) -> pl.DataFrame:
    """Results as text columns under their field names, with the unit of the item and U = 2 u."""
    unit = simulated.items.select("item", "unit")
    # written otherwise by laboratories whose code ends in 7
    other = pl.col("unit").replace(UNITS)
    rows = simulated.results.join(unit, on="item", how="left", maintain_order="left").with_columns(
        *(pl.col(name).replace_strict(words, default=None, return_dtype=pl.String) for name, words in WORDS.items()),
        unit=pl.when(pl.col("lab").str.ends_with("7")).then(other).otherwise("unit"),
        expanded_u=pl.col("u") * 2.0,
        k=pl.when(pl.col("u").is_not_null()).then(pl.lit("2")),
        retest_blind=pl.when("retest_blind").then(pl.lit("是")).when(pl.col("retest_blind").not_()).then(pl.lit("否")),
    )
    return rows.select(pl.col(name).cast(pl.String) for name in HEADERS)


def _write_file(rows: pl.DataFrame, folder: Path, name: str) -> Path:
    """Rounds as parquet; retests as a csv in GB18030, as older systems export; originals as csv in UTF-8."""
    if name.endswith("rounds"):
        path = folder / f"{name}.parquet"
        rows.write_parquet(path)
        return path
    path = folder / f"{name}.csv"
    text = rows.write_csv()
    path.write_bytes(text.encode("gb18030" if name.endswith("retests") else "utf-8"))
    return path


def _write_registers(simulated: Simulated, folder: Path) -> None:
    """One csv a register, columns by their field names; capabilities stand in the register of laboratories."""
    folder.mkdir(parents=True, exist_ok=True)
    span = pl.col("valid_from").cast(pl.String) + "/" + pl.col("valid_to").cast(pl.String).fill_null("")
    entry = pl.col("family") + pl.lit(":") + span
    capabilities = (
        simulated.capabilities.sort("lab", "family")
        .group_by("lab", maintain_order=True)
        .agg(entry.str.join("; ").alias("capabilities"))
    )
    for table, name in REGISTERS.items():
        frame: pl.DataFrame = getattr(simulated, table)
        if table == "labs":
            frame = frame.join(capabilities, on="lab", how="left", maintain_order="left")
        frame.rename(lambda column: column.replace("_", " ") if column not in {"name_zh", "name_en"} else column).write_csv(
            folder / f"{name}.csv"
        )


def _write_truth(simulated: Simulated, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    simulated.truth_labs.write_parquet(folder / "labs.parquet")
    simulated.truth_items.write_parquet(folder / "items.parquet")
