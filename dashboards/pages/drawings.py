"""The figures of each page, each under a sentence that says what it shows and what it does not."""

from __future__ import annotations

from collections import Counter

import polars as pl
from dash import html

from dashboards.address import Address
from dashboards.components.figures import figure
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, link, note, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import Reading
from dashboards.words import Words, amount, count, fixed, interval
from labqa.core.vocabulary import PairKind
from labqa.figures.charts import agreement, biases, classes, maps, pairs, rounds, trends
from labqa.service.queries import PairView

TOP = 10
"""Pairs listed under the figure of the largest differences."""


def of_network(reading: Reading, place: Address, words: Words) -> list[Component]:
    """Classes, biases and the map of laboratories by product family; only where laboratories could be assessed."""
    language = words.language
    labs, products = reading.registers["labs"], reading.registers["products"]
    return [
        section(
            words("figures.classes"),
            figure("classes", classes.class_distribution(reading.ratings, language)),
            name="classes",
            says=words("figures.classes_says"),
        ),
        section(
            words("figures.caterpillar"),
            figure("caterpillar", biases.caterpillar(reading.whole_bias, labs, language, delta_0=reading.delta_0), leads="lab"),
            *_farthest(reading, place, words),
            name="caterpillar",
            says=words("figures.caterpillar_says", delta=f"{reading.delta_0:g}"),
        ),
        section(
            words("figures.map"),
            figure("map", maps.heat_map_bias(reading.family_bias, labs, products, language), leads="lab"),
            name="map",
            says=words("figures.map_says"),
        ),
    ]


def _farthest(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The laboratories that lie farthest off, on either side, with what is known of each."""
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("labs.bias"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("labs.samples"), figure=True),
        Column(words("labs.partners"), figure=True),
        Column(words("pair.zero")),
    )
    rows = [
        [
            lab_link(reading, row["lab"], place, words),
            fixed(row["estimate"], sign=True),
            interval(row["lower"], row["upper"]),
            count(row["n_samples"]),
            count(row["n_partners"]),
            words(f"word.zero_{row['zero']}") if row["zero"] else "",
        ]
        for row in reading.farthest.head(TOP).iter_rows(named=True)
    ]
    heading = html.Div([html.H3(words("figures.farthest")), note(words("figures.farthest_says"))], className="sub")
    return [heading, table(columns, rows, caption=words("figures.farthest"), words=words)]


def _by_product(reading: Reading, words: Words) -> Component | None:
    """How often pairs of each product agree; a click opens the product."""
    called = {
        row["product"]: words.name(row, otherwise=row["product"]) for row in reading.registers["products"].iter_rows(named=True)
    }
    drawn = agreement.agreement_by(
        reading.summary, called, words.language, by="product", period=reading.manifest.period, limit=40
    )
    if drawn.n_shown < 2:
        return None
    return section(
        words("figures.products"),
        figure("products", drawn, leads="product"),
        name="products",
        says=words("figures.products_says"),
    )


def of_pairs(reading: Reading, place: Address, words: Words) -> list[Component]:
    """Where pairs differ most, how often they agree by item, and the years; these blame nobody."""
    language, items = words.language, reading.registers["items"]
    parts = []
    if reading.scored.filter((pl.col("kind") == str(PairKind.BETWEEN)) & pl.col("r_ratio").is_not_null()).height:
        drawn = figure("largest", pairs.largest_discrepancies(reading.scored, items, language), leads="pair")
        listed = _largest(reading, place, words)
        parts.append(section(words("figures.largest"), drawn, listed, name="largest", says=words("figures.largest_says")))
    by_product = _by_product(reading, words)
    parts.append(by_product)
    (_, between), (_, repeated) = reading.total("agreement_share"), reading.total("duplicate_agreement_share")
    metric = "agreement_share" if (between or 0) >= (repeated or 0) else "duplicate_agreement_share"
    called = _told_apart({row["item"]: words.name(row, otherwise=row["item"]) for row in items.iter_rows(named=True)})
    shares = agreement.agreement_by(reading.summary, called, language, by="item", period=reading.manifest.period, metric=metric)
    if not shares.is_empty:
        parts.append(
            section(
                words(f"figures.{metric}"),
                figure("agreement", shares),
                name="agreement",
                says=words(f"figures.{metric}_says"),
                folded=by_product is not None,
            )
        )
    years = trends.five_year_trend(reading.summary, language, measure="agreement_share")
    if not years.is_empty:
        parts.append(section(words("figures.years"), figure("years", years), name="years", says=words("figures.years_says")))
    return [part for part in parts if part is not None]


def _told_apart(called: dict[str, str]) -> dict[str, str]:
    """Names of items, with the code where several share a name."""
    times = Counter(called.values())
    return {code: name if times[name] == 1 else f"{name} {code}" for code, name in called.items()}


def _largest(reading: Reading, place: Address, words: Words) -> Component:
    columns = (
        Column(words("word.sample"), first=True),
        Column(words("word.item")),
        Column(words("word.original_lab")),
        Column(words("word.retest_lab")),
        Column(words("word.original_value"), figure=True),
        Column(words("word.retest_value"), figure=True),
        Column(words("word.d"), figure=True),
        Column(words("word.r_ratio"), figure=True),
    )
    found = reading.scored.filter(pl.col("kind") == str(PairKind.BETWEEN)).drop_nulls("r_ratio")
    rows = [
        [
            link(row["sample"], place.pair(row["pair"])),
            reading.name_of("items", row["item"], words),
            lab_link(reading, row["original_lab"], place, words),
            lab_link(reading, row["retest_lab"], place, words),
            amount(row["original_value"]),
            amount(row["retest_value"]),
            fixed(row["d"], places=1, sign=True),
            fixed(row["r_ratio"], places=1),
        ]
        for row in found.sort("r_ratio", "pair", descending=[True, False]).head(TOP).iter_rows(named=True)
    ]
    return table(columns, rows, caption=words("figures.largest"), words=words)


def of_items(reading: Reading, bias: pl.DataFrame, place: Address, words: Words) -> Component:
    """Biases of one laboratory by item."""
    return figure(
        "forest", biases.lab_forest(bias, reading.registers["items"], place.code, words.language, delta_0=reading.delta_0)
    )


def of_scores(reading: Reading, scores: pl.DataFrame, place: Address, words: Words) -> Component:
    """z scores of one laboratory, each leading to its delivered row."""
    spec = rounds.z_bars(scores, reading.registers["items"], place.code, words.language, z_limit=reading.z_limit)
    return figure("scores", spec, leads="result")


def of_years(scored: pl.DataFrame, scores: pl.DataFrame, place: Address, words: Words) -> Component | None:
    """One laboratory year by year, from its pairs and its comparison results."""
    spec = trends.lab_trend(scored, scores, place.code, words.language)
    return None if spec.is_empty else figure("trend", spec, says=words("figures.lab_years_says"))


def of_pair(view: PairView, words: Words) -> Component:
    """Both results on one axis, with tolerance and limits."""
    spec = pairs.pair_figure(view.pair, view.discrepancy, view.original, view.retest, view.item, words.language)
    return figure("pair", spec)
