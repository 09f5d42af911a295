"""The data dictionary: every table as a contract, with meaning, unit and source of each column.

Facts are what was delivered (`registers`, `delivered`); all other tables belong to an evaluation run. Null means
absent; NaN never enters a table. Frames are checked against these contracts at two boundaries only: ingest → facts, and
run write.
"""

from __future__ import annotations

from functools import cache

import dataframely as dy
import polars as pl

from labqa.core.tables.columns import DIGITS
from labqa.core.tables.comparisons import Blocks, Discrepancies, Pairs, PtScores, Samples, Yardsticks, YardsticksWithout
from labqa.core.tables.delivered import Refusals, Results
from labqa.core.tables.laboratories import (
    EvidenceUse,
    LabAgreement,
    LabBias,
    LabCensored,
    LabContrasts,
    LabGrades,
    LabInfluence,
    LabPrecision,
    LabSelection,
    LabSlopes,
    MethodBias,
)
from labqa.core.tables.ratings import Flags, Indicators, Ratings, Reasons, Summary
from labqa.core.tables.registers import Capabilities, ClassInForce, Items, Labs, Products

__all__ = [
    "DIGITS",
    "FACT_TABLES",
    "RUN_TABLES",
    "Blocks",
    "Capabilities",
    "ClassInForce",
    "Discrepancies",
    "EvidenceUse",
    "Flags",
    "Indicators",
    "Items",
    "LabAgreement",
    "LabBias",
    "LabCensored",
    "LabContrasts",
    "LabGrades",
    "LabInfluence",
    "LabPrecision",
    "LabSelection",
    "LabSlopes",
    "Labs",
    "MethodBias",
    "Pairs",
    "Products",
    "PtScores",
    "Ratings",
    "Reasons",
    "Refusals",
    "Results",
    "Samples",
    "Summary",
    "Yardsticks",
    "YardsticksWithout",
    "empty",
    "shaped",
]

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
    """The frame with the table's columns in dictionary order, missing ones null, types cast; text that is kept as codes stays
    so, and nothing is checked."""
    types = _types(schema)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in types.items() if name not in frame.columns]
    whole = frame.with_columns(missing)
    coded = {name for name, dtype in whole.schema.items() if isinstance(dtype, pl.Categorical)}
    return whole.select(pl.col(name) if name in coded else pl.col(name).cast(dtype) for name, dtype in types.items())
