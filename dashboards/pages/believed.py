"""Whom the network believes of the two laboratories of a pair, and why, or that it cannot know."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboards.address import Address
from dashboards.components.text import Component, note, section
from dashboards.pages.proposals import lab_link
from dashboards.reading import Reading
from dashboards.words import Words, count, fixed, interval
from labqa.core.vocabulary import Scope, Status
from labqa.service.queries import PairView


def section_of(reading: Reading, view: PairView, place: Address, words: Words) -> Component | None:
    """Where the network places both laboratories on the item, and whether that explains the difference of this pair."""
    if view.explanation is None:
        return None
    rows = {row["lab"]: row for row in view.lab_bias.iter_rows(named=True) if row["scope"] == str(Scope.ITEM)}
    codes = (view.pair["original_lab"], view.pair["retest_lab"])
    lines = [html.Li(_placed(reading, code, rows.get(code), place, words)) for code in codes]
    between = _between(reading, view, words)
    listed = html.Ul([*lines, html.Li(between) if between else None], className="evidence")
    return section(
        words("believed.title"),
        note(html.Strong(_verdict(reading, view, words)), look="said"),
        listed,
        note(*_caveats(view, rows, codes, words)),
        name="believed",
        says=words("believed.says"),
    )


def _verdict(reading: Reading, view: PairView, words: Words) -> str:
    """The sentence: explained by one, by both, by neither, or why that cannot be told."""
    told = view.explanation
    assert told is not None
    original, retest = (reading.name_of("labs", view.pair[f"{role}_lab"], words) for role in ("original", "retest"))
    if told.verdict == "untold":
        why = words("believed.semicolon").join(
            words("believed.of_lab", lab=reading.name_of("labs", code, words), reason=words.reason(reason))
            if reason
            else words("believed.not_seen", lab=reading.name_of("labs", code, words))
            for code, reason in told.unknown
        )
        return words("believed.untold", why=why)
    said = {
        "original": words("believed.by_original", lab=original),
        "retest": words("believed.by_retest", lab=retest),
        "both": words("believed.by_both", original=original, retest=retest),
        "neither": words("believed.by_neither"),
        "nothing": words("believed.nothing"),
        "sample": words("believed.sample"),
        "inconsistent": words("believed.inconsistent"),
    }[told.verdict]
    if told.verdict in ("original", "retest", "both"):
        end = "believed.enough" if told.enough else "believed.in_part"
        said += words(end, part=fixed(told.contribution, sign=True), whole=fixed(told.difference, sign=True))
    return said


def _placed(reading: Reading, code: str, row: dict[str, Any] | None, place: Address, words: Words) -> list[Component]:
    """Where the network places a laboratory on the item, with interval and zero, or why it does not."""
    lab = lab_link(reading, code, place, words)
    if row is None:
        return [lab, words("believed.nowhere")]
    if row["status"] != str(Status.ASSESSED):
        return [lab, words("believed.not_placed", status=words(f"word.{row['status']}"), reason=words.reason(row["reason"]))]
    at = words(
        "believed.placed",
        estimate=fixed(row["estimate"], sign=True),
        interval=interval(row["lower"], row["upper"]),
        zero=words(f"word.zero_{row['zero']}"),
        samples=count(row["n_samples"]),
    )
    return [lab, at]


def _between(reading: Reading, view: PairView, words: Words) -> str:
    """What the network says of the two without any block that they share, over all items."""
    found = view.contrast
    if not found:
        return words("believed.no_contrast")
    if found.get("indirect") is None:
        return words("believed.hidden") if found["status"] == str(Status.ASSESSED) else words.standing(found["reason"])
    return words(
        "believed.between",
        estimate=fixed(found["indirect"], sign=True),
        interval=interval(found["indirect_lower"], found["indirect_upper"]),
        pairs=fixed(found["equivalent_pairs"], places=1),
    )


def _caveats(view: PairView, rows: dict[str, dict[str, Any]], codes: tuple[str, str], words: Words) -> list[str]:
    """What the sentence does not say."""
    said: list[str] = []
    if view.explanation is not None and view.explanation.verdict in ("original", "retest", "both", "neither"):
        zeros = {rows[code]["zero"] for code in codes if code in rows}
        said.append(words("believed.relative" if "relative" in zeros else "believed.anchored"))
        said.append(words("believed.left_out"))
    return said
