"""How comparable a laboratory is with its partners: its place in the network, direct against indirect evidence."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboards.address import Address
from dashboards.components.figures import figure
from dashboards.components.tables import COUNTED, SEARCHED, WRAPPED, grid, linked, narrow, probability, signed
from dashboards.components.text import Component, more, note, section
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
    figures = {"type": "rightAligned", "sortable": False, "width": 165}
    columns = [
        linked(
            "partner",
            words("contrast.partner"),
            link="url",
            minWidth=230,
            flex=1,
            **narrow(150),
            **SEARCHED,
            **COUNTED,
        ),
        {"field": "samples", "headerName": words("contrast.samples"), "type": "rightAligned", "width": 95},
        {"field": "worth", "headerName": words("contrast.equivalent"), "width": 110, **signed(form=".1f")},
        {"field": "direct", "headerName": words("contrast.direct"), **figures},
        {"field": "indirect", "headerName": words("contrast.indirect"), **figures},
        {"field": "network", "headerName": words("contrast.network"), **figures, **narrow(170)},
        {"field": "q", "headerName": "q", "width": 80, **probability()},
        {"field": "scatter", "headerName": words("contrast.scatter"), **figures},
        {
            "field": "finding",
            "headerName": words("contrast.finding"),
            "minWidth": 160,
            "flex": 1,
            **WRAPPED,
            **SEARCHED,
        },
    ]
    rows = [
        {
            "partner": reading.named("labs", row["other"], words),
            "url": place.lab(row["other"]).url,
            "samples": row["n_samples"],
            "worth": row["equivalent_pairs"],
            "direct": _with_ends(row, "direct", "direct_"),
            "indirect": _with_ends(row, "indirect", "indirect_"),
            "network": _with_ends(row, "network", ""),
            "q": row["q_value"],
            "scatter": _scatter(row),
            "finding": _finding(row, words),
        }
        for row in charts.worst_first(partners)[:MOST]
    ]
    most = note(words("shell.first_of", shown=count(MOST), of=count(len(partners)))) if len(partners) > MOST else None
    return html.Div([grid("contrasts", columns, rows, words=words), most])


def _scatter(row: Row) -> str:
    """SD of the differences with its interval; it has no sign."""
    if row["pair_sd"] is None:
        return fixed(None)
    return f"{fixed(row['pair_sd'])} [{fixed(row['pair_sd_lower'])}, {fixed(row['pair_sd_upper'])}]"


def _with_ends(row: Row, name: str, before: str) -> str:
    if row[name] is None:
        return fixed(None)
    return f"{fixed(row[name], sign=True)} {interval(row[f'{before}lower'], row[f'{before}upper'])}"


def _finding(row: Row, words: Words) -> str:
    """Whether both kinds of evidence agree, or why that cannot be told."""
    if row["status"] != str(Status.ASSESSED):
        return words("contrast.untold", status=words(f"word.{row['status']}"), reason=words.reason(row["reason"]))
    return words("contrast.agrees" if row["agree"] else "contrast.disagrees")
