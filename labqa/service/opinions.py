"""Second opinions on a run: computed on request from its facts, kept nowhere, rated on never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from labqa.analysis import mixed
from labqa.analysis.precision_levels import RESULTS
from labqa.analysis.precision_levels import precision_levels as levels_of
from labqa.core.errors import EvaluationError, UsageError
from labqa.core.periods import of_years
from labqa.core.revisions import in_force
from labqa.core.wording.catalogue import Language, Message
from labqa.service import evaluations, pipeline
from labqa.service.viewer import Viewer, check_may_read_all
from labqa.service.wiring import Platform

CONDITIONS = ("repeatability", "reproducibility")


def mixed_model(
    platform: Platform, run: str, *, viewer: Viewer, scale: Literal["log", "standardised"] = "standardised"
) -> mixed.Opinion:
    """The crossed mixed model of the run's evidence years, beside the robust biases on the same scale."""
    check_may_read_all(viewer)
    opened = platform.run(run)
    facts, rules, seen = evaluations.inputs(platform, opened.manifest)
    recent = {name: opened.table(name) for name in ("samples", "blocks")}
    recent |= {"results": in_force(facts.results)}
    years = {name: of_years(frame, seen.evidence) for name, frame in recent.items()}
    settings = pipeline.bias_settings(rules)
    try:
        return mixed.second_opinion(
            years["results"],
            years["samples"],
            years["blocks"],
            facts.items,
            opened.table("yardsticks"),
            settings,
            scale=scale,
        )
    except EvaluationError as cause:
        raise UsageError("service.no_mixed_model", run=run, cause=cause.message) from cause


def precision_levels(platform: Platform, run: str, *, viewer: Viewer) -> pl.DataFrame:
    """Repeatability and reproducibility of each item against the level, with the item's name and unit; see
    `analysis.precision_levels`. Totals over laboratories: no laboratory is named."""
    check_may_read_all(viewer)
    opened = platform.run(run)
    made = opened.manifest
    items = platform.table(made.programme, "items", version=made.data_version)
    found = levels_of(items, opened.table("pairs"), evaluations.results_of(platform, made, RESULTS))
    return found.join(items.select("item", "name_zh", "name_en", "unit"), on="item", how="left", maintain_order="left")


def model_of(row: Mapping[str, Any]) -> Message:
    """The model of a row of `precision_levels` in words, with its parameters."""
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    return Message(f"precision.model_{row['model']}", {**row, "unit": unit})


def doubt(row: Mapping[str, Any], language: Language) -> str:
    """What stays open of a row of `precision_levels` with a chosen model; empty where nothing does."""
    if row["close"] is None:
        return Message("precision.one_model").text(language)
    return Message("precision.close_models").text(language) if row["close"] else ""
