"""How comparable a laboratory is with its partners: its place in the network, direct against indirect evidence."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.figures import figure
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, more, note, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import MOST, Reading
from dashboards.words import Words, count, fixed, interval
from labqa.core.vocabulary import Status
from labqa.figures.charts import comparability as charts


def section_of(reading: Reading, whole: dict[str, Any], place: Address, words: Words) -> Component | None:
    """Partners as a network, the differences to each by both kinds of evidence, and a table; nothing without partners."""
    found = reading.lab_contrasts(place.code)
    partners = found.filter(pl.col("other") != "")
    if partners.is_empty():
        return None
    claimed = partners["network"].is_not_null().any()
    labs, language = reading.registers["labs"], words.language
    ego = charts.ego_network(found, reading.among(partners["other"].to_list()), labs, place.code, language)
    forest = charts.partner_forest(found, labs, place.code, language)
    return section(
        words("contrast.title"),
        note(*_sentences(found, partners, whole, words), look="said"),
        figure("ego", ego, leads="lab", says=words("contrast.network_says")),
        figure("partners", forest, leads="lab", says=words("contrast.forest_says"))
        if claimed
        else note(words("contrast.no_sign"), look="empty"),
        more(words("contrast.all", n=count(partners.height)), _listed(reading, partners, place, words)),
        name="comparability",
        says=words("contrast.says"),
    )


def _sentences(found: pl.DataFrame, partners: pl.DataFrame, whole: dict[str, Any], words: Words) -> list[Component]:
    """How many could be checked both ways, how many disagree, on which bridges it hangs, and how firmly the zero is tied."""
    tested = partners.filter(pl.col("agree").is_not_null()).height
    off = partners.filter(charts.disagree()).height
    bridges = partners.filter(pl.col("bridge").fill_null(value=False)).height
    zero = found.filter((pl.col("other") == "") & pl.col("equivalent_pairs").is_not_null())
    if not tested:
        checked = words("contrast.none_tested", n=count(partners.height))
    elif off:
        checked = words("contrast.some_disagree", n=count(partners.height), tested=count(tested), off=count(off))
    else:
        checked = words("contrast.all_agree", n=count(partners.height), tested=count(tested))
    return [
        words("contrast.component", n=count(whole["component_labs"])) if whole else "",
        checked,
        words("contrast.bridges", n=count(bridges)) if bridges else words("contrast.no_bridge"),
        words(f"contrast.{zero['reason'][0].rpartition('.')[2]}", pairs=fixed(zero["equivalent_pairs"][0], places=0))
        if zero.height
        else "",
    ]


def _listed(reading: Reading, partners: pl.DataFrame, place: Address, words: Words) -> Component:
    columns = (
        Column(words("contrast.partner"), first=True),
        Column(words("contrast.samples"), figure=True),
        Column(words("contrast.equivalent"), figure=True),
        Column(words("contrast.direct"), figure=True),
        Column(words("contrast.indirect"), figure=True),
        Column(words("contrast.network"), figure=True),
        Column("q", figure=True),
        Column(words("contrast.scatter"), figure=True),
        Column(words("contrast.finding")),
    )
    order = partners.sort(charts.disagree(), "n_samples", "other", descending=[True, True, False])
    rows = [
        [
            lab_link(reading, row["other"], place, words),
            count(row["n_samples"]),
            fixed(row["equivalent_pairs"], places=1),
            _with_ends(row, "direct", "direct_"),
            _with_ends(row, "indirect", "indirect_"),
            _with_ends(row, "network", ""),
            fixed(row["q_value"], places=3),
            _scatter(row),
            _finding(row, words),
        ]
        for row in order.head(MOST).iter_rows(named=True)
    ]
    return table(columns, rows, caption=words("contrast.title"), words=words, of=partners.height)


def _scatter(row: dict[str, Any]) -> str:
    """SD of the differences with its interval; it has no sign."""
    if row["pair_sd"] is None:
        return fixed(None)
    return f"{fixed(row['pair_sd'])} [{fixed(row['pair_sd_lower'])}, {fixed(row['pair_sd_upper'])}]"


def _with_ends(row: dict[str, Any], name: str, before: str) -> str:
    if row[name] is None:
        return fixed(None)
    return f"{fixed(row[name], sign=True)} {interval(row[f'{before}lower'], row[f'{before}upper'])}"


def _finding(row: dict[str, Any], words: Words) -> Component:
    """Whether both kinds of evidence agree, or why that cannot be told."""
    if row["status"] != str(Status.ASSESSED):
        return [status.tag(row["status"], words), " ", words.reason(row["reason"])]
    return words("contrast.agrees" if row["agree"] else "contrast.disagrees")
