"""What a reader asks first, answered in a sentence each, with a link to what stands behind it."""

from __future__ import annotations

import polars as pl
from dash import html

from dashboards.address import Address
from dashboards.components.text import Component, link, section
from dashboards.pages import product
from dashboards.pages.proposals import lab_link
from dashboards.reading import Reading
from dashboards.words import Words, count, fixed, interval
from labqa.core.vocabulary import Ground, Proposal


def section_of(reading: Reading, place: Address, words: Words) -> Component | None:
    """Worst agreement, farthest laboratory, proposals, refusals; what a run does not hold is left out."""
    asked = (_product(reading, place, words), _laboratory(reading, place, words), _proposals(reading, words))
    answers = [answer for answer in asked if answer]
    if not answers:
        return None
    listed = html.Ul([html.Li(answer) for answer in [*answers, _refused(reading, place, words)]], className="findings")
    return section(words("findings.title"), listed, name="findings")


def _product(reading: Reading, place: Address, words: Words) -> list[Component] | None:
    """The product on which pairs agree least often, and how many others might be it."""
    found = reading.products.filter(~pl.col("few"))
    if found.height < 2:
        return None
    worst = found.row(0, named=True)
    others = found.slice(1).filter(pl.col("low") <= worst["high"]).height
    name = link(reading.name_of("products", worst["scope_id"], words), place.to(page="product", code=worst["scope_id"]))
    doubt = words("findings.product_doubt", n=count(others)) if others else ""
    return [
        words("findings.product"), name, words("findings.colon"), product.agreeing(worst, words), doubt,
        " ", _down("products", words("findings.all_products")),
    ]  # fmt: skip


def _laboratory(reading: Reading, place: Address, words: Words) -> list[Component] | None:
    """The laboratory whose mean bias is largest, how sure that is, and how many others might lie as far off."""
    if reading.farthest.is_empty():
        return None
    first = reading.farthest.row(0, named=True)
    others = as_far(reading)
    doubt = words("findings.lab_doubt", n=count(others)) if others else ""
    said = words(
        "findings.lab_bias",
        estimate=fixed(first["estimate"], sign=True),
        interval=interval(first["lower"], first["upper"]),
        samples=count(first["n_samples"]),
        partners=count(first["n_partners"]),
    )
    zero = words(f"lab.zero_{first['zero']}") if first["zero"] else ""
    return [
        words("findings.lab"), lab_link(reading, first["lab"], place, words), words("findings.colon"), said, zero, doubt,
        " ", _down("caterpillar", words("findings.all_labs")),
    ]  # fmt: skip


def as_far(reading: Reading) -> int:
    """How many other laboratories might lie as far off as the first: the intervals of the sizes overlap."""
    return reading.farthest.slice(1).filter(pl.col("most") >= reading.farthest["least"][0]).height


def _proposals(reading: Reading, words: Words) -> list[Component] | None:
    """How many downgrades are proposed, on results and by counting."""
    if not reading.assessed:
        return None
    proposed = reading.ratings.filter(pl.col("proposal") == str(Proposal.DOWNGRADE))
    counted = proposed.filter(pl.col("ground").eq_missing(pl.lit(str(Ground.VETO)))).height
    said = words(
        "findings.proposals", n=count(proposed.height), results=count(proposed.height - counted), counted=count(counted)
    )
    return [said, " ", _down("proposals", words("findings.who_and_why"))]


def _refused(reading: Reading, place: Address, words: Words) -> list[Component]:
    if not reading.refused_rows:
        return [words("refusals.none")]
    said = words("findings.refused", n=count(reading.refused_rows))
    return [said, " ", link(words("findings.refused_which"), place.to(page="refusals", code=""), look="down")]


def _down(part: str, text: str) -> Component:
    """A link further down on the page."""
    return html.A(text, href=f"#part-{part}", className="down")
