"""Standard errors of thousands of laboratory effects: the diagonal of the pseudo-inverse of the Laplacian."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from labqa.stats.kernels import kernel
from labqa.stats.network.components import paired
from labqa.stats.network.edges import Edges, edge_sums, edges
from labqa.stats.network.elimination import eliminate, selected_inverse
from labqa.stats.network.inverse import grounded_inverse
from labqa.stats.network.laplacian import MANY_EDGES, applied, centred, degrees, dot, solve_edges

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LANCZOS_STEPS = 40
COLUMNS = 64
"""Laboratories that may be solved for one by one before everything is inverted."""
SAMPLE = 4


class EffectErrors(NamedTuple):
    """Standard error of each effect per unit of √(1/weight), and a bound on its relative error (0: exact).

    NaN for a laboratory without pairs, which can be compared with nobody.
    """

    error: Floats
    bound: Floats


def effect_errors(
    a: Ints,
    b: Ints,
    weight: Floats,
    *,
    n: int,
    zero: Floats | None = None,
    exact_below: int = 2000,
    within: float = 0.01,
) -> EffectErrors:
    """√Var(x_i − Σ zero_j x_j) of the weighted least-squares effects of pairs whose variance is 1/weight, independent.

    Pairs (a, b, weight) as in `laplacian.solve_laplacian`; `zero` (n, ≥ 0; by default all equal) is scaled to sum 1 over
    each component, so that by default the result is √diag(L⁺). What is independent only of other samples wants
    `sandwich.clustered_covariance` instead. Exact (elimination, then the elements of the inverse that it needs) if no more
    than `exact_below` laboratories resist elimination. Else, with N = D^{−½} (D − L) D^{−½}, two terms of the series Σ N^k,
    and the rest of it in the middle of the bounds that the extreme eigenvalues of N leave; laboratories whose bound on the
    standard error exceeds `within` are solved for one by one, and so are the worst of the others as a check; if too many
    exceed it or a check fails, everything is inverted after all (n³ operations). The extreme eigenvalues are Lanczos' after
    40 steps, a residual away. ValueError as `edges`, and for a zero that is negative, not finite or 0 over a whole
    component.
    """
    found = edges(a, b, weight, n=n)
    of_edge = edge_sums(found, weight)
    joined = paired(found.low, found.high, n=n).component
    shares = _shares(joined, np.ones(n) if zero is None else np.asarray(zero, dtype=np.float64))
    alone = np.bincount(joined, minlength=n)[joined] == 1
    result = None
    if n > exact_below and len(found.low) > MANY_EDGES * n:
        result = _by_series(found, of_edge, joined, shares, within)
    if result is None:
        result = _by_elimination(found, of_edge, joined, shares, exact_below)
    if result is None:
        result = _by_series(found, of_edge, joined, shares, within)
    if result is None:
        result = _by_elimination(found, of_edge, joined, shares, n)
    assert result is not None  # without a limit elimination always answers
    variance, bound = result
    variance = np.where(alone, np.nan, variance)
    return EffectErrors(np.sqrt(np.maximum(variance, 0.0)), np.where(alone, np.nan, bound))


def _shares(component: Ints, zero: Floats) -> Floats:
    """`zero` scaled to sum 1 over each component."""
    n = len(component)
    if zero.shape != (n,) or not (np.isfinite(zero) & (zero >= 0)).all():
        raise ValueError(f"zero: expected {n} weights, finite and ≥ 0")
    total = np.bincount(component, weights=zero, minlength=n)[component]
    if not (total > 0).all():
        raise ValueError(f"zero: the component of laboratory {int(np.argmin(total > 0))} has no weight in it")
    return np.asarray(zero / total, dtype=np.float64)


def _by_elimination(
    found: Edges, weight: Floats, component: Ints, shares: Floats, largest: int
) -> tuple[Floats, Floats] | None:
    """Exact variances, unless more than `largest` laboratories are left to be inverted."""
    n = len(component)
    parts = eliminate(found.low, found.high, weight, n=n, room=1.25 * len(found.low) + 10 * n)
    core = np.flatnonzero(parts.alive)
    if len(core) > largest:
        return None
    diagonal, beside = np.zeros(n), np.zeros(len(parts.weight))
    ground = np.zeros(n, dtype=np.bool_)
    ground[parts.order[parts.pivot == 0.0]] = True
    if len(core):
        ground[core[np.unique(component[core], return_index=True)[1]]] = True
        at = np.full(n, -1)
        at[core] = np.arange(len(core))
        i, j = at[parts.ends[2 * parts.left]], at[parts.ends[2 * parts.left + 1]]
        inverse = grounded_inverse(i, j, parts.weight[parts.left], ground[core])
        diagonal[core], beside[parts.left] = np.diag(inverse), inverse[i, j]
    diagonal, beside = selected_inverse(parts, diagonal, beside)
    right = shares.copy()
    right[ground] -= 1.0
    x = solve_edges(found, weight, right, tolerance=1e-13, parts=parts).x
    x = centred(x, component, ground.astype(np.float64))
    mean = x - centred(x, component, shares)
    return diagonal - 2.0 * x + mean, np.zeros(n)


@kernel
def _squares(low, high, weight, degree):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ_j N_ij² of each laboratory."""
    out = np.zeros(len(degree))
    for e in range(len(low)):
        square = weight[e] * weight[e] / (degree[low[e]] * degree[high[e]])
        out[low[e]] += square
        out[high[e]] += square
    return out


def _extremes(found: Edges, weight: Floats, degree: Floats, component: Ints) -> tuple[float, float]:
    """Smallest and largest eigenvalue of N but for the 1 of each component, by Lanczos' method, each a residual outward.

    Deterministic start: the fractional parts of multiples of the golden ratio.
    """
    n = len(degree)
    root = np.sqrt(degree)
    inverse = 1.0 / np.where(root > 0, root, 1.0)
    before, out = np.zeros(n), np.empty(n)
    now = root * centred(np.modf(0.6180339887498949 * np.arange(1, n + 1))[0] * inverse, component, degree)
    now /= np.sqrt(dot(now, now))
    diagonal: list[float] = []
    beside = [0.0]
    for _ in range(min(LANCZOS_STEPS, n - 1)):
        applied(found.start, found.far, weight, now * inverse, out)
        new = now - inverse * out
        diagonal.append(float(dot(new, now)))
        new = new - diagonal[-1] * now - beside[-1] * before
        new = root * centred(new * inverse, component, degree)
        length = float(np.sqrt(dot(new, new)))
        beside.append(length)
        if length < 1e-12:
            break
        before, now = now, new / length
    value, vector = linalg.eigh_tridiagonal(np.array(diagonal), np.array(beside[1:-1]))
    away = beside[-1] * np.abs(vector[-1])
    return max(float(value[0] - away[0]), -1.0), float(value[-1] + away[-1])


def _by_series(found: Edges, weight: Floats, component: Ints, shares: Floats, within: float) -> tuple[Floats, Floats] | None:
    """Variances from two terms of the series and bounds on the rest, unless these are too wide for too many."""
    n = len(component)
    degree = np.asarray(degrees(found.start, found.far, weight))
    least, most = _extremes(found, weight, degree, component)
    if most >= 1.0:
        return None
    below, above = least / (1.0 - least), most / (1.0 - most)
    total = np.bincount(component, weights=degree, minlength=n)[component]
    part = degree / np.where(total > 0, total, 1.0)
    scale = 1.0 / np.where(degree > 0, degree, 1.0)
    second = np.asarray(_squares(found.low, found.high, weight, np.where(degree > 0, degree, 1.0))) - part
    own = scale * (1.0 - 2.0 * part + second * (1.0 + 0.5 * (below + above)))
    x = solve_edges(found, weight, centred(shares - part, component), tolerance=1e-10).x
    x = centred(x, component, degree)
    to_zero = -2.0 * x + (x - centred(x, component, shares))
    variance = own + to_zero
    half = 0.5 * scale * second * (above - below)
    bound = half / np.maximum(variance - half, 1e-300) / 2.0  # of the root
    wide = np.flatnonzero(bound > within)
    if len(wide) > COLUMNS:
        return None
    worst = np.argsort(-np.where(bound > within, 0.0, bound), kind="stable")[:SAMPLE]
    for lab in [*wide, *worst]:
        column = -part * (component == component[lab])
        column[lab] += 1.0
        exact = float(centred(solve_edges(found, weight, column, tolerance=1e-10).x, component, degree)[lab] + to_zero[lab])
        if bound[lab] <= within and abs(exact - variance[lab]) > 1.000001 * half[lab] + 1e-9 * exact:
            return None
        variance[lab], bound[lab] = exact, 0.0
    return variance, bound
