"""One laboratory: its rating and why, its biases, its comparison rounds, its pairs, and what should be looked at."""

from __future__ import annotations

from math import isfinite
from typing import Any

import polars as pl
from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components import status
from dashboards.components.tables import SEARCHED, grid, linked, narrow, signed
from dashboards.components.text import Component, callout, facts, lead, more, note, section, title
from dashboards.pages import attribution, comparability, drawings, evidence, kinds, moved, pair_lists, retest_choice, slopes
from dashboards.params import CODE
from dashboards.reading import MOST, Reading
from dashboards.regions import region_name
from dashboards.words import Words, amount, count, fixed, interval, number, share
from labqa.core.errors import AccessDenied
from labqa.core.vocabulary import Proposal, Scope, Status
from labqa.figures.names import in_order


def register(access: Access) -> None:
    """Registers the page."""
    access.page("lab", roles=ANALYST, code=CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of a laboratory."""
    rating = reading.rating(place.code)
    bias = reading.bias(place.code)
    if not rating and bias.is_empty():
        raise AccessDenied("service.not_yours")
    whole = next((row for row in bias.iter_rows(named=True) if row["scope"] == str(Scope.LAB)), {})
    scores, reasons, flags = reading.pt_scores(place.code), reading.reasons(place.code), reading.flags(place.code).head(MOST)
    known = evidence.looked_up(reading, evidence.first_of([reasons, flags]), scores)
    parts = [
        *_opening(reading, rating, whole, place, words),
        _rating(reading, rating, reasons, known, place, words),
        moved.of_lab(reading, place, words),
        _bias(reading, bias, whole, place, words),
        comparability.section_of(reading, whole, place, words),
        attribution.draw(reading, bias, place, words),
        retest_choice.of_lab(reading, place, words),
        kinds.section_of(reading, place, words),
        slopes.of_levels(reading, place, words),
        _comparisons(reading, scores, place, words),
        _pairs(reading, scores, place, words),
        _flags(reading, flags, known, place, words),
        status.glossary(status.EXPLAINED, words),
    ]
    return [part for part in parts if part is not None]


def _opening(reading: Reading, rating: dict[str, Any], whole: dict[str, Any], place: Address, words: Words) -> list[Component]:
    """Who it is, and in a sentence or two what this run says of it."""
    known = reading.registered("labs", place.code)
    who = [part for part in (place.code, region_name(known.get("region"), words.language), known.get("owner")) if part]
    beside = status.change(rating.get("class_in_force"), rating.get("class_proposed"), words)
    return [
        title(words.name(known, otherwise=place.code), above=" · ".join(who), beside=beside),
        lead(*_sentences(rating, whole, words)),
    ]


def _sentences(rating: dict[str, Any], whole: dict[str, Any], words: Words) -> list[Component]:
    tested = {"samples": count(whole.get("n_samples")), "partners": count(whole.get("n_partners"))}
    evidence_said = words("lab.evidence", **tested) if whole else ""
    if whole.get("status") != str(Status.ASSESSED):
        why = words("lab.because", reason=words.reason(whole["reason"])) if whole.get("reason") else ""
        return [
            status.label(whole.get("status"), words),
            evidence_said,
            why,
            _without_bias(rating, words),
        ]
    zero = words(f"lab.zero_{whole['zero']}") if whole.get("zero") else ""
    measured = words(
        "lab.mean_bias", estimate=fixed(whole["estimate"], sign=True), interval=interval(whole["lower"], whole["upper"])
    )
    return [evidence_said, measured, zero, words(f"lab.proposal_{rating.get('proposal') or Proposal.NONE}")]


def _without_bias(rating: dict[str, Any], words: Words) -> str:
    """What is proposed all the same of a laboratory without a bias: on its precision, gross errors or comparison results."""
    if rating.get("proposal") not in (None, str(Proposal.NONE)):
        return words(f"lab.proposal_{rating['proposal']}")
    return words("lab.keeps_class") if rating.get("class_in_force") else ""


def _rating(
    reading: Reading,
    rating: dict[str, Any],
    reasons: pl.DataFrame,
    known: evidence.Cited,
    place: Address,
    words: Words,
) -> Component | None:
    """Points, class, and each line of the edition that applied, in sentences with evidence."""
    if not rating:
        return None
    lines = [
        html.Li(
            [
                html.Div(
                    [
                        html.Span(reading.sentence(row["message"], words)),
                        html.Span(fixed(row["points"], places=1, sign=True), className="points") if row["points"] else None,
                    ]
                ),
                evidence.cited(reading, row, known, place, words),
            ]
        )
        for row in reasons.iter_rows(named=True)
    ]
    figures = facts(
        [
            (words("lab.class_in_force"), status.lab_class(rating["class_in_force"], words)),
            (words("lab.points_carried"), fixed(rating["points_carried"], places=1)),
            (words("lab.points"), fixed(rating["points"], places=1)),
            (
                words("lab.class_by_points"),
                [status.lab_class(rating["class_by_points"], words), html.Div(_band(reading, rating, words), className="band")]
                if rating["class_by_points"]
                else "",
            ),
            (words("lab.proposal"), status.label(rating["proposal"], words)),
            (words("lab.ground"), words(f"word.ground_{rating['ground']}") if rating["ground"] else ""),
        ],
        look="across",
    )
    listed = html.Ol(lines, className="reasons") if lines else note(words("lab.no_reasons"), look="empty")
    how = note(words("evidence.counts")) if any(reasons["evidence"].list.len()) else None
    return section(
        words("lab.rating"), figures, how, listed, _counting(rating, words), name="rating", says=words("lab.rating_says")
    )


def _band(reading: Reading, rating: dict[str, Any], words: Words) -> str:
    """The points for which the class by points is given."""
    ceiling = None
    for name, low in reading.bands:
        if name == rating["class_by_points"]:
            ends = {"low": f"{low:g}", "ceiling": f"{ceiling:g}" if ceiling is not None else ""}
            return words("lab.band_top" if ceiling is None else "lab.band" if isfinite(low) else "lab.band_last", **ends)
        ceiling = low
    return ""


def _counting(rating: dict[str, Any], words: Words) -> Component | None:
    """The literal counting rule where it is met, with what chance alone would do."""
    if not rating["veto"]:
        return None
    said = [
        words("lab.veto_met", outliers=count(rating["veto_outliers"]), results=count(rating["veto_results"])),
        words(
            "lab.veto_chance",
            expected=fixed(rating["veto_expected"]),
            chance=share(rating["veto_chance"], places=1),
            correlated=share(rating["veto_chance_correlated"], places=1),
        ),
    ]
    return callout(html.H3(words("lab.counting")), note(*said), look="alarm")


def _bias(reading: Reading, bias: pl.DataFrame, whole: dict[str, Any], place: Address, words: Words) -> Component | None:
    """Biases in figures: as a whole, spread between items, towards the limit, and each item."""
    if not whole:
        return None
    claimed = whole["status"] == str(Status.ASSESSED)
    precision = reading.precision(place.code)
    listed = facts(
        [
            (
                words("lab.mean"),
                f"{fixed(whole['estimate'], sign=True)}  {interval(whole['lower'], whole['upper'])} σR"
                if claimed
                else status.label(whole["status"], words),
            ),
            (words("lab.tau"), _spread(whole) if claimed else ""),
            (
                words("lab.oriented"),
                f"{fixed(whole['oriented'], sign=True)}  {interval(whole['oriented_lower'], whole['oriented_upper'])} σR"
                if claimed and whole["oriented"] is not None
                else "",
            ),
            (words("lab.detectable"), f"{fixed(whole['detectable'])} σR" if whole["detectable"] is not None else ""),
            (words("lab.precision"), _precision(precision, words)),
            (words("lab.gross"), _gross(reading.gross_errors(place.code), words)),
            (words("lab.samples"), count(whole["n_samples"])),
            (words("lab.partners"), count(whole["n_partners"])),
            (words("lab.component"), count(whole["component_labs"])),
            (words("lab.bridge"), share(whole["bridge_share"]) if whole["bridge_share"] is not None else ""),
        ]
    )
    drawn = drawings.of_items(reading, bias, place, words)
    return section(
        words("lab.bias"),
        listed,
        drawn,
        _other_scopes(reading, bias, words),
        name="bias",
        says=words("lab.bias_says" if claimed else "lab.bias_says_none"),
    )


def _spread(whole: dict[str, Any]) -> str:
    if whole["tau"] is None:
        return ""
    ends = (
        f"  [{fixed(whole['tau_lower'])}, {fixed(whole['tau_upper'])}]"
        if whole["tau_lower"] is not None and whole["tau_upper"] is not None
        else ""
    )
    return f"{fixed(whole['tau'])}{ends} σR"


def _precision(found: dict[str, Any], words: Words) -> Component:
    if not found:
        return ""
    if found["status"] != str(Status.ASSESSED) or found["ratio"] is None:
        return html.Span([status.label(found["status"], words), " ", words.standing(found["reason"])])
    return f"{fixed(found['ratio'])}  [{fixed(found['lower'])}, {fixed(found['upper'])}]"


def _gross(found: dict[str, Any], words: Words) -> Component:
    """Share of its test runs with a gross error, with its interval; no share of too few."""
    if not found:
        return ""
    if found["status"] != str(Status.ASSESSED):
        return html.Span([status.label(found["status"], words), " ", words.standing(found["reason"])])
    ends = f"[{share(found['lower'])}, {share(found['upper'])}]"
    return words("lab.gross_share", share=share(found["estimate"]), n=count(found["n"]), interval=ends)


def _other_scopes(reading: Reading, bias: pl.DataFrame, words: Words) -> Component | None:
    """Families and items as a grid, for those who want the figures behind the drawing."""
    parts = [row for row in bias.iter_rows(named=True) if row["scope"] != str(Scope.LAB)]
    found = sorted(parts, key=lambda row: (row["scope"], in_order(row["scope_id"])))[:MOST]
    columns = [
        {"field": "scope", "headerName": words("lab.scope"), "minWidth": 260, "flex": 2, **narrow(185), **SEARCHED},
        {"field": "status", "headerName": words("labs.status"), "width": 140, **SEARCHED},
        {"field": "bias", "headerName": words("labs.bias"), "width": 110, **signed()},
        {
            "field": "interval",
            "headerName": words("labs.interval"),
            "width": 150,
            **narrow(150),
            "type": "rightAligned",
            "sortable": False,
        },
        {"field": "samples", "headerName": words("labs.samples"), "width": 100, "type": "rightAligned"},
        {"field": "partners", "headerName": words("labs.partners"), "width": 110, "type": "rightAligned"},
    ]
    rows = [
        {
            "scope": reading.name_of("items", row["scope_id"], words)
            if row["scope"] == str(Scope.ITEM)
            else reading.family(row["scope_id"], words),
            "status": words(f"word.{row['status']}"),
            "bias": row["estimate"],
            "interval": interval(row["lower"], row["upper"]) if row["estimate"] is not None else "",
            "samples": row["n_samples"],
            "partners": row["n_partners"],
        }
        for row in found
    ]
    return more(words("lab.all_scopes", n=count(len(found))), grid("scopes", columns, rows, words=words)) if rows else None


def _comparisons(reading: Reading, scores: pl.DataFrame, place: Address, words: Words) -> Component | None:
    if scores.is_empty():
        return None
    columns = [
        linked("round", words("lab.round"), link="url", minWidth=150, **narrow(130), **SEARCHED),
        {"field": "item", "headerName": words("word.item"), "minWidth": 180, "flex": 1, **narrow(140), **SEARCHED},
        {"field": "value", "headerName": words("lab.value"), "width": 120, "type": "rightAligned", "sortable": False},
        {"field": "x_pt", "headerName": words("lab.x_pt"), "width": 120, "type": "rightAligned", "sortable": False},
        {"field": "z", "headerName": "z", "width": 90, **narrow(80), **signed()},
        {"field": "others", "headerName": words("lab.others"), "width": 120, "type": "rightAligned"},
    ]
    rows = [
        {
            "round": row["round"] or row["sample"],
            "url": place.to(page="result", code=row["result"]).url,
            "item": reading.name_of("items", row["item"], words),
            "value": words.value(row["value"], reading.registered("items", row["item"])),
            "x_pt": amount(row["x_pt"]) if row["anchored"] else number(row["x_pt"], digits=4),
            "z": row["z"],
            "others": words("lab.assigned") if row["anchored"] else row["n_others"],
        }
        for row in scores.head(MOST).iter_rows(named=True)
    ]
    told = words("lab.all_scores", n=count(scores.height), z=count(scores["z"].count()))
    listed = more(told, grid("scores", columns, rows, words=words))
    return section(
        words("lab.comparisons"),
        drawings.of_scores(reading, scores, place, words),
        listed,
        name="comparisons",
        says=words("lab.comparisons_says"),
    )


def _pairs(reading: Reading, scores: pl.DataFrame, place: Address, words: Words) -> Component:
    found = reading.pairs(lab=place.code, limit=None)
    listed = pair_lists.rows(reading, found.head(MOST), place, words)
    shown = grid("pairs", pair_lists.columns(words), listed, words=words)
    says = words("lab.pairs_says", n=count(found.height)) + (words("lab.pairs_most", n=MOST) if found.height > MOST else "")
    return section(
        words("lab.pairs"),
        drawings.of_years(found, scores, place, words),
        shown if found.height else note(words("shell.none"), look="empty"),
        name="pairs",
        says=says,
    )


def _flags(reading: Reading, found: pl.DataFrame, known: evidence.Cited, place: Address, words: Words) -> Component:
    listed = [
        html.Li([html.Div(reading.sentence(row["message"], words)), evidence.cited(reading, row, known, place, words)])
        for row in found.iter_rows(named=True)
    ]
    shown = html.Ul(listed, className="flags") if listed else note(words("lab.no_flags"), look="empty")
    return section(words("lab.flags"), shown, name="flags", says=words("lab.flags_says"))
