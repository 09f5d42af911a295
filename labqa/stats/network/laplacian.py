"""Solves with the weighted Laplacian of a network of thousands of laboratories, and the plain fit of their effects to pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.components import paired
from labqa.stats.network.edges import Edges, edge_sums, edges, oriented, pair_sums
from labqa.stats.network.elimination import Elimination, condensed, eliminate, expanded, repeated

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MANY_EDGES = 8
"""From this many edges a laboratory on conjugate gradients are tried first: most such networks mix fast."""
PATIENCE = 25
"""Iterations that they then get before elimination is tried after all."""
MOST = 20_000


class Solution(NamedTuple):
    """Solution with mean zero in each component, iterations of conjugate gradients (0: by elimination alone), and what is left
    of the right-hand side, relative, each laboratory scaled by the root of its weight."""

    x: Floats
    iterations: int
    residual: float


class PairFit(NamedTuple):
    """Effects with mean zero in each component, the component of each laboratory (its smallest), and how they were found."""

    effect: Floats
    component: Ints
    iterations: int
    residual: float


@kernel
def applied(start, far, weight, x, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """L x into `out`."""
    out[:] = 0.0
    for i in range(len(x)):
        first, second, x_i = 0.0, 0.0, x[i]
        e, end = start[i], start[i + 1]
        while e + 1 < end:  # two sums, so that one addition need not wait for the other
            j, k = far[e], far[e + 1]
            one, two = weight[e] * (x_i - x[j]), weight[e + 1] * (x_i - x[k])
            first += one
            second += two
            out[j] -= one
            out[k] -= two
            e += 2
        if e < end:
            one = weight[e] * (x_i - x[far[e]])
            first += one
            out[far[e]] -= one
        out[i] += first + second


@kernel
def degrees(start, far, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ w of each laboratory."""
    out = np.zeros(len(start) - 1)
    for i in range(len(out)):
        own = 0.0
        for e in range(start[i], start[i + 1]):
            own += weight[e]
            out[far[e]] += weight[e]
        out[i] += own
    return out


@kernel
def conjugate_gradients(start, far, weight, right, x, tolerance, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Conjugate gradients from x, preconditioned by the weights of the laboratories: iterations and relative residual."""
    n = len(x)
    degree = degrees(start, far, weight)
    inverse, size = np.zeros(n), 0.0
    for i in range(n):
        if degree[i] > 0.0:
            inverse[i] = 1.0 / degree[i]
            size += right[i] * right[i] * inverse[i]
    out, residual, direction = np.empty(n), np.empty(n), np.empty(n)
    applied(start, far, weight, x, out)
    rz = 0.0
    for i in range(n):
        residual[i] = right[i] - out[i]
        direction[i] = residual[i] * inverse[i]
        rz += residual[i] * direction[i]
    count = 0
    while rz > tolerance * tolerance * size and count < most:
        applied(start, far, weight, direction, out)
        curved = 0.0
        for i in range(n):
            curved += direction[i] * out[i]
        if curved <= 0.0:
            break
        step, new = rz / curved, 0.0
        for i in range(n):
            x[i] += step * direction[i]
            residual[i] -= step * out[i]
            new += residual[i] * residual[i] * inverse[i]
        for i in range(n):
            direction[i] = residual[i] * inverse[i] + new / rz * direction[i]
        rz = new
        count += 1
    return count, np.sqrt(rz / size) if size > 0.0 else 0.0


@kernel
def by_low(low, high, weight, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Start of the edges of each low end, their high ends and weights, sorted by the low end."""
    start = np.zeros(n + 1, np.int64)
    for e in range(len(low)):
        start[low[e] + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    at = start.copy()
    far, of_edge = np.empty(len(low), np.uint32), np.empty(len(low))
    for e in range(len(low)):
        far[at[low[e]]], of_edge[at[low[e]]] = high[e], weight[e]
        at[low[e]] += 1
    return start, far, of_edge


@kernel
def _centred(x, component, zero):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(x)
    total, summed = np.zeros(n), np.zeros(n)
    for i in range(n):
        total[component[i]] += zero[i]
        summed[component[i]] += zero[i] * x[i]
    out = np.empty(n)
    for i in range(n):
        c = component[i]
        out[i] = x[i] - summed[c] / total[c] if total[c] > 0.0 else x[i]
    return out


def centred(x: Floats, component: Ints, zero: Floats | None = None) -> Floats:
    """x less its mean over each component, or its mean weighted by `zero` (n, ≥ 0); where those weights are all 0, x itself."""
    return np.asarray(_centred(x, component, np.ones(len(x)) if zero is None else zero), dtype=np.float64)


class Solved(NamedTuple):
    """A solution up to a constant per component, its iterations, and the elimination that it needed (None: none)."""

    x: Floats
    iterations: int
    parts: Elimination | None


def solve_edges(found: Edges, weight: Floats, right: Floats, *, tolerance: float, parts: Elimination | None = None) -> Solved:
    """A solution of L x = right for one `weight` > 0 per edge; `right` (n) must sum to 0 over each component.

    Networks with many edges are tried with conjugate gradients. Others, and those on which that takes too long, are eliminated
    exactly as far as that pays, and the rest is solved by conjugate gradients; `parts`, from an earlier call, repeats it.
    """
    n, count = len(found.start) - 1, 0
    x = np.zeros(n)
    if parts is None and len(found.low) > MANY_EDGES * n:
        count, reached = conjugate_gradients(found.start, found.far, weight, right, x, tolerance, PATIENCE)
        if reached <= tolerance:
            return Solved(x, count, None)
    if parts is None:
        parts = eliminate(found.low, found.high, weight, n=n, room=1.25 * len(found.low) + 10 * n)
    else:
        parts = repeated(parts, weight)
    passed = condensed(parts, right)
    if len(parts.left):
        x[~parts.alive] = 0.0
        core = by_low(parts.ends[2 * parts.left], parts.ends[2 * parts.left + 1], parts.weight[parts.left], n)
        more, _ = conjugate_gradients(*core, np.where(parts.alive, passed, 0.0), x, tolerance, MOST)
        count += more
    return Solved(expanded(parts, passed, x), count, parts)


def solve_laplacian(
    a: Ints, b: Ints, weight: Floats, right: Floats, *, n: int, tolerance: float = 1e-10, component: Ints | None = None
) -> Solution:
    """Pseudo-inverse L⁺ of the Laplacian L = Σ w (e_a − e_b)(e_a − e_b)' applied to `right`, component by component.

    a, b, weight are pairs of laboratories 0 … n − 1, weight ≥ 0 in 1/variance; several pairs of the same two laboratories add
    up, pairs of weight 0 join nothing. The part of `right` (n) that is constant over a component has no solution and
    is left out, as the pseudo-inverse does; a laboratory without pairs gets 0. Exact elimination of the poorly connected
    (so that a path, a star or regions joined by few bridges take no iteration), conjugate gradients for the rest until the
    residual is below `tolerance`. ValueError as `edges`, and for a right-hand side that is not finite or of another length;
    ArithmeticError if the residual is not reached. Why not SciPy: `cg` has no preconditioner for such networks and needs
    the matrix, `spsolve` fails on a singular one without saying what was wrong.
    """
    right = np.asarray(right, dtype=np.float64)
    if right.shape != (n,) or not np.isfinite(right).all():
        raise ValueError(f"right-hand side: expected {n} finite numbers, found shape {right.shape}")
    found = edges(a, b, weight, n=n)
    return solved(found, edge_sums(found, weight), right, tolerance=tolerance, component=component)


def solved(found: Edges, weight: Floats, right: Floats, *, tolerance: float, component: Ints | None = None) -> Solution:
    """`solve_laplacian` on edges with their summed weights; refined once if elimination left more than `tolerance`."""
    n = len(found.start) - 1
    joined = paired(found.low, found.high, n=n).component if component is None else component
    right = centred(right, joined)
    right[np.bincount(joined, minlength=n)[joined] == 1] = 0.0
    x, iterations, parts = solve_edges(found, weight, right, tolerance=tolerance)
    degree = np.asarray(degrees(found.start, found.far, weight))
    scale = 1.0 / np.sqrt(np.where(degree > 0, degree, 1.0))
    size = float(np.sqrt(dot(right * scale, right * scale)))
    out = np.empty(n)
    residual = 0.0
    for refinement in (False, True):
        x = centred(x, joined)
        applied(found.start, found.far, weight, x, out)
        gap = right - out
        residual = float(np.sqrt(dot(gap * scale, gap * scale))) / size if size > 0 else 0.0
        if residual <= tolerance or refinement:
            break
        better, more, parts = solve_edges(found, weight, centred(gap, joined), tolerance=tolerance, parts=parts)
        x, iterations = x + better, iterations + more
    if residual > max(10 * tolerance, 1e-12):
        raise ArithmeticError(f"Laplacian: residual {residual:.1e} after {iterations} iterations; expected {tolerance:.1e}")
    return Solution(x, iterations, residual)


@kernel
def dot(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ a b in the order given."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@kernel
def _felt(low, high, first, weight, delta, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.zeros(n)
    for e in range(len(low)):
        total = 0.0
        for p in range(first[e], first[e + 1]):
            total += weight[p] * delta[p]
        out[low[e]] += total
        out[high[e]] -= total
    return out


def fit_pairs(a: Ints, b: Ints, delta: Floats, weight: Floats, *, n: int, tolerance: float = 1e-10) -> PairFit:
    """Effects x that minimise Σ w (delta − x_a + x_b)² over pairs of laboratories, with mean zero in each component.

    `delta` = y_a − y_b in any unit, weight ≥ 0 as 1/variance of delta; a laboratory without a pair of positive weight is
    its own component with effect 0. Effects of different components cannot be compared. A block of more than two
    results is not a sum of independent pairs: `blocks.fit` serves those. Errors as `solve_laplacian`, and ValueError for a
    difference that is not finite unless its weight is 0.
    """
    found = edges(a, b, weight, n=n)
    difference, of_pair = oriented(found, delta, weight)
    joined = paired(found.low, found.high, n=n).component
    right = _felt(found.low, found.high, found.first, of_pair, difference, n)
    solution = solved(found, pair_sums(found, of_pair), right, tolerance=tolerance, component=joined)
    return PairFit(solution.x, joined, solution.iterations, solution.residual)
