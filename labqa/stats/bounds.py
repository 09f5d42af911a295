"""Tests against a tolerated bound: is a bias larger than what is tolerated, is a precision worse than what is tolerated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


FAR = 15.0
"""Critical value of t beyond which the noncentral t is replaced by its standard error's χ²."""


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

    δ is the noncentrality at which P(T′_df,δ > t_{1−α}) = power (noncentral t, relative error < 1e-5). Where t_{1−α} is
    above `FAR` (few degrees of freedom) δ = t √(χ²_df,power / df), 0.5 % too small at most: there the error of the estimate
    matters little beside that of its standard error, and the iteration of the library need not end. Shapes as in
    `p_bias_above`; df may be infinite.
    """
    se, df, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (se, df, alpha)))
    critical = special.stdtrit(df, 1.0 - alpha)
    far = critical > FAR
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = critical * np.sqrt(special.chdtri(df, 1.0 - power) / df)
    noncentrality = np.where(
        far, scaled, special.nctdtrinc(np.where(far, np.inf, df), 1.0 - power, np.where(far, 1.0, critical))
    )
    return np.asarray(bound + noncentrality * se, dtype=np.float64)


def power_of_bias(bias: ArrayLike, se: ArrayLike, df: ArrayLike, *, bound: float, alpha: ArrayLike) -> Floats:
    """Probability that `p_bias_above` ≤ `alpha` where the true bias is `bias`: P(T′_df,δ > t_{1−α}), δ = (|bias| − bound) / se.

    Noncentral t (relative error < 1e-5). Arrays of one shape or scalars, one unit; df may be infinite. At |bias| = bound it
    is alpha, below it less. se = 0 gives 0 or 1; NaN in gives NaN out.
    """
    bias, se, df, alpha = (np.asarray(x, dtype=np.float64) for x in (bias, se, df, alpha))
    excess = np.abs(bias) - bound
    critical = special.stdtrit(df, 1.0 - alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = excess / se
    power = np.where(np.isinf(df), special.ndtr(delta - critical), 1.0 - special.nctdtr(df, delta, critical))
    power = np.where(se > 0, power, np.where(excess > 0, 1.0, 0.0))
    return np.where(np.isnan(bias) | np.isnan(se) | np.isnan(df), np.nan, np.clip(power, 0.0, 1.0))


def power_after_screening(
    bias: ArrayLike,
    first_se: ArrayLike,
    se: ArrayLike,
    df: ArrayLike,
    *,
    screen: ArrayLike,
    bound: float,
    alpha: float,
) -> Floats:
    """Probability that a first estimate exceeds `screen` and the final one, with the first in it, then shows the bias.

    The final estimate x ~ N(|bias|, se²) holds the first as a part of its information, so that first | x ~ N(x, first_se² −
    se²): P = E_S ∫_{bound + t_{1−α} S se} φ(x) Φ((x − screen) / √(first_se² − se²)) dx, S² = χ²_df / df. S by 40 equal parts
    of its distribution, x by 32 points of Gauss–Legendre (error < 1e-3). At |bias| = bound it is at most alpha: who is not
    followed up is not found. Arrays of one shape; first_se = inf (nothing seen at first) gives 0.
    """
    bias, first_se, se, df, screen = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (bias, first_se, se, df, screen))
    )
    part = (np.arange(40) + 0.5) / 40
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(special.chdtri(df[..., None], 1.0 - part) / df[..., None])
    scale = np.where(np.isinf(df)[..., None], 1.0, scale)
    critical = (bound - np.abs(bias))[..., None] / se[..., None] + special.stdtrit(df, 1.0 - alpha)[..., None] * scale
    node, weight = np.polynomial.legendre.leggauss(32)
    low = np.clip(critical, -9.0, 9.0)[..., None]
    z = low + 0.5 * (9.0 - low) * (node + 1.0)
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * 0.5 * (9.0 - low) * weight
    seen = np.isfinite(first_se) & np.isfinite(se) & np.isfinite(screen)
    rest = np.sqrt(np.maximum(np.where(seen, first_se, 1.0) ** 2 - np.where(seen, se, 0.0) ** 2, 1e-12))
    above = (np.abs(bias) - np.where(seen, screen, 0.0))[..., None, None] + z * np.where(seen, se, 0.0)[..., None, None]
    power = (density * special.ndtr(above / rest[..., None, None])).sum(axis=-1).mean(axis=-1)
    return np.where(seen, power, 0.0)


def p_count_above(hits: ArrayLike, n: ArrayLike, chance: ArrayLike) -> Floats:
    """One-sided p of H0: hits are as likely as `chance` on the mean of n independent trials: P(B ≥ hits), B ~ binomial.

    Where the trials differ in their chances it is the larger one for hits ≥ n · chance + 1 (Hoeffding 1956,
    doi:10.1214/aoms/1177728178). Whole numbers as floats, arrays of one shape or scalars; hits = 0 gives 1, NaN in gives NaN.
    """
    hits, n, chance = (np.asarray(x, dtype=np.float64) for x in (hits, n, chance))
    some = np.maximum(hits, 1.0)
    tail = special.betainc(some, np.maximum(n - some, 0.0) + 1.0, np.clip(chance, 0.0, 1.0))
    return np.where(np.isnan(hits + n + chance), np.nan, np.where(hits > 0, tail, 1.0))


def p_ratio_above(ratio: ArrayLike, df: ArrayLike, *, bound: float) -> Floats:
    """One-sided p of H0: σ/σ0 ≤ `bound`, for an estimated ratio of standard deviations with `df` degrees of freedom.

    p = P(χ²_df ≥ df · (ratio / bound)²), the usual test of a standard deviation (ISO 5725-4, GB/T 6379.4). Arrays of one
    shape or scalars; NaN in gives NaN out.
    """
    ratio, df = (np.asarray(x, dtype=np.float64) for x in (ratio, df))
    return np.asarray(special.chdtrc(df, df * (ratio / bound) ** 2), dtype=np.float64)
