"""Points before results, and what the points after them propose against the class in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labqa.core.vocabulary import Ground, LabClass, Proposal, Status, values
from labqa.rating import findings as f
from labqa.rating.rulesets import Edition

Row = Mapping[str, Any]
_ORDER = values(LabClass)
_CARRIED = dict(zip(_ORDER, ("carried_one", "carried_two", "carried_three", "carried_four"), strict=True))


def carried(in_force: Row | None, edition: Edition) -> tuple[float, f.Finding]:
    """Points of the blocks that results cannot show: registered, else carried by class, else the base of a first rating."""
    if in_force is None:
        base = edition.number("base_points")
        return base, f.Finding("carried", f.said("carried_base", points=base), base)
    lab_class, registered = in_force["lab_class"], in_force["points"]
    if registered is not None and str(edition.class_of(registered)) == lab_class:
        return registered, f.Finding("carried", f.said("carried_points", lab_class=lab_class, points=registered), registered)
    points = edition.number(_CARRIED[lab_class])
    if registered is None:
        message = f.said("carried_class", lab_class=lab_class, points=points)
    else:
        message = f.said("carried_mismatch", lab_class=lab_class, registered=registered, points=points)
    return points, f.Finding("carried", message, points)


def proposal(
    current: str | None, by_points: str | None, status: str, findings: list[f.Finding]
) -> tuple[Proposal, str | None, Ground | None]:
    """Compares the class by points with the class in force; a first rating needs an assessed laboratory."""
    if by_points is None or by_points == current or (current is None and status != str(Status.ASSESSED)):
        return Proposal.NONE, None, None
    if current is None:
        return Proposal.FIRST_RATING, by_points, _heaviest(findings, sign=-1) or Ground.POINTS
    down = _ORDER.index(by_points) > _ORDER.index(current)
    ground = _heaviest(findings, sign=-1 if down else 1) or Ground.POINTS
    return (Proposal.DOWNGRADE if down else Proposal.UPGRADE), by_points, ground


def _heaviest(findings: list[f.Finding], *, sign: int) -> Ground | None:
    """Ground of the line that moved most points in a direction; of equals the one read first."""
    moving = [finding for finding in findings if sign * (finding.points or 0.0) > 0]
    return max(moving, key=lambda finding: abs(finding.points or 0.0)).ground if moving else None
