"""Facts of small simulated networks, and their evaluation by the shipped edition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from labqa.rating import rulesets
from labqa.service import pipeline
from labqa.service.period import Window, window
from labqa.service.pipeline import Facts
from labqa.simulate import card
from labqa.simulate.card import Card
from labqa.simulate.network import Simulated

EDITION = rulesets.load("cn-2012-26")


def calm(*, n_years: int, n: int, blameless: int, **labs: Any) -> Card:
    """The demo's network of `n` laboratories in groups of three, without planted faults; `labs`: what else differs of them."""
    demo = card.load("demo")
    return replace(
        demo, n_years=n_years, planted=(), labs=replace(demo.labs, n=n, blameless=blameless, **{"group_size": 3} | labs)
    )


def facts_of(made: Simulated, results: pl.DataFrame | None = None) -> Facts:
    """What a run of a simulated network reads; `results` instead of its own."""
    given = made.results if results is None else results
    return Facts(given, made.labs, made.capabilities, made.items, made.products, made.class_in_force)


def seen(facts: Facts, period: str | None = None, *, pooled: int = 3, read: int = 5) -> Window:
    """The window of a period, else of the last year, that pools and reads so many years."""
    years = facts.results["period"].unique().to_list()
    return window(period or str(max(years)), years, evidence_years=pooled, veto_years=pooled, trend_years=read)


def evaluated(facts: Facts, period: str | None = None, *, pooled: int = 3, read: int = 5) -> dict[str, pl.DataFrame]:
    """Every table of the evaluation of a period, else of the last year."""
    return pipeline.run_tables(facts, EDITION, seen(facts, period, pooled=pooled, read=read))
