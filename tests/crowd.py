"""A platform in memory whose national run has more of everything than a page may send."""

from __future__ import annotations

import polars as pl

from labqa.core.tables import RUN_TABLES
from tests import fakes

LABS, TIMES = 6_000, 250
LAB = "L0001"
OF_THE_LAB = {
    "pairs": ("pair",), "discrepancies": ("pair",), "pt_scores": ("result",), "flags": ("flag",), "lab_influence": ("what",),
    "lab_contrasts": ("other",), "lab_grades": ("item",), "lab_censored": ("item",), "lab_slopes": ("scope_id",),
    "lab_bias": ("scope_id",), "evidence_use": ("item",), "yardsticks": ("item",), "summary": ("scope_id",),
}  # fmt: skip
"""Tables of which a page shows many rows of one laboratory, product, item or run, with the key told apart in copies."""


def copies(frame: pl.DataFrame, n: int, *keys: str) -> pl.DataFrame:
    """Each row `n` times, its keys told apart; a row with an empty key stands once."""
    many = frame.join(pl.DataFrame({"copy": range(n)}), how="cross")
    named = pl.all_horizontal(pl.col(key).fill_null("") != "" for key in keys)
    told = [pl.when(pl.col("copy") > 0).then(pl.format("{}~{}", key, "copy")).otherwise(key).alias(key) for key in keys]
    return many.filter(named | (pl.col("copy") == 0)).with_columns(told).drop("copy")


def platform() -> fakes.FakePlatform:
    """The fake platform with 6,000 laboratories in its national run, and 250 of whatever one laboratory or page has one of."""
    made = fakes.platform(n_labs=12)
    tables = next(run.tables for run in made.opened.values() if run.manifest.programme == "national")
    facts = made.facts["national"]
    cited = [*tables["pairs"]["pair"].head(300), *tables["pt_scores"]["result"].head(300)]
    for name, keys in OF_THE_LAB.items():
        found = tables[name]
        many = pl.col("scope").is_in(["product", "item"]) if name == "summary" else pl.lit(value=True)
        tables[name] = pl.concat([copies(found.filter(many), TIMES, *keys), found.filter(~many)])
    for name in ("reasons", "flags"):
        tables[name] = tables[name].with_columns(evidence=pl.lit(pl.Series([cited])).first())
    tables["flags"] = tables["flags"].with_columns(lab=pl.lit(LAB))
    whole = tables["lab_bias"].filter(pl.col("scope") == "lab")
    tables["lab_bias"] = pl.concat([tables["lab_bias"], copies(whole, LABS // 12, "lab")]).unique(
        ["lab", "scope", "scope_id"], keep="first", maintain_order=True
    )
    tables["ratings"] = copies(tables["ratings"], LABS // 12, "lab")
    for name, frame in tables.items():
        tables[name] = frame.sort(RUN_TABLES[name].primary_key())
    facts["labs"], facts["items"] = copies(facts["labs"], LABS // 12, "lab"), copies(facts["items"], TIMES, "item")
    facts["refusals"] = facts["refusals"].join(pl.DataFrame({"again": range(TIMES)}), how="cross").drop("again")
    return made
