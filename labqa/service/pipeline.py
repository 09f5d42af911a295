"""From facts to every table of a run, in memory: the one order in which the rooms of analysis and rating are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from labqa.analysis import (
    attribution,
    bias,
    comparability,
    comparison,
    discrepancy,
    gross,
    indicators,
    integrity,
    methods,
    occasions,
    pairing,
    precision,
    selection,
    slopes,
    swaps,
    yardsticks,
)
from labqa.analysis import summary as totals
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.sample_causes import NONE, Causes
from labqa.core import codes, revisions
from labqa.core import tables as t
from labqa.core.memory import trimmed
from labqa.core.periods import of_years
from labqa.core.wording.catalogue import Message
from labqa.rating import classify
from labqa.rating.rulesets import Edition
from labqa.service import kinds
from labqa.service.period import Window, Year

Progress = Callable[[Message, float], None]
_SHARES = {"read": 0.0, "pair": 0.05, "score": 0.2, "bias": 0.35, "rate": 0.8, "write": 0.9}


@dataclass(frozen=True)
class Facts:
    """What a run is made of: accepted results that are in force in the years it reads, with what they superseded; and the
    registers in force."""

    results: pl.DataFrame
    labs: pl.DataFrame
    capabilities: pl.DataFrame
    items: pl.DataFrame
    products: pl.DataFrame
    class_in_force: pl.DataFrame


def run_tables(facts: Facts, edition: Edition, seen: Window, *, progress: Progress | None = None) -> dict[str, pl.DataFrame]:
    """Every table of a run. Pairs and scores cover all years that `seen` reads; biases, precision, flags and indicators
    those of its evidence; comparison results count over the years of the veto."""
    told(progress, "pair")
    results = _read(facts, seen)
    samples = pairing.samples(results, facts.products)
    blocks = pairing.blocks(results, samples)
    pairs = pairing.pairs(results, samples)
    told(progress, "score")
    scale = yardsticks.yardsticks(facts.items, blocks, pairs, results)
    discrepancies = discrepancy.discrepancies(pairs, facts.items, scale, results)
    pt_scores = comparison.pt_scores(results, samples, scale)
    without = yardsticks.without_own(scale, pairs, results)
    told(progress, "bias")
    recent = {name: of_years(frame, seen.evidence) for name, frame in (("results", results), ("samples", samples))}
    recent |= {"blocks": of_years(blocks, seen.evidence), "pairs": of_years(pairs, seen.evidence)}
    earlier = blocks.join(recent["blocks"].select("block"), on="block", how="anti", maintain_order="left")
    del results, blocks  # copies of most of the facts, made again for the summary: the fits need the memory
    near = discrepancies.join(recent["pairs"].select("pair"), on="pair", how="semi", maintain_order="left")
    settings = bias_settings(edition)
    laboratories, used, compared, causes, differ = _of_laboratories(recent, near, facts, scale, without, edition)
    del recent["blocks"]  # from here on they count as the fit used them
    trimmed()
    of_kinds = kinds.tables(recent["results"], used, facts.items, scale, laboratories["lab_bias"], settings)
    trimmed()
    flags = integrity.flags(
        recent["results"], recent["samples"], facts.items, facts.capabilities, recent["pairs"], near, scale, causes, differ
    )
    told(progress, "rate")
    found = indicators.indicators(
        laboratories["lab_bias"],
        laboratories["lab_precision"],
        near,
        recent["pairs"],
        of_years(pt_scores, seen.veto),
        flags,
        used,
        recent["results"],
        compared,
        yardsticks=scale,
    )
    ratings, reasons = classify.rate(found, facts.class_in_force, facts.labs, edition, seen.as_of)
    all_blocks = pl.concat([used, earlier.with_columns(why_not=pl.lit("service.before_evidence"))])
    run = {
        "samples": samples,
        "blocks": all_blocks,
        "pairs": pairs,
        "yardsticks": scale,
        "yardsticks_without": without,
        "discrepancies": discrepancy.with_sample_causes(discrepancies, pairs, used),
        "pt_scores": pt_scores,
        **laboratories,
        **of_kinds.tables,
        "evidence_use": kinds.use(facts.results, all_blocks, facts.items, of_kinds),
        "flags": flags,
        "indicators": found,
        "ratings": ratings,
        "reasons": reasons,
    }
    summary = totals.summary(run, _read(facts, seen), label=seen.label, years=seen.asked, lookback=seen.read)
    tables = run | {"summary": summary}
    return {name: t.shaped(codes.written(frame), t.RUN_TABLES[name]) for name, frame in tables.items()}


def _of_laboratories(
    recent: dict[str, pl.DataFrame],
    near: pl.DataFrame,
    facts: Facts,
    scale: pl.DataFrame,
    without: pl.DataFrame,
    edition: Edition,
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame, pl.DataFrame, Causes, pl.DataFrame]:
    """What the network says of the laboratories, table by table; BLOCKS as the fit used them; the tests that `gross.compared`
    finds compared; what is charged to samples; and who differs between occasions.

    `near` are the DISCREPANCIES of the `recent` pairs. Contrasts come first: they rest on the inverse that the variance
    components have left; who differs between occasions is asked before the biases need another. Influences are next to the
    biases, for theirs; what is fitted after them needs neither.
    """
    results, items, settings = recent["results"], facts.items, bias_settings(edition)
    swapped = swaps.interchanged(recent["pairs"], near, results, items)
    network, used = bias.networked(results, recent["blocks"], items, scale, settings, without=without, swapped=swapped)
    contrasts = comparability.lab_contrasts(network, settings)
    differ = occasions.differing(
        occasions.of_occasions(results, recent["blocks"], items, scale, network, settings, swapped=swapped)
    )
    trimmed()
    lab_bias = bias.stated(network, results, recent["blocks"], settings)
    compared = gross.compared(recent["pairs"], near, used, results)
    lab_bias = gross.withheld(lab_bias, compared, settings)
    lab_bias = occasions.withheld(lab_bias, differ, settings)
    influence = attribution.lab_influence(lab_bias, network)
    trimmed()
    selected = selection.lab_selection(results, recent["pairs"], used, items, scale, lab_bias, network, settings)
    trimmed()
    tables = {
        "lab_bias": lab_bias,
        "lab_influence": influence,
        "lab_contrasts": contrasts,
        "lab_selection": selected,
        "lab_precision": precision.lab_precision(results, network, settings, tolerated=edition.number("tolerated_precision")),
        "lab_slopes": slopes.lab_slopes(network, items, lab_bias, settings),
        "method_bias": methods.method_bias(results, network, settings),
    }
    return tables, used, compared, network.causes if network is not None else NONE, differ


def bias_settings(edition: Edition) -> BiasSettings:
    """Settings of the bias fit that the edition states; the others are the fit's defaults."""
    return BiasSettings(
        delta0=edition.number("tolerated_bias"), alpha=edition.number("error_rate"), swing=edition.number("yardstick_swing")
    )


def _read(facts: Facts, seen: Window) -> pl.DataFrame:
    """Results in force in the years that are read."""
    return of_years(revisions.in_force(facts.results), seen.read)


def read_by(results: pl.DataFrame, years: Sequence[Year]) -> pl.DataFrame:
    """Results in force in one of `years`, with all revisions that they superseded, whatever year those stated."""
    if not (results["revision"] > 0).any():
        return of_years(results, years)
    here = of_years(revisions.in_force(results), years)
    return results.join(here, on=revisions.KEY, how="semi", nulls_equal=True, maintain_order="left")


def told(progress: Progress | None, step: str) -> None:
    """Tell the user which step begins."""
    if progress is not None:
        progress(Message(f"service.step_{step}"), _SHARES[step])
