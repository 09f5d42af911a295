"""Tests against a tolerated bound: is a bias larger than what is tolerated, is a precision worse than what is tolerated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


def p_bias_above(estimate: ArrayLike, se: ArrayLike, df: ArrayLike, *, bound: float) -> Floats:
    """One-sided p of H0: |b| ≤ `bound`, evaluated at the boundary of H0.

    p = P(T_df ≥ (|estimate| − bound) / se); all arguments in one unit, arrays of one shape or scalars. The second tail of the
    composite hypothesis (|b| at −bound) adds less than P(T_df ≥ (|estimate| + bound) / se) and is left out, as in a test of
    each side at its own error rate. se = 0 gives 0 or 1; NaN in gives NaN out. Source: Student's t with the (Satterthwaite)
    degrees of freedom of the standard error.
    """
    estimate, se, df = (np.asarray(x, dtype=np.float64) for x in (estimate, se, df))
    excess = np.abs(estimate) - bound
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, excess / se, np.where(excess > 0, np.inf, -np.inf))
    missing = np.isnan(estimate) | np.isnan(se) | np.isnan(df)
    return np.where(missing, np.nan, special.stdtr(df, -t))


def smallest_shown(se: ArrayLike, df: ArrayLike, *, bound: float, alpha: ArrayLike, power: float = 0.8) -> Floats:
    """Smallest |b| that `p_bias_above` ≤ `alpha` shows with the stated power: bound + δ · se.

    δ is the noncentrality at which P(T′_df,δ > t_{1−α}) = power (noncentral t, relative error < 1e-5). Shapes as
    in `p_bias_above`; df may be infinite.
    """
    se, df, alpha = (np.asarray(x, dtype=np.float64) for x in (se, df, alpha))
    noncentrality = special.nctdtrinc(df, 1.0 - power, special.stdtrit(df, 1.0 - alpha))
    return np.asarray(bound + noncentrality * se, dtype=np.float64)


def p_ratio_above(ratio: ArrayLike, df: ArrayLike, *, bound: float) -> Floats:
    """One-sided p of H0: σ/σ0 ≤ `bound`, for an estimated ratio of standard deviations with `df` degrees of freedom.

    p = P(χ²_df ≥ df · (ratio / bound)²), the usual test of a standard deviation (ISO 5725-4, GB/T 6379.4). Arrays of one
    shape or scalars; NaN in gives NaN out.
    """
    ratio, df = (np.asarray(x, dtype=np.float64) for x in (ratio, df))
    return np.asarray(special.chdtrc(df, df * (ratio / bound) ** 2), dtype=np.float64)
