"""One pair: both results down to the delivered rows, what they were measured against, and what the network says."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components import status
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, callout, facts, lead, link, note, section, title
from dashboards.pages import believed, delivered, drawings
from dashboards.pages.proposals import lab_link
from dashboards.params import CODE
from dashboards.reading import MOST, Reading
from dashboards.words import NONE, Words, amount, behind, count, fixed, interval, is_measured, number, share
from labqa.core.vocabulary import Scope, Status
from labqa.figures.names import counted
from labqa.service.queries import PairView


def register(access: Access) -> None:
    """Registers the page."""
    access.page("pair", roles=ANALYST, code=CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of a pair."""
    view = reading.pair(place.code)
    parts = [
        *_opening(reading, view, words),
        _sample_suspected(view, words),
        _both(reading, view, place, words),
        _measured(view, words),
        believed.section_of(reading, view, place, words),
        _labs(reading, view, place, words),
        _same_sample(reading, view, place, words),
        status.glossary(
            ("agree", "within_limits", "discrepant", "blunder_suspected", "undetermined", "not_assessed", "sigma_R", "R", "d"),
            words,
        ),
    ]
    return [part for part in parts if part is not None]


def _opening(reading: Reading, view: PairView, words: Words) -> list[Component]:
    """What was tested, and in a sentence how the two results stand to each other."""
    row, found = view.pair, view.discrepancy
    product = reading.name_of("products", row["product"], words) if row["product"] else ""
    above = " · ".join(
        part
        for part in (
            product,
            words("pair.sample", sample=row["sample"]),
            words.period(str(row["period"])) if row["period"] else "",
        )
        if part
    )
    heading = title(
        words.name(view.item, otherwise=row["item"]), above=above, beside=status.label(found.get("category"), words)
    )
    return [heading, lead(*_sentences(view, words))]


def _sentences(view: PairView, words: Words) -> list[Component]:
    row, found = view.pair, view.discrepancy
    if not is_measured(view.item):
        said = words("pair.no_scale")
    elif found.get("d") is None:
        said = words("pair.no_d")
    else:
        said = words(
            "pair.differ",
            delta=number(abs(found["delta"])) + behind(view.item),
            d=number(abs(found["d"])),
            ratio=number(found["r_ratio"]),
        )
    flip = ""
    if found.get("flipped") is not None:
        flip = words("pair.flipped" if found["flipped"] else "pair.not_flipped")
        flip += (
            words("pair.flip_chance", chance=share(found["flip_probability"], places=1))
            if found["flip_probability"] is not None
            else ""
        )
    blame = words("pair.duplicate") if row["kind"] == "duplicate" else words("pair.no_blame")
    return [said, flip, blame]


def _sample_suspected(view: PairView, words: Words) -> Component | None:
    by_network = view.explanation is not None and view.explanation.verdict != "sample"
    if by_network or not view.discrepancy.get("sample_suspected"):
        return None
    return callout(note(words("pair.sample_suspected")), look="open")


def _both(reading: Reading, view: PairView, place: Address, words: Words) -> Component:
    """Both results side by side, as delivered."""
    found = view.discrepancy
    cards = [
        delivered.card(
            reading, row, view.item, place, words, verdicts=(found.get(f"{role}_verdict"), found.get(f"{role}_verdict_full"))
        )
        for role, row in (("original", view.original), ("retest", view.retest))
    ]
    return section(words("pair.both"), html.Div(cards, className="cards"), name="both", says=words("pair.both_says"))


def _measured(view: PairView, words: Words) -> Component:
    """Against what the difference and the verdicts were measured; of grades and yes/no results, there is no difference."""
    days, measured = view.pair["days_between"], is_measured(view.item)
    listed = [
        *(_on_a_scale(view, words) if measured else ()),
        (words("pair.judgement"), view.item.get("judgement_standard") or ""),
        (words("pair.days"), str(days) if days is not None else ""),
    ]
    return section(
        words("pair.measured"),
        drawings.of_pair(view, words) if measured else None,
        facts(listed),
        name="measured",
        says=words("pair.measured_says") if measured else None,
    )


def _on_a_scale(view: PairView, words: Words) -> list[tuple[str, str]]:
    """The tolerance and where it comes from, and the difference in its units."""
    found, item, rule = view.discrepancy, view.item, view.yardstick
    unit = behind(item)
    source = words(f"word.source_{rule['source']}") if rule else NONE
    method = {"full": words("word.full"), "rounded": words("word.rounded")}.get(item.get("compare_method", ""), "")
    return [
        (words("pair.limits"), _limits(item, unit, words)),
        (words("pair.compare"), method),
        (words("pair.rounding"), f"{amount(item['rounding_interval'])}{unit}" if item.get("rounding_interval") else ""),
        (
            words("pair.tolerance"),
            f"R = {number(2.8 * found['sigma_R'])}{unit}" if found.get("sigma_R") is not None else NONE,
        ),
        (words("pair.source"), source),
        (words("pair.sigma"), f"{number(found['sigma_R'])}{unit}" if found.get("sigma_R") is not None else ""),
        (words("pair.dispersion"), fixed(rule.get("dispersion")) if rule and rule.get("dispersion") is not None else ""),
        (words("pair.informs"), words("word.yes") if rule and rule["informs_class"] else words("word.no")),
        (words("pair.delta"), f"{number(found['delta'])}{unit}" if found.get("delta") is not None else NONE),
        (
            words("pair.relative"),
            share(found["delta_relative"], places=1) if found.get("delta_relative") is not None else "",
        ),
        (words("pair.d"), number(found.get("d"))),
        (words("pair.ratio"), number(found.get("r_ratio"))),
        (words("pair.zeta"), number(found["zeta"]) if found.get("zeta") is not None else ""),
        (words("pair.en"), number(found["en"]) if found.get("en") is not None else ""),
        (words("pair.margin"), f"{fixed(found['margin'], sign=True)} σR" if found.get("margin") is not None else ""),
        (
            words("pair.flip"),
            share(found["flip_probability"], places=1) if found.get("flip_probability") is not None else "",
        ),
    ]


def _limits(item: dict[str, Any], unit: str, words: Words) -> str:
    low, high = item.get("lower_limit"), item.get("upper_limit")
    parts = []
    if low is not None:
        parts.append(f"{'≥' if item.get('lower_inclusive') is not False else '>'}\u00a0{amount(low)}{unit}")
    if high is not None:
        parts.append(f"{'≤' if item.get('upper_inclusive') is not False else '<'}\u00a0{amount(high)}{unit}")
    return words("pair.and").join(parts) or words("pair.no_limits")


def _labs(reading: Reading, view: PairView, place: Address, words: Words) -> Component | None:
    """What the network as a whole says of both laboratories, on this item and in all."""
    columns = (
        Column(words("word.lab"), first=True),
        Column(words("lab.scope")),
        Column(words("labs.status")),
        Column(words("labs.bias"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("labs.samples"), figure=True),
        Column(words("pair.zero")),
    )
    rows = []
    for row in counted(view.lab_bias.sort("scope"), "lab").iter_rows(named=True):
        claimed = row["status"] == str(Status.ASSESSED)
        rows.append(
            [
                lab_link(reading, row["lab"], place, words),
                words("pair.on_item") if row["scope"] == str(Scope.ITEM) else words("pair.in_all"),
                status.tag(row["status"], words),
                fixed(row["estimate"] if claimed else None, sign=True),
                interval(row["lower"], row["upper"]) if claimed else "",
                count(row["n_samples"]),
                words(f"word.zero_{row['zero']}") if row["zero"] and claimed else "",
            ]
        )
    listed = table(columns, rows, caption=words("pair.labs"), words=words)
    return section(words("pair.labs"), listed, name="labs", says=words("pair.labs_says")) if rows else None


def _same_sample(reading: Reading, view: PairView, place: Address, words: Words) -> Component:
    columns = (
        Column(words("word.item"), first=True),
        Column(words("word.original_lab")),
        Column(words("word.retest_lab")),
        Column(words("word.original_value"), figure=True),
        Column(words("word.retest_value"), figure=True),
        Column(words("word.d"), figure=True),
        Column(words("word.category")),
    )
    rows = [
        [
            link(reading.name_of("items", row["item"], words), place.pair(row["pair"])),
            lab_link(reading, row["original_lab"], place, words),
            lab_link(reading, row["retest_lab"], place, words),
            words.value(row["original_value"], reading.registered("items", row["item"])),
            words.value(row["retest_value"], reading.registered("items", row["item"])),
            fixed(row["d"], sign=True),
            status.tag(row["category"], words),
        ]
        for row in view.same_sample.head(MOST).iter_rows(named=True)
    ]
    listed = table(columns, rows, caption=words("pair.same_sample"), words=words, of=view.same_sample.height)
    return section(words("pair.same_sample"), listed, name="same-sample", says=words("pair.same_sample_says"))
