"""How retests were chosen, and what changes with it: a section of the laboratory's page."""

from __future__ import annotations

from typing import Any

from dashboards.address import Address
from dashboards.components import status
from dashboards.components.figures import figure
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, more, note, section
from dashboards.reading import Reading
from dashboards.words import NONE, Words, count, fixed, interval
from labqa.core.vocabulary import OptionStatus, SelectionOption
from labqa.core.wording.catalogue import Message
from labqa.figures.charts import options


def of_lab(reading: Reading, place: Address, words: Words) -> Component | None:
    """The options beside each other; nothing where no retest was chosen by its first result, by risk or in sight of it."""
    found = reading.selection(place.code)
    every = found.to_dicts()
    rows = {row["option"]: row for row in every if row["lab"] == place.code}
    network = {row["option"]: row for row in every if row["lab"] == ""}
    if not any(network.get(str(option), {}).get("n_pairs") for option in SelectionOption):
        return None
    spec = options.options_of_lab(found, place.code, words.language, delta_0=reading.delta_0)
    return section(
        words("lab.choice"),
        note(*_sentences(rows, network, words)),
        figure("options", spec),
        more(words("lab.choice_figures"), _table(rows, words)),
        name="choice",
        says=words("lab.choice_says"),
        folded=True,
    )


def _sentences(rows: dict[str, dict[str, Any]], network: dict[str, dict[str, Any]], words: Words) -> list[Component]:
    """The size of the trap over the network, and how many of the laboratory's retests saw the first result."""
    said: list[Component] = []
    naive, expected = (network.get(str(name), {}) for name in (SelectionOption.NAIVE, SelectionOption.EXPECTED))
    if naive.get("status") == str(OptionStatus.ASSESSED):
        said.append(words("lab.choice_naive", estimate=fixed(naive["estimate"], sign=True), pairs=count(naive["n_pairs"])))
        if expected.get("status") == str(OptionStatus.ASSESSED):
            said.append(words("lab.choice_expected", expected=fixed(expected["estimate"], sign=True)))
        elif expected.get("reason"):
            said.append(words("lab.choice_not_offered", reason=words.reason(expected["reason"])))
    unblinded = rows.get(str(SelectionOption.UNBLINDED), {})
    said.append(words("lab.choice_unblinded", samples=count(unblinded.get("n_samples", 0))))
    return said


def _table(rows: dict[str, dict[str, Any]], words: Words) -> Component:
    columns = (
        Column(words("lab.choice_option"), first=True),
        Column(words("labs.status")),
        Column(words("labs.bias"), figure=True),
        Column(words("labs.interval"), figure=True),
        Column(words("lab.choice_range"), figure=True),
        Column(words("labs.samples"), figure=True),
        Column(words("lab.choice_why")),
    )
    listed = [_row(rows[str(option)], words) for option in options.OF_LAB if str(option) in rows]
    return table(columns, listed, caption=words("lab.choice"), words=words)


def _row(row: dict[str, Any], words: Words) -> list[Component]:
    claimed = row["status"] == str(OptionStatus.ASSESSED)
    return [
        Message(f"figures.option_{row['option']}").text(words.language),
        status.tag(row["status"], words),
        fixed(row["estimate"], sign=True) if claimed else NONE,
        interval(row["lower"], row["upper"]) if claimed else NONE,
        interval(row["sensitivity_low"], row["sensitivity_high"]) if claimed else NONE,
        count(row["n_samples"]),
        words.reason(row["reason"]) or NONE,
    ]
