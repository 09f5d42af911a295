"""One flag: what was seen, as a sentence, and the rows that show it."""

from __future__ import annotations

from collections.abc import Mapping

from labqa.core.provenance import digest
from labqa.core.tables.columns import MOST_EVIDENCE
from labqa.core.wording.catalogue import Message

Flag = dict[str, object]


def flag(rule: str, lab: str | None, sample: str | None, evidence: list[str], values: Mapping[str, object]) -> Flag:
    """One row of FLAGS; its id is the hash of rule, laboratory, sample and evidence."""
    return {
        "flag": digest(rule, lab or "", sample or "", *evidence),
        "lab": lab,
        "sample": sample,
        "rule": f"integrity.{rule}",
        "message": Message(f"integrity.{rule}", values).to_json(),
        "evidence": evidence[:MOST_EVIDENCE],
    }


def chance(p: float) -> str:
    """A chance as it is told."""
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"
