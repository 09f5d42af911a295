"""Whom the network believes of the two laboratories of a pair, and why, or that it cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from labqa.core.vocabulary import Category, PairKind, Status
from labqa.stats.network.explaining import Known, explained

Verdict = Literal["original", "retest", "both", "neither", "nothing", "sample", "inconsistent", "untold"]
LIMIT = 2.8
"""What two results may differ by, in σR: R = 2.8 σR."""


@dataclass(frozen=True)
class Explanation:
    """Whose bias explains the difference of a pair (retest − original, σR); `untold` and why where that cannot be told.

    `enough`: the biases make up half of the difference at least, and leave no more than R of it. `unknown` are the
    laboratories whose bias on the item may not be claimed, each with the key of the reason.
    """

    verdict: Verdict
    difference: float | None = None
    contribution: float = 0.0
    left: float = 0.0
    enough: bool = False
    unknown: tuple[tuple[str, str | None], ...] = ()


def explanation(
    pair: dict[str, Any], discrepancy: dict[str, Any], bias: dict[str, dict[str, Any]], *, agree: bool | None, used: bool
) -> Explanation | None:
    """Explanation of one pair from the biases of its laboratories on its item, by code (rows of LAB_BIAS).

    Where most items of the sample differ, the sample is the cause unless the fit, which screens samples itself, kept the block
    and a bias moves the difference the way it went: a laboratory that is off throughout is off on all items of every sample,
    and what its bias leaves of a difference is told as such. `agree` says whether direct and indirect evidence of the two
    agree (null: not tested), `used` whether the pair's block is in the fit. None for two results of one laboratory and for a
    pair whose difference has no scale.
    """
    delta, sigma = discrepancy.get("delta"), discrepancy.get("sigma_R")
    if pair["kind"] != str(PairKind.BETWEEN) or delta is None or not sigma:
        return None
    difference = float(delta) / float(sigma)
    if discrepancy["category"] not in (str(Category.DISCREPANT), str(Category.BLUNDER_SUSPECTED)):
        return Explanation("nothing", difference)
    of_sample = bool(discrepancy.get("sample_suspected"))
    if of_sample and not used:
        return Explanation("sample", difference)
    codes = (pair["original_lab"], pair["retest_lab"])
    unknown = tuple((code, bias.get(code, {}).get("reason")) for code in codes if not _claimed(bias.get(code)))
    if unknown:
        return Explanation("sample", difference) if of_sample else Explanation("untold", difference, unknown=unknown)
    if agree is False:
        return Explanation("inconsistent", difference)
    original, retest = (_known(bias[code], used=used) for code in codes)
    found = explained(difference, original, retest)
    enough = abs(found.left) <= min(LIMIT, 0.5 * abs(difference))
    if of_sample and found.by == "neither":
        return Explanation("sample", difference)
    return Explanation(found.by, difference, found.contribution, found.left, enough)


def _claimed(row: dict[str, Any] | None) -> bool:
    return row is not None and row["status"] == str(Status.ASSESSED) and row["lower"] is not None


def _known(row: dict[str, Any], *, used: bool) -> Known:
    return Known(row["estimate"], 0.5 * (row["upper"] - row["lower"]), row["n_blocks"], holds_pair=used)
