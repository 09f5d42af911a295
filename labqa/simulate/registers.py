"""Registers of a simulated network: laboratories, their capabilities, and the class in force of each."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from labqa.core import tables
from labqa.simulate.card import Card
from labqa.simulate.catalogue import Catalogue
from labqa.simulate.frames import owner_name
from labqa.simulate.population import Population
from labqa.simulate.randomness import stream

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CLASSES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ")
SHARES = (0.15, 0.57, 0.275, 0.005)
"""Shares of the classes in force, near Guangdong 2015: 17.6, 56.9, 25.5, 0 %."""
POINTS = {"Ⅰ": (100.0, 104.0), "Ⅱ": (96.0, 99.5), "Ⅲ": (85.0, 95.5), "Ⅳ": (70.0, 79.5)}
DECISION = "模拟公告{year}年第1号"


def credit_code(number: int) -> str:
    """A unified social credit code of the unused area 990000 with its check character (GB 32100: weights 3^i mod 31)."""
    body = f"91990000{number:09d}"
    total = sum(ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def labs(card: Card, people: Population) -> pl.DataFrame:
    """The register of laboratories."""
    regions = [card.labs.regions[k] for k in people.region]
    frame = pl.DataFrame(
        {
            "lab": people.codes,
            "name_zh": [f"{region}模拟检测中心{code[1:]}" for region, code in zip(regions, people.codes, strict=True)],
            "name_en": [f"Simulated testing centre {code[1:]}" for code in people.codes],
            "credit_code": [credit_code(k + 1) for k in range(len(people.codes))],
            "region": regions,
            "owner": pl.Series([owner_name(k) for k in people.owner.tolist()], dtype=pl.String),
        }
    )
    return tables.shaped(frame, tables.Labs)


def capabilities(card: Card, catalogue: Catalogue, people: Population) -> pl.DataFrame:
    """What each laboratory is approved to test, from the year before its first work."""
    lab, family = np.nonzero(people.families)
    started = np.where(people.new[lab], card.first_year + card.n_years - 1, card.first_year - 1)
    frame = pl.DataFrame(
        {
            "lab": [people.codes[k] for k in lab],
            "family": [catalogue.families[k] for k in family],
            "valid_from": [date(year, 1, 1) for year in started.tolist()],
        }
    )
    return tables.shaped(frame, tables.Capabilities)


def class_in_force(card: Card, people: Population, *, seed: int) -> pl.DataFrame:
    """The class of each laboratory but the new: planted ones Ⅰ or Ⅱ, so that a downgrade can show; the rest by real shares."""
    rng = stream(seed, "register")
    drawn = rng.choice(len(CLASSES), size=card.labs.n, p=SHARES)
    drawn[people.planted] = rng.integers(0, 2, int(people.planted.sum()))
    share = rng.random(card.labs.n)
    held = [(code, CLASSES[k], at) for code, k, at, new in zip(people.codes, drawn, share, people.new, strict=True) if not new]
    points = [round(POINTS[one][0] + at * (POINTS[one][1] - POINTS[one][0]), 1) for _, one, at in held]
    frame = pl.DataFrame(
        {
            "lab": [lab for lab, _, _ in held],
            "valid_from": [date(card.first_year, 1, 1)] * len(held),
            "lab_class": [one for _, one, _ in held],
            "points": points,
            "decision": [DECISION.format(year=card.first_year)] * len(held),
        },
        schema_overrides={"points": pl.Float64, "lab": pl.String, "valid_from": pl.Date},
    )
    return tables.shaped(frame, tables.ClassInForce)
