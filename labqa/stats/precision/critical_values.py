"""Critical values of the tests of a collaborative study: Cochran, Grubbs and Mandel's h and k.

Under normal errors Cochran's C, k²/p and, up to a factor, h² and G² are beta variables. Probabilities are upper-tail unless
said otherwise. C and G of the most extreme of p take the Bonferroni bound α/p, exact where two cannot exceed it at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


def cochran_critical(p: ArrayLike, n: ArrayLike, *, alpha: float) -> Floats:
    """Largest share C = s²max/Σs² of p variances of n results each that passes at level α.

    C = 1/(1 + (p − 1)/F), F the 1 − α/p quantile with n − 1 and (p − 1)(n − 1) df: a quantile of Beta((n − 1)/2, (p − 1)(n −
    1)/2) (ISO 5725-2:1994, 7.3.3 and table 4). NaN for p < 2 or n < 2.
    """
    p, n = _counts(p, n)
    fits = (p >= 2) & (n >= 2)
    a = np.where(fits, (n - 1) / 2, 1.0)
    return np.where(fits, special.betainccinv(a, np.maximum(p - 1, 1) * a, np.minimum(alpha / np.maximum(p, 1), 1.0)), np.nan)


def cochran_chance(statistic: ArrayLike, p: ArrayLike, n: ArrayLike) -> Floats:
    """P(C or more) for p variances of n results each, as a bound: p times that of one of them, at most 1."""
    p, n = _counts(p, n)
    c = np.asarray(statistic, dtype=np.float64)
    fits = (p >= 2) & (n >= 2) & (c >= 0)
    a = np.where(fits, (n - 1) / 2, 1.0)
    tail = special.betaincc(a, np.maximum(p - 1, 1) * a, np.clip(np.where(fits, c, 0.0), 0.0, 1.0))
    return np.where(fits, np.minimum(p * tail, 1.0), np.nan)


def grubbs_critical(p: ArrayLike, *, alpha: float) -> Floats:
    """Largest |x − mean|/SD among p values that passes at two-sided level α (ISO 5725-2:1994, 7.3.4 and table 5).

    G = (p − 1)/√p · √(t²/(p − 2 + t²)), t the 1 − α/(2p) quantile with p − 2 df (Grubbs 1950). NaN for p < 3.
    """
    (p,) = _counts(p)
    return _deviation_critical(p, alpha / np.maximum(p, 1))


def grubbs_chance(statistic: ArrayLike, p: ArrayLike, *, sides: int = 2) -> Floats:
    """P(G or more) for the most extreme of p values (`sides` = 2) or of one stated end (1), as a bound, at most 1."""
    (p,) = _counts(p)
    g = np.asarray(statistic, dtype=np.float64)
    fits = (p >= 3) & (g >= 0)
    square = np.where(fits, g, 0.0) ** 2 * p / np.maximum(p - 1, 1) ** 2
    tail = special.betaincc(0.5, np.where(fits, p - 2, 1.0) / 2, np.minimum(square, 1.0))
    return np.where(fits, np.minimum(sides * p / 2 * tail, 1.0), np.nan)


def mandel_h_critical(p: ArrayLike, *, alpha: float) -> Floats:
    """Indicator line of |h| for p laboratories: one stated laboratory is beyond it with probability α (two-sided).

    h = (p − 1) t/√(p (t² + p − 2)), t the 1 − α/2 quantile with p − 2 df (ISO 5725-2:1994, 7.3.1 and tables 6, 7). NaN for p <
    3.
    """
    (p,) = _counts(p)
    return _deviation_critical(p, np.full(p.shape, alpha))


def mandel_k_critical(p: ArrayLike, n: ArrayLike, *, alpha: float) -> Floats:
    """Indicator line of k for p laboratories of n results: one stated laboratory is above it with probability α.

    k = √(p/(1 + (p − 1)/F)), F the 1 − α quantile with n − 1 and (p − 1)(n − 1) df (ISO 5725-2:1994, 7.3.1). NaN for p < 2 or
    n < 2.
    """
    p, n = _counts(p, n)
    fits = (p >= 2) & (n >= 2)
    a = np.where(fits, (n - 1) / 2, 1.0)
    return np.where(fits, np.sqrt(p * special.betainccinv(a, np.maximum(p - 1, 1) * a, alpha)), np.nan)


def _counts(*numbers: ArrayLike) -> tuple[Floats, ...]:
    return np.broadcast_arrays(*(np.asarray(one, dtype=np.float64) for one in numbers))


def _deviation_critical(p: Floats, tail: Floats) -> Floats:
    """|x − mean|/SD that one stated value of p exceeds with the given probability."""
    fits = p >= 3
    square = special.betainccinv(0.5, np.where(fits, p - 2, 1.0) / 2, np.clip(tail, 0.0, 1.0))
    return np.where(fits, (p - 1) / np.sqrt(np.maximum(p, 1)) * np.sqrt(square), np.nan)
