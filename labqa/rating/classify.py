"""From indicators to points, classes and proposals; a proposal is put before people and never decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from labqa.core import tables as t
from labqa.core.vocabulary import Ground, LabClass, Proposal, Status
from labqa.core.wording.catalogue import Message
from labqa.rating import findings as f
from labqa.rating import hypotheses, proposals, veto
from labqa.rating.rulesets import Edition

Row = Mapping[str, Any]


def rate(
    indicators: pl.DataFrame, class_in_force: pl.DataFrame, labs: pl.DataFrame, edition: Edition, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """RATINGS and REASONS of every laboratory in `labs` by `edition`, against the class in force on `as_of`."""
    found = f.by_lab(hypotheses.tested(indicators, edition), indicators, edition)
    statuses = {row["lab"]: row for row in hypotheses.assessed(indicators, edition).iter_rows(named=True)}
    in_force = {row["lab"]: row for row in _in_force(class_in_force, as_of).iter_rows(named=True)}
    counted = {row["lab"]: row for row in veto.counts(indicators, labs["lab"], edition).iter_rows(named=True)}
    ratings: list[Row] = []
    reasons: list[Row] = []
    for lab in labs["lab"].unique().sort():
        status = statuses.get(lab, {"status": str(Status.NOT_ASSESSED), "reason": None, "n": 0})
        rating, findings = _rate_one(lab, status, in_force.get(lab), counted[lab], found.get(lab, []), edition)
        ratings.append(rating)
        reasons += [_reason(lab, place, finding) for place, finding in enumerate(findings)]
    return _frame(ratings, t.Ratings), _frame(reasons, t.Reasons)


def expected_unjust(ratings: pl.DataFrame, edition: Edition) -> float:
    """Unjust deductions expected in the year were every assessed laboratory blameless: error rate × their number."""
    return edition.number("error_rate") * ratings.filter(pl.col("status") == str(Status.ASSESSED)).height


def _in_force(classes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The latest class of each laboratory that is valid on the day."""
    return (
        classes.filter(pl.col("valid_from") <= as_of).sort("lab", "valid_from").unique("lab", keep="last", maintain_order=True)
    )


def _rate_one(
    lab: str, status: Row, in_force: Row | None, counted: Row, findings: list[f.Finding], edition: Edition
) -> tuple[Row, list[f.Finding]]:
    """One laboratory: carried points, lines, class by points, proposal; and the sentences that say so, in order."""
    current = in_force["lab_class"] if in_force else None
    carried, opening = proposals.carried(in_force, edition)
    scored = status["status"] != str(Status.NOT_ASSESSED)
    points = edition.rounded(carried + sum(finding.points or 0.0 for finding in findings)) if scored else None
    by_points = str(edition.class_of(points)) if points is not None else None
    proposal, proposed, ground = proposals.proposal(current, by_points, status["status"], findings)
    if counted["veto"] and (scored or edition.value("veto_for_unassessed")) and current != str(LabClass.FOUR):
        proposal = Proposal.DOWNGRADE if current else Proposal.FIRST_RATING
        proposed, ground = str(LabClass.FOUR), Ground.VETO
    rating = {
        "lab": lab,
        "status": status["status"],
        "class_in_force": current,
        "points_carried": carried,
        "points": points,
        "class_by_points": by_points,
        "proposal": str(proposal),
        "class_proposed": proposed,
        "ground": str(ground) if ground else None,
        **{name: counted[name] for name in counted if name.startswith("veto")},
    }
    closing = f.Finding("outcome", _outcome(rating), None, ground)
    return rating, [opening, *_unclaimed(status), *findings, *_veto(counted, edition), closing]


def _unclaimed(status: Row) -> list[f.Finding]:
    """Why a laboratory was not assessed, or its bias is undetermined: our sentence, then that of the room which said so."""
    if status["status"] == str(Status.ASSESSED):
        return []
    why = [f.Finding("status", Message(status["reason"]))] if status["reason"] else []
    return [f.Finding("status", f.said(status["status"], n=status["n"])), *why]


def _veto(counted: Row, edition: Edition) -> list[f.Finding]:
    """The literal rule with its chances, wherever there are comparison results; retest pairs where they would change it."""
    if counted["veto_results"] == 0:
        return []
    figures = {name.removeprefix("veto_"): counted[name] for name in ("veto_outliers", "veto_results", "veto_expected")}
    chances = {"chance": 100 * counted["veto_chance"], "correlated": 100 * counted["veto_chance_correlated"]}
    rule = {
        "limit": edition.number("z_limit"),
        "needed": edition.whole("veto_count"),
        "years": edition.whole("veto_look_back_years"),
    }
    met = counted["veto"]
    message = f.said("veto_met" if met else "veto_not_met", **figures, **chances, **rule)
    lines = [f.Finding("veto", message, None, Ground.VETO if met else None, tuple(counted["veto_evidence"]) if met else ())]
    if counted["veto_if_pairs_counted"] and not met:
        lines.append(
            f.Finding("veto", f.said("veto_with_pairs", pairs=counted["pair_outliers"], **figures, needed=rule["needed"]))
        )
    return lines


def _outcome(rating: Row) -> Message:
    """The last sentence: what is proposed, or that nothing is."""
    current, proposed, points = rating["class_in_force"], rating["class_proposed"], rating["points"]
    if rating["ground"] == str(Ground.VETO):
        return (
            f.said("outcome_veto", current=current, proposed=proposed)
            if current
            else f.said("outcome_veto_first", proposed=proposed)
        )
    if rating["proposal"] == str(Proposal.FIRST_RATING):
        return f.said("outcome_first_rating", points=points, proposed=proposed)
    if rating["proposal"] != str(Proposal.NONE):
        return f.said(f"outcome_{rating['proposal']}", points=points, current=current, proposed=proposed)
    if current is None:
        return f.said("outcome_no_class")
    return (
        f.said("outcome_unscored", current=current)
        if points is None
        else f.said("outcome_kept", points=points, current=current)
    )


def _reason(lab: str, position: int, finding: f.Finding) -> Row:
    return {
        "lab": lab,
        "position": position,
        "line": finding.line,
        "ground": str(finding.ground) if finding.ground else None,
        "points": finding.points,
        "message": finding.message.to_json(),
        "evidence": list(finding.evidence),
    }


def _frame(rows: list[Row], schema: Any) -> pl.DataFrame:
    """Rows in the types of their table; key order is theirs."""
    types = t.empty(schema).schema
    return t.shaped(pl.DataFrame([{name: row[name] for name in types} for row in rows], schema=types), schema)
