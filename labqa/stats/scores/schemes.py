"""How schemes of proficiency testing combine and grade the scores of one event.

Rules over successive events are in `event_rules`. Grouped functions take `z` and `offsets` (int64, groups + 1): group g is
`z[offsets[g]:offsets[g + 1]]`, summed in the order given. An empty group or one with a NaN gives NaN (code UNKNOWN). Limits
that a scheme may change are arguments; their defaults are those of the named edition or of the field.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import offsets_of
from labqa.stats.kernels import kernel
from labqa.stats.scores.reference import combined, ratio

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Codes = NDArray[np.int8]

UNKNOWN = -1
GOOD, SATISFACTORY, UNSATISFACTORY = range(3)
ACCEPTABLE, WARNING, NOT_ACCEPTABLE = range(3)
NO_ACTION, RISK_ASSESSMENT, ACT = range(3)


@kernel
def _sums(z: Floats, offsets: Integers, cap: float) -> tuple[Floats, Floats]:
    groups = len(offsets) - 1
    plain, squared = np.full(groups, np.nan), np.full(groups, np.nan)
    for g in range(groups):
        if offsets[g + 1] > offsets[g]:
            total, squares = 0.0, 0.0
            for i in range(offsets[g], offsets[g + 1]):
                total += z[i]
                capped = -cap if z[i] < -cap else cap if z[i] > cap else z[i]
                squares += capped * capped
            plain[g], squared[g] = total, squares
    return plain, squared


def _summed(z: ArrayLike, offsets: ArrayLike, *, cap: float = math.inf) -> tuple[Floats, Floats, Integers]:
    """Sums of z and of squared z, no |z| above `cap`, and the number of z of each group."""
    column = np.ascontiguousarray(z, dtype=np.float64)
    at = offsets_of(len(column), np.asarray(offsets))
    return *_sums(column, at, float(cap)), np.diff(at)


def _whole(z: ArrayLike) -> tuple[Floats, Integers]:
    values = np.ascontiguousarray(z, dtype=np.float64)
    return values, np.array([0, len(values)], dtype=np.int64)


def az2_by_group(z: Floats, offsets: Integers, *, cap: float = 5.0) -> Floats:
    """AZ² = Σ min(|z|, cap)² / n of each group (EUPT of the EURLs for pesticides: z with σ = 25 % of the assigned value).

    One z counts at most 5, however wrong its result; cap and classes are those of the general protocol, as commonly quoted.
    """
    _, squares, n = _summed(z, offsets, cap=cap)
    return np.asarray(squares / np.maximum(n, 1))


def az2(z: ArrayLike, *, cap: float = 5.0) -> float:
    """AZ² of one laboratory's z scores in one event; see `az2_by_group`."""
    return float(az2_by_group(*_whole(z), cap=cap)[0])


def az2_class(az2: ArrayLike, *, good: float = 2.0, satisfactory: float = 3.0) -> Codes:
    """GOOD up to 2, SATISFACTORY below 3, else UNSATISFACTORY (EUPT); UNKNOWN for NaN."""
    az2 = np.asarray(az2, dtype=np.float64)
    found = np.where(az2 <= good, GOOD, np.where(az2 < satisfactory, SATISFACTORY, UNSATISFACTORY))
    return np.where(np.isnan(az2), UNKNOWN, found).astype(np.int8)


def category_a(detected: ArrayLike, present: ArrayLike, false_positives: ArrayLike, *, scope: float = 0.9) -> NDArray[np.bool_]:
    """Category A of EUPT: at least 90 % of the analytes present were detected and quantified, and none that was absent.

    Whole numbers; without any analyte present there is no category A.
    """
    detected, present = np.asarray(detected, dtype=np.float64), np.asarray(present, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # share of 9 in 10 must reach 0.9: a rounding error may not decide
        return np.asarray((present > 0) & (detected >= scope * present - 1e-9) & (np.asarray(false_positives) == 0))


def rsz_by_group(z: Floats, offsets: Integers) -> Floats:
    """RSZ = Σ z / √n of each group: N(0, 1) for a laboratory without bias and independent z (doi:10.1351/pac200678010145).

    Signs may cancel: it sees a bias common to all items only.
    """
    total, _, n = _summed(z, offsets)
    return np.asarray(total / np.sqrt(np.maximum(n, 1)))


def rsz(z: ArrayLike) -> float:
    """RSZ of one laboratory's z scores; see `rsz_by_group`."""
    return float(rsz_by_group(*_whole(z))[0])


def ssz_by_group(z: Floats, offsets: Integers) -> Floats:
    """SSZ = Σ z² of each group: χ² with n degrees of freedom for independent standard z (doi:10.1351/pac200678010145)."""
    return _summed(z, offsets)[1]


def ssz(z: ArrayLike) -> float:
    """SSZ of one laboratory's z scores; see `ssz_by_group`."""
    return float(ssz_by_group(*_whole(z))[0])


def psp_rating(z: ArrayLike, *, steps: tuple[float, ...] = (1.0, 1.5, 2.0, 2.5, 3.0)) -> Codes:
    """Rating 5 to 0 of AASHTO re:source: |z| ≤ 1 is 5, ≤ 1.5 is 4, ≤ 2 is 3, ≤ 2.5 is 2, ≤ 3 is 1, else 0; NaN: UNKNOWN."""
    size = np.abs(np.asarray(z, dtype=np.float64))
    found = len(steps) - np.searchsorted(np.asarray(steps), size, side="left")
    return np.where(np.isnan(size), UNKNOWN, found).astype(np.int8)


def awn(
    x: ArrayLike,
    u: ArrayLike,
    reference: ArrayLike,
    u_reference: ArrayLike,
    *,
    limit_of_precision: ArrayLike,
    largest_bias: ArrayLike,
    factor: float = 2.58,
) -> Codes:
    """A, W or N of the IAEA: ACCEPTABLE, WARNING, NOT_ACCEPTABLE from trueness, precision and relative bias.

    Trueness: |x − reference| ≤ 2.58 √(u² + u_reference²). Precision: P = √((u/x)² + (u_reference/reference)²) ≤ LAP
    (`limit_of_precision`, 0.2 = 20 %). Both met: A. One or both missed, yet the relative bias
    |x − reference| / reference ≤ `largest_bias` (MAB): W. Else N. The limits belong to nuclide and level and are settings, and
    so is this order of steps, which the IAEA has changed between rounds (as in the reports of its ALMERA tests; general
    knowledge of the field, not law). UNKNOWN unless x, reference, u > 0 and u_reference ≥ 0.
    """
    x, u, reference, u_reference = (np.asarray(a, dtype=np.float64) for a in (x, u, reference, u_reference))
    known = (x > 0.0) & (u > 0.0) & (reference > 0.0) & (u_reference >= 0.0)
    apart = np.abs(x - reference)
    true = apart <= factor * combined(u, u_reference)
    precise = combined(ratio(u, x), ratio(u_reference, reference)) <= np.asarray(limit_of_precision, dtype=np.float64)
    near = ratio(apart, reference) <= np.asarray(largest_bias, dtype=np.float64)
    found = np.where(true & precise, ACCEPTABLE, np.where(near, WARNING, NOT_ACCEPTABLE))
    return np.where(known, found, UNKNOWN).astype(np.int8)


def cnas_response(score: ArrayLike, method_ratio: ArrayLike, *, limit: float = 3.0) -> Codes:
    """What follows from a score by the logic of CNAS-RL02, 4.4: NO_ACTION, RISK_ASSESSMENT or ACT.

    |score| < `limit` (3 for z, 1 for En): no action. At or above it: risk assessment where the result meets the method's own
    criterion, |Δ| / criterion = `method_ratio` ≤ 1; action where it does not, or where the method states none (NaN).
    UNKNOWN without a score.
    """
    size, own = np.abs(np.asarray(score, dtype=np.float64)), np.asarray(method_ratio, dtype=np.float64)
    found = np.where(size < limit, NO_ACTION, np.where(own <= 1.0, RISK_ASSESSMENT, ACT))
    return np.where(np.isnan(size), UNKNOWN, found).astype(np.int8)
