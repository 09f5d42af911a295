"""EVIDENCE_USE: what became of every result that the run read: the method that used it, or the reason why none did."""

from __future__ import annotations

import polars as pl

from labqa.analysis.censored import USED_REASONS
from labqa.core import tables as t
from labqa.core.revisions import in_force
from labqa.core.vocabulary import BlockKind, EvidenceKind, Qualifier, Role, Scale, UsedBy

KEY = ["item", "kind", "used_by", "reason"]
_COMPARED = [str(BlockKind.PAIR), str(BlockKind.MULTIPLE)]


def evidence_use(
    results: pl.DataFrame, blocks: pl.DataFrame, items: pl.DataFrame, compared: pl.DataFrame, interval_blocks: pl.DataFrame
) -> pl.DataFrame:
    """EVIDENCE_USE: blocks, each in one row; results in no block (not applicable, superseded, assigned), in rows with 0 blocks.

    `blocks` as the bias step left them, `compared` the rows of `comparable.stated`, `interval_blocks` the blocks that the
    interval likelihood used.
    """
    of_blocks = _of_blocks(blocks, items, compared, interval_blocks)
    counted = of_blocks.group_by(KEY).agg(
        n_blocks=pl.len(), n_results=pl.col("n_results").sum(), n_also_interval=pl.col("also").sum()
    )
    rest = _outside(results).group_by("item", "kind", "reason").agg(n_results=pl.len()).with_columns(
        n_blocks=0, n_also_interval=0, used_by=pl.when(pl.col("kind") == str(EvidenceKind.ASSIGNED)).then(
            pl.lit(str(UsedBy.FIT))).otherwise(pl.lit(str(UsedBy.NONE))),
    )  # fmt: skip
    together = pl.concat([t.shaped(one, t.EvidenceUse) for one in (counted, rest)])
    named = together.drop("scale").join(items.select("item", "scale"), on="item", how="left")
    return t.shaped(named.with_columns(pl.col("reason").fill_null("")), t.EvidenceUse).sort(KEY)


def _of_blocks(
    blocks: pl.DataFrame, items: pl.DataFrame, compared: pl.DataFrame, interval_blocks: pl.DataFrame
) -> pl.DataFrame:
    """Each block with its kind, the method that used it and the reason why none did."""
    rows = (
        blocks.join(items.select("item", "scale"), on="item", how="left", maintain_order="left")
        .join(compared.select("block", comparable=True).unique(), on="block", how="left", maintain_order="left")
        .join(interval_blocks.select("block", interval=True).unique(), on="block", how="left", maintain_order="left")
        .with_columns(pl.col("comparable", "interval").fill_null(value=False))
    )
    word = {name: pl.lit(str(one)) for name, one in EvidenceKind.__members__.items()}
    kind = (
        pl.when(pl.col("kind") == str(BlockKind.SINGLE)).then(word["SINGLE"])
        .when(pl.col("kind") == str(BlockKind.DUPLICATE)).then(word["DUPLICATE"])
        .when(pl.col("scale") == str(Scale.ORDINAL)).then(word["GRADES"])
        .when(pl.col("scale") == str(Scale.BINARY)).then(word["YES_NO"])
        .when(pl.col("n_quantified") == 0).then(word["ALL_CENSORED"])
        .when(pl.col("n_quantified") < pl.col("n_results")).then(word["SOME_CENSORED"])
        .otherwise(word["QUANTIFIED"])
    )  # fmt: skip
    before = pl.col("why_not").eq_missing(pl.lit("service.before_evidence"))
    graded, binary = pl.col("scale") == str(Scale.ORDINAL), pl.col("scale") == str(Scale.BINARY)
    open_to = pl.col("comparable") & ~before
    used_by = (
        pl.when("used_for_bias").then(pl.lit(str(UsedBy.FIT)))
        .when(pl.col("interval") & ~before).then(pl.lit(str(UsedBy.INTERVAL)))
        .when(graded & open_to).then(pl.lit(str(UsedBy.GRADES)))
        .when(binary & open_to).then(pl.lit(str(UsedBy.AGREEMENT)))
        .otherwise(pl.lit(str(UsedBy.NONE)))
    )  # fmt: skip
    unused = (
        pl.when((graded | binary) & ~before & pl.col("kind").is_in(_COMPARED)).then(pl.lit("bias.objection"))
        .when(pl.col("why_not").is_in(USED_REASONS)).then(pl.lit("kinds.few_at_limit"))
        .otherwise("why_not")
    )  # fmt: skip
    return rows.with_columns(used_by=used_by, evidence_kind=kind).select(
        "item",
        "n_results",
        "used_by",
        kind="evidence_kind",
        reason=pl.when(pl.col("used_by") == str(UsedBy.NONE)).then(unused),
        also=pl.col("interval") & pl.col("used_for_bias"),
    )


def _outside(results: pl.DataFrame) -> pl.DataFrame:
    """Results that stand in no block, with what they are and why."""
    not_applicable = pl.col("qualifier") == str(Qualifier.NOT_APPLICABLE)
    last = in_force(results)
    superseded = results.head(0) if last is results else results.join(last, on="result", how="anti")
    old = superseded.with_columns(kind=pl.lit(str(EvidenceKind.SUPERSEDED)), reason=pl.lit("kinds.superseded"))
    assigned = last.filter((pl.col("role") == str(Role.ASSIGNED)) & ~not_applicable).with_columns(
        kind=pl.lit(str(EvidenceKind.ASSIGNED)), reason=pl.lit(None, dtype=pl.String)
    )
    absent = last.filter(not_applicable).with_columns(
        kind=pl.lit(str(EvidenceKind.NOT_APPLICABLE)), reason=pl.lit("kinds.not_applicable")
    )
    return pl.concat([one.select("item", "kind", "reason") for one in (old, assigned, absent)])
