"""Whether the biases of two laboratories explain the difference of one pair of their results."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

By = Literal["original", "retest", "both", "neither"]


class Known(NamedTuple):
    """Bias of a laboratory with the half-width of its interval, from n blocks; `holds_pair`: the pair is one of them."""

    estimate: float
    reach: float
    n: int
    holds_pair: bool


class Explained(NamedTuple):
    """Whose bias explains the difference, what the biases contribute, what is left of it, and the biases without the pair."""

    by: By
    contribution: float
    left: float
    original: float
    retest: float


def left_out(known: Known, own: float) -> Known:
    """The bias without this pair, which alone would say `own`: (n b − own)/(n − 1), its interval wider by √(n/(n − 1)).

    As if the bias were a plain mean and the partner's known: no block can weigh more, so the pair keeps no word in its own
    cause. One block alone leaves nothing (an infinite interval); a bias that does not hold the pair stays as it is.
    """
    if not known.holds_pair:
        return known
    if known.n < 2:
        return Known(0.0, math.inf, 0, holds_pair=False)
    rest = known.n - 1
    return Known((known.n * known.estimate - own) / rest, known.reach * math.sqrt(known.n / rest), rest, holds_pair=False)


def explained(difference: float, original: Known, retest: Known) -> Explained:
    """Whose bias explains `difference` = retest − original, all in σR.

    A bias counts if its interval, without this pair, excludes 0: that of the original laboratory moves the difference
    downwards, that of the retest laboratory upwards; `contribution` is their sum. Those that move it the way it went
    explain it, unless the other bias outweighs them: then neither does.
    """
    one, other = left_out(original, retest.estimate - difference), left_out(retest, original.estimate + difference)
    moved = {"original": -one.estimate, "retest": other.estimate}
    reach = {"original": one.reach, "retest": other.reach}
    counted = {name: part for name, part in moved.items() if abs(part) > reach[name]}
    contribution = sum(counted.values())
    found = [name for name, part in counted.items() if part * difference > 0 and contribution * difference > 0]
    by: By = "neither" if not found else "both" if len(found) == 2 else "original" if found == ["original"] else "retest"
    return Explained(by, contribution, difference - contribution, one.estimate, other.estimate)
