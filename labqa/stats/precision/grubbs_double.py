"""Grubbs' test for two outlying values at one end: the distribution of its statistic, by integration.

The ratio has no closed distribution, and published tables stop at 40 values or so; the recursion here reproduces them.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, special

Floats = NDArray[np.float64]

_ANGLES = np.linspace(0.0, np.pi / 2, 4001)
_LEGENDRE = np.polynomial.legendre.leggauss(64)
_NODES, _WEIGHTS = 0.5 * (_LEGENDRE[0] + 1.0), 0.5 * _LEGENDRE[1]
LARGEST_P = 200
"""Most values for which the exact distribution of Grubbs' double statistic is computed: the recursion takes p − 4 steps."""


@cache
def _below(n: int) -> Floats:
    """P(largest residual of n normal values ≤ √((n − 1)/n) sin φ) on `_ANGLES`, residuals scaled to Σ e² = 1.

    The value that is largest stands at angle φ with density ∝ cos^(n−3) φ; the others, scaled again, must stay below it:
    H_n(φ) = 1 − n ∫_φ^{π/2} a cos^(n−3) ψ · H_{n−1}(√(n/(n − 1)) tan ψ) dψ, a = 1/B(1/2, (n − 2)/2): the recursion of Grubbs
    1950 (doi:10.1214/aoms/1177729885). H_2 steps from 0 to 1 at its end, H_3 rises linearly from φ = π/6.
    """
    if n == 2:
        return np.zeros(len(_ANGLES))
    if n == 3:
        return np.maximum(3.0 * _ANGLES / np.pi - 0.5, 0.0)
    density = np.cos(_ANGLES) ** (n - 3) / special.beta(0.5, (n - 2) / 2)
    with np.errstate(over="ignore"):
        others = _largest_residual_below(np.sqrt(n / (n - 1)) * np.tan(_ANGLES), n - 1)
    running = integrate.cumulative_simpson(density * others, x=_ANGLES, initial=0.0)
    return np.asarray(np.clip(1.0 - n * (running[-1] - running), 0.0, 1.0), dtype=np.float64)


def _largest_residual_below(t: Floats, n: int) -> Floats:
    """P(largest of n residuals with Σ e² = 1 is at most t)."""
    scaled = np.asarray(t, dtype=np.float64) * np.sqrt(n / (n - 1))
    inside = np.interp(np.arcsin(np.clip(scaled, 0.0, 1.0)), _ANGLES, _below(n))
    return np.where(scaled >= 1.0 - 1e-15, 1.0, np.where(scaled > 0.0, inside, 0.0))


def grubbs_double_chance(ratio: float, p: int) -> float:
    """P(SS without the two largest / SS of all ≤ ratio) for p normal values, one-sided, by integration.

    With the others at mean 0, (x₁, x₂) lies at a uniform angle θ, and the ratio ρ of a given pair has v = ρ^((p−3)/2) uniform;
    the pair is the two largest if min(x₁, x₂) exceeds the largest residual of the other p − 2:
    P = C(p, 2) ∫ dv ∫ dθ/2π H_{p−2}(min(x₁, x₂)/√ρ), v from 0 to ratio^((p−3)/2). Gauss–Legendre between the points where H
    leaves 0 or reaches 1; relative error below 2e-6. NaN for p < 4; ValueError above 200.
    """
    if p > LARGEST_P:
        raise ValueError(f"Grubbs' double test is computed for at most {LARGEST_P} values, not for {p}")
    if p < 4 or not ratio >= 0.0:
        return float("nan")
    others, stretch = p - 2, 1.0 / np.sqrt(1.0 - 2.0 / p)
    edges = np.sqrt([(others - 1) / others, 1.0 / (others * (others - 1))])  # residuals at which H is 1 and 0
    reach = stretch**2 / (stretch**2 + 2.0 * edges**2)  # ratios up to which some angle has such residuals
    ends = np.minimum(np.array([0.0, *reach]), ratio) ** ((p - 3) / 2)
    total = 0.0
    for begin, end in pairwise(ends):
        if end > begin:
            v = begin + (end - begin) * _NODES
            total += float((end - begin) * (_WEIGHTS @ _share_of_angles(v ** (2.0 / (p - 3)), others, stretch, edges)))
    return min(p * (p - 1) / 2 * total, 1.0)


def _share_of_angles(rho: Floats, others: int, stretch: float, edges: Floats) -> Floats:
    """∫ dθ/2π H(min(x₁, x₂)/√ρ) for each ρ, with min(x₁, x₂) = r (s cos θ − |sin θ|)/√2, r = √(1 − ρ), s = `stretch`."""
    radius = np.sqrt(1.0 - rho) * np.sqrt((stretch**2 + 1.0) / 2.0)
    tilt = np.arctan(1.0 / stretch)
    full, none = (np.maximum(np.arccos(np.minimum(edge * np.sqrt(rho) / radius, 1.0)) - tilt, 0.0) for edge in edges)
    theta = full[:, None] + (none - full)[:, None] * _NODES
    smaller = radius[:, None] * np.cos(theta + tilt)
    between = _largest_residual_below(smaller / np.sqrt(rho)[:, None], others) @ _WEIGHTS
    return np.asarray((full + (none - full) * between) / np.pi, dtype=np.float64)


@cache
def grubbs_double_critical(p: int, *, alpha: float) -> float:
    """Ratio at or below which two values at one end of p are outlying at two-sided level α (α/2 at each end).

    ISO 5725-2:1994, 7.3.4.2 and table 5 (after Grubbs & Beck 1972, doi:10.1080/00401706.1972.10488981). NaN for p < 4.
    """
    if p < 4:
        return float("nan")
    return float(optimize.brentq(lambda u: grubbs_double_chance(u, p) - alpha / 2, 0.0, 1.0, xtol=1e-12, rtol=1e-10))
