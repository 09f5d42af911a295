"""How long does a chart run on average before it signals? Average run lengths (ARL) of CUSUM and EWMA charts.

For independent normal values whose mean is `shift` σ from the target, counted in values from the start of the chart. Both
solve the integral equation of the run length by Gauss–Legendre quadrature (Nyström): smooth kernels on a finite interval, so
that 64 nodes give 8 digits or more where h ≤ 10 and λ ≥ 0.05. SciPy and statsmodels have none of this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))


def cusum_one_sided(*, k: float, h: float, shift: float = 0.0, headstart: float = 0.0, nodes: int = 64) -> float:
    """ARL of the upper CUSUM C = max(0, C + z − k), z ~ N(shift, 1), signal at C > h, from C = `headstart`.

    L(u) = 1 + L(0) Φ(k − u − δ) + ∫₀ʰ L(y) φ(y + k − u − δ) dy: the mass at 0 is an unknown of its own beside the nodes.
    k = ½, h = 5: 930.9; shift 1: 10.4. Source: Page 1954, doi:10.1093/biomet/41.1-2.100; Goel & Wu 1971,
    Technometrics 13, 221–230.
    """
    if not (h > 0.0 and 0.0 <= headstart <= h and nodes >= 8):
        raise ValueError(f"h > 0, 0 ≤ headstart ≤ h and nodes ≥ 8 are needed, found {h}, {headstart}, {nodes}")
    x, w = np.polynomial.legendre.leggauss(nodes)
    at, weight = np.concatenate(([0.0], 0.5 * h * (x + 1.0))), 0.5 * h * w
    step = np.column_stack(
        (special.ndtr(k - at - shift), weight * _density(at[None, 1:] + k - at[:, None] - shift)),
    )
    length = np.linalg.solve(np.eye(nodes + 1) - step, np.ones(nodes + 1))
    inside = weight * _density(at[1:] + k - headstart - shift)
    return float(1.0 + length[0] * special.ndtr(k - headstart - shift) + inside @ length[1:])


def cusum(*, k: float, h: float, shift: float = 0.0, headstart: float = 0.0, nodes: int = 64) -> float:
    """ARL of the two-sided CUSUM of `labqa.stats.monitoring.cusum.cusum` without clipping.

    From the two one-sided ones: (L⁺(s) L⁻(0) + L⁻(s) L⁺(0) − L⁺(0) L⁻(0)) / (L⁺(0) + L⁻(0)), exact as long as one side
    signalling finds the other at 0 (2k ≥ |h − s| or no headstart: 1/ARL = 1/L⁺ + 1/L⁻), else close. k = ½: h = 4 168,
    h = 5 465. Source: Lucas & Crosier 1982, doi:10.1080/00401706.1982.10487759.
    """
    up, down = (cusum_one_sided(k=k, h=h, shift=one, nodes=nodes) for one in (shift, -shift))
    if headstart == 0.0:
        return up * down / (up + down)
    up_s, down_s = (cusum_one_sided(k=k, h=h, shift=one, headstart=headstart, nodes=nodes) for one in (shift, -shift))
    return (up_s * down + down_s * up - up * down) / (up + down)


def siegmund(*, k: float, h: float, shift: float = 0.0) -> float:
    """Siegmund's approximation to the ARL of the one-sided CUSUM from 0: (exp(−2Δb) + 2Δb − 1) / (2Δ²).

    Δ = shift − k, b = h + 1.166; b² for Δ = 0. Within a few percent for k around ½ and h of 4 or more; for a first
    look, and to check `cusum_one_sided`. Source: Siegmund 1985, doi:10.1007/978-1-4757-1862-1.
    """
    drift, b = shift - k, h + 1.166
    if abs(drift * b) < 1e-6:
        return b * b
    return float((np.expm1(-2.0 * drift * b) + 2.0 * drift * b) / (2.0 * drift * drift))


def ewma(*, weight: float, multiple: float, shift: float = 0.0, nodes: int = 64) -> float:
    """ARL of the two-sided EWMA with asymptotic limits ± L √(λ/(2−λ)), started at its target.

    L(u) = 1 + (1/λ) ∫ L(y) φ((y − (1−λ)u)/λ − δ) dy over the limits. λ = 0.1, L = 2.814: 500; λ = 1, L = 3: 370.4, the
    Shewhart chart. Source: Crowder 1987, doi:10.1080/00401706.1987.10488267; Lucas & Saccucci 1990,
    doi:10.1080/00401706.1990.10484583.
    """
    if not (0.0 < weight <= 1.0 and multiple > 0.0 and nodes >= 8):
        raise ValueError(f"weight in (0, 1], multiple > 0 and nodes ≥ 8 are needed, found {weight}, {multiple}, {nodes}")
    x, w = np.polynomial.legendre.leggauss(nodes)
    limit = multiple * np.sqrt(weight / (2.0 - weight))
    at, w = limit * x, limit * w / weight
    step = w * _density((at[None, :] - (1.0 - weight) * at[:, None]) / weight - shift)
    length = np.linalg.solve(np.eye(nodes) - step, np.ones(nodes))
    return float(1.0 + (w * _density(at / weight - shift)) @ length)
