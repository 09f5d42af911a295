"""Registers that a profile makes of the delivered rows, where none were delivered."""

from __future__ import annotations

import polars as pl

from labqa.core import tables
from labqa.core.vocabulary import CompareMethod, Scale
from labqa.ingest import ids
from labqa.ingest.columns import Fields
from labqa.ingest.profiles import Profile
from labqa.ingest.registers import KINDS, Registers, completed


def derive(fields: Fields, profile: Profile, registers: Registers) -> dict[str, pl.DataFrame]:
    """The barest register entries for what the rows name and no register holds, as far as the profile allows it."""
    made: dict[str, pl.DataFrame] = {}
    if "labs" in profile.derive:
        made["labs"] = _named(fields, "lab").join(registers.labs, on="lab", how="anti").with_columns(name_en=pl.col("lab"))
    if "items" in profile.derive:
        made["items"] = _items(fields, profile).join(registers.items, on="item", how="anti")
    if "products" in profile.derive:
        products = _named(fields, "product").join(registers.products, on="product", how="anti")
        made["products"] = completed("products", products)
    shaped = {name: tables.shaped(frame, KINDS[name]) for name, frame in made.items() if not frame.is_empty()}
    return {name: frame.sort(frame.columns[0]) for name, frame in shaped.items()}


def _named(fields: Fields, name: str) -> pl.DataFrame:
    return fields.counted(name).select(name).drop_nulls().filter(~ids.is_unsound(name)).sort(name)


def _items(fields: Fields, profile: Profile) -> pl.DataFrame:
    """Items as delivered: each with the unit most of its rows bear, and the scale that the profile gives that unit."""
    unit = pl.coalesce("unit", pl.lit("1"))
    named = fields.counted("item", "item_name", "unit").filter(~ids.is_unsound("item"))
    counted = named.group_by("item", unit.alias("unit")).agg(pl.col("len").sum(), pl.col("item_name").min())
    by_use = counted.sort("item", "len", "unit", descending=[False, True, False])
    items = by_use.unique("item", keep="first", maintain_order=True)
    scale = pl.col("unit").replace_strict(dict(profile.derived_scale), default=str(Scale.RATIO), return_dtype=pl.String)
    return items.select(
        "item",
        "unit",
        pl.col("item_name").alias("name_en"),
        scale.alias("scale"),
        pl.lit(str(CompareMethod.FULL)).alias("compare_method"),
    )
