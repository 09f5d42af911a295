"""What a comparison of designs says to the people who plan the retests: opening, table and notes."""

from __future__ import annotations

from dataclasses import dataclass

from labqa.core.wording.catalogue import Message
from labqa.planning.designs import Design
from labqa.planning.power import BIASES, Outlook
from labqa.planning.separation import ENOUGH_DF

NAMES: dict[Design, str] = {
    "random": "planning.random",
    "hub": "planning.hub",
    "triangles": "planning.triangles",
    "two-stage": "planning.two_stage",
}


@dataclass(frozen=True)
class Comparison:
    """Sentences to come first, the header (designs) and rows (label, a cell for each design) of the table, notes below it."""

    opening: tuple[Message, ...]
    header: tuple[Message, ...]
    rows: tuple[tuple[Message, tuple[Message, ...]], ...]
    notes: tuple[Message, ...]


def comparison(found: tuple[Outlook, ...]) -> Comparison:
    """The designs side by side; first of all how many laboratories could be assessed, and what each could show."""
    plan, aim = found[0].plan, found[0].aim
    target = f"{aim.target_power:.0%}"
    rows: list[tuple[Message, list[Message]]] = [
        (Message("planning.retests"), [_said(f"{one.retests:,}") for one in found]),
        (Message("planning.samples"), [_said(f"{one.n_samples:g}") for one in found]),
        (Message("planning.partners"), [_said(f"{one.n_partners:g}") for one in found]),
        (Message("planning.assessed"), [_said(_percent(one.assessed)) for one in found]),
    ]
    for k, bias in enumerate(BIASES):
        rows.append((Message("planning.power", {"bias": f"{bias:g}"}), [_power(one, k) for one in found]))
    rows += [
        (Message("planning.shown", {"target": target}), [_shown(one) for one in found]),
        (Message("planning.separable"), [_separable(one) for one in found]),
        (Message("planning.third_tests"), [_count(one.separation.third_tests) for one in found]),
        (
            Message("planning.third_tests_for_df", {"df": f"{ENOUGH_DF:g}"}),
            [_count(one.separation.third_tests_for_df) for one in found],
        ),
        (Message("planning.needed", {"bias": f"{aim.bias:g}", "target": target}), [_needed_share(one) for one in found]),
        (Message("planning.needed_evidence"), [_needed_evidence(one) for one in found]),
    ]
    header = tuple(Message(NAMES[one.design]) for one in found)
    settings = {"families": plan.families, "items": plan.items, "seed": plan.seed, "years": plan.years}
    notes = [
        Message("planning.note_power", {"tolerated": f"{aim.tolerated:g}", "error_rate": f"{aim.error_rate:.2%}"}),
        Message("planning.note_network", settings),
    ]
    if not all(one.needed.reached for one in found):
        notes.append(Message("planning.note_not_reached"))
    notes += [_explained(one) for one in found if one.design != "random"]
    notes.append(Message("planning.note_rating"))
    return Comparison(tuple(map(_opening, found)), header, tuple((label, tuple(cells)) for label, cells in rows), tuple(notes))


def _opening(one: Outlook) -> Message:
    values = {
        "design": Message(NAMES[one.design]),
        "assessed": _percent(one.assessed),
        "labs": one.plan.labs - (one.plan.hubs if one.design == "hub" else 0),
        "years": one.plan.years,
        "target": f"{one.aim.target_power:.0%}",
    }
    if not one.shown:
        return Message("planning.opening_none", values)
    return Message("planning.opening", values | {"half": f"{one.shown[0]:.2f}", "most": f"{one.shown[1]:.2f}"})


def _explained(one: Outlook) -> Message:
    plan = one.plan
    if one.design == "hub":
        return Message("planning.note_hub", {"hubs": plan.hubs})
    if one.design == "triangles":
        return Message("planning.note_triangles", {"third_tests": _percent(plan.third_tests)})
    values = {"first": f"{plan.first_stage:.0%}", "rest": f"{1.0 - plan.first_stage:.0%}", "followed": f"{plan.followed:.0%}"}
    return Message("planning.note_two_stage", values)


def _said(text: str) -> Message:
    return Message("planning.cell", {"value": text})


def _percent(share: float) -> str:
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _chance(power: float) -> str:
    """A probability; nothing is certain."""
    return ">99%" if power > 0.99 else _percent(power)


def _power(one: Outlook, k: int) -> Message:
    if not one.power:
        return Message("planning.cell_none")
    _, median, low = one.power[k]
    return _said(f"{_chance(median)} ({_chance(low)})")


def _shown(one: Outlook) -> Message:
    return _said(f"{one.shown[0]:.2f} ({one.shown[1]:.2f})") if one.shown else Message("planning.cell_none")


def _separable(one: Outlook) -> Message:
    apart = one.separation
    if apart.separable == 0.0:
        return Message("planning.cell_not_separable")
    return Message("planning.cell_separable", {"share": _percent(apart.separable), "df": f"{apart.df:.0f}"})


def _count(n: int | None) -> Message:
    return Message("planning.cell_not_reachable") if n is None else _said(f"{n:,}")


def _needed_share(one: Outlook) -> Message:
    return _said(_percent(one.needed.share)) if one.needed.reached else Message("planning.cell_not_reachable")


def _needed_evidence(one: Outlook) -> Message:
    least = one.needed
    if not least.reached:
        return Message("planning.cell_at_most", {"power": f"{least.power:.1%}"})
    return _said(f"{least.retests:,} / {least.n_samples:g} / {least.n_partners:g}")
