"""How comparable a laboratory is with its partners: its place in the network, direct against indirect evidence."""

from __future__ import annotations

from typing import Any

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
from labqa.figures.charts import ego

Row = dict[str, Any]


def section_of(reading: Reading, whole: Row, place: Address, words: Words) -> Component | None:
    """Partners as a network, the differences to each by both kinds of evidence, and a table; nothing without partners."""
    found = reading.lab_contrasts(place.code)
    rows = list(found.iter_rows(named=True))
    partners = [row for row in rows if row["other"]]
    if not partners:
        return None
    met, language = [row["other"] for row in partners], words.language
    labs = reading.labs([place.code, *met])
    around = ego.ego_network(found, reading.among(met), labs, place.code, language)
    forest = charts.partner_forest(found, labs, place.code, language)
    return section(
        words("contrast.title"),
        note(*_sentences(rows, partners, whole, words), look="said"),
        figure("ego", around, leads="lab", says=words("contrast.network_says")),
        figure("partners", forest, leads="lab", says=words("contrast.forest_says"))
        if any(row["network"] is not None for row in partners)
        else note(words("contrast.no_sign"), look="empty"),
        more(words("contrast.all", n=count(len(partners))), _listed(reading, partners, place, words)),
        name="comparability",
        says=words("contrast.says"),
    )


def _sentences(rows: list[Row], partners: list[Row], whole: Row, words: Words) -> list[Component]:
    """How many could be checked both ways, how many disagree, on which bridges it hangs, and how firmly the zero is tied."""
    tested = sum(row["agree"] is not None for row in partners)
    off = sum(map(charts.disagree, partners))
    bridges = sum(bool(row["bridge"]) for row in partners)
    zero = next((row for row in rows if not row["other"] and row["equivalent_pairs"] is not None), None)
    if not tested:
        checked = words("contrast.none_tested", n=count(len(partners)))
    elif off:
        checked = words("contrast.some_disagree", n=count(len(partners)), tested=count(tested), off=count(off))
    else:
        checked = words("contrast.all_agree", n=count(len(partners)), tested=count(tested))
    return [
        words("contrast.component", n=count(whole["component_labs"])) if whole else "",
        checked,
        words("contrast.bridges", n=count(bridges)) if bridges else words("contrast.no_bridge"),
        words(f"contrast.{zero['reason'].rpartition('.')[2]}", pairs=fixed(zero["equivalent_pairs"], places=0)) if zero else "",
    ]


def _listed(reading: Reading, partners: list[Row], place: Address, words: Words) -> Component:
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
        for row in charts.worst_first(partners)[:MOST]
    ]
    return table(columns, rows, caption=words("contrast.title"), words=words, of=len(partners))


def _scatter(row: Row) -> str:
    """SD of the differences with its interval; it has no sign."""
    if row["pair_sd"] is None:
        return fixed(None)
    return f"{fixed(row['pair_sd'])} [{fixed(row['pair_sd_lower'])}, {fixed(row['pair_sd_upper'])}]"


def _with_ends(row: Row, name: str, before: str) -> str:
    if row[name] is None:
        return fixed(None)
    return f"{fixed(row[name], sign=True)} {interval(row[f'{before}lower'], row[f'{before}upper'])}"


def _finding(row: Row, words: Words) -> Component:
    """Whether both kinds of evidence agree, or why that cannot be told."""
    if row["status"] != str(Status.ASSESSED):
        return [status.tag(row["status"], words), " ", words.reason(row["reason"])]
    return words("contrast.agrees" if row["agree"] else "contrast.disagrees")
