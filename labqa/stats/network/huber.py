"""Robust fit of laboratory effects to pairs: Huber's loss, by a semismooth Newton method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.network.components import paired
from labqa.stats.network.edges import Edges, edges, oriented, pair_sums
from labqa.stats.network.elimination import Elimination
from labqa.stats.network.laplacian import centred, degrees, dot, solve_edges
from labqa.stats.network.redescending import MAD_TO_SD

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EFFICIENT = 1.345
"""The corner that keeps 95 % efficiency at the normal distribution."""
MOST_STEPS, MOST_ROUNDS = 200, 50


class HuberFit(NamedTuple):
    """Effects with mean zero in each component, the component of each laboratory (its smallest), the scale; steps of Newton's
    method and iterations of conjugate gradients in all, and the largest |Σ ±√w ψ(t)| √(mean w)/Σ w of a laboratory, about its
    distance to the solution in standard errors of an average pair."""

    effect: Floats
    component: Ints
    scale: float
    steps: int
    iterations: int
    gradient: float


class PairScores(NamedTuple):
    """√w ψ(t) · scale and w ψ'(t) of each pair: what stands for w r and for w of least squares in a sandwich covariance."""

    score: Floats
    weight: Floats


@kernel
def _felt(start, far, first, root, delta, x, scale, corner, gradient, inside, outside):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Σ ±√w ψ(t) of each laboratory; Σ w of the pairs of each edge inside the corner and Σ w corner/|t| of those outside."""
    gradient[:] = 0.0
    unit = 1.0 / scale
    for i in range(len(x)):
        x_i, own = x[i], 0.0
        for e in range(start[i], start[i + 1]):
            j = far[e]
            gap, total, within, beyond = x_i - x[j], 0.0, 0.0, 0.0
            for place in range(first[e], first[e + 1]):
                p = np.uint64(place)
                t = root[p] * (delta[p] - gap) * unit
                away, w = abs(t), root[p] * root[p]
                total += root[p] * min(max(t, -corner), corner)
                # no branches: which pairs are cut cannot be foretold, and a wrong guess costs ten multiplications
                kept = w * np.float64(away <= corner)
                within += kept
                beyond += w * min(1.0, corner / max(away, 1e-300)) - kept
            inside[e], outside[e] = within, beyond
            own += total
            gradient[j] -= total
        gradient[i] += own


@kernel
def _residuals(start, far, first, root, delta, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.empty(len(root))
    for i in range(len(x)):
        for e in range(start[i], start[i + 1]):
            gap = x[i] - x[far[e]]
            for p in range(first[e], first[e + 1]):
                out[p] = abs(root[p] * (delta[p] - gap))
    return out


@kernel
def _steepness(gradient, degree):  # type: ignore[no-untyped-def]  # pragma: no cover
    worst = 0.0
    for i in range(len(gradient)):
        if degree[i] > 0.0:
            worst = max(worst, abs(gradient[i]) / degree[i])
    return worst


def _scale(found: Edges, root: Floats, delta: Floats, x: Floats) -> float:
    """1.4826 × median |√w r|; where more than half are 0, 1.2533 × their mean, which is 0 only if all are."""
    away = np.asarray(_residuals(found.start, found.far, found.first, root, delta, x))
    if len(away) == 0:
        return 0.0
    middle = float(np.median(away))
    return MAD_TO_SD * middle if middle > 0.0 else float(np.sqrt(np.pi / 2)) * float(away.sum()) / len(away)


class _Newton:
    """Newton's method on one network: the pairs in the order of their edges, the present effects, and the steps so far."""

    def __init__(self, found: Edges, delta: Floats, weight: Floats, x: Floats, corner: float) -> None:
        """`weight` (in the order of the edges) is overwritten by its root."""
        self.found, self.corner, self.x = found, corner, x
        self.degree = np.asarray(degrees(found.start, found.far, pair_sums(found, weight)))
        self.unit = float(np.sqrt(self.degree.sum() / max(2 * len(weight), 1)))
        self.pairs = (found.start, found.far, found.first, np.sqrt(weight, out=weight), delta)
        self.inside, self.outside = np.empty(len(found.low)), np.empty(len(found.low))
        self.steps = self.iterations = 0
        self.parts: Elimination | None = None

    def _gradient(self, scale: float) -> Floats:
        """Σ ±√w ψ(t) at the present effects; with it comes what Newton's matrix there is made of."""
        out = np.empty(len(self.x))
        _felt(*self.pairs, self.x, scale, self.corner, out, self.inside, self.outside)
        return out

    def settle(self, scale: float, tolerance: float) -> float:
        """Steps until the largest gradient is at most `tolerance`; returns it."""
        gradient = self._gradient(scale)
        steep = self.unit * float(_steepness(gradient, self.degree))
        first = self.steps
        while steep > tolerance:
            if self.steps - first >= MOST_STEPS:
                raise ArithmeticError(f"Huber fit: gradient {steep:.1e} after {MOST_STEPS} steps; expected {tolerance:.1e}")
            # far off the bound of iterated reweighting, near by Newton's matrix; never 0, or the matrix may fall apart
            kept = min(1.0, max(steep, 1e-6))
            np.multiply(self.outside, kept, out=self.outside)
            np.add(self.inside, self.outside, out=self.inside)
            accuracy = min(1e-2, max(steep, 0.3 * tolerance / steep))
            direction, count, self.parts = solve_edges(self.found, self.inside, gradient, tolerance=accuracy, parts=self.parts)
            self.iterations += count
            self.steps += 1
            gradient = self._search(direction, gradient, scale)
            steep = self.unit * float(_steepness(gradient, self.degree))
        return steep

    def settle_scale(self) -> float:
        """Scale and effects in turn, each fit no closer than the scale is yet; returns the scale, 0 for a perfect fit."""
        scale, tolerance = _scale(self.found, *self.pairs[3:], self.x), 1e-2
        for _ in range(MOST_ROUNDS):
            if scale == 0.0:
                return scale
            self.settle(scale, tolerance)
            before, scale = scale, _scale(self.found, *self.pairs[3:], self.x)
            moved = abs(scale - before) / before
            if moved <= 1e-9:
                break
            tolerance = min(1e-2, max(0.01 * moved, 1e-9))
        return scale

    def _search(self, direction: Floats, gradient: Floats, scale: float) -> Floats:
        """Moves along the direction (in units of the scale) to where the loss has all but stopped to fall: the slope is
        monotone, and secants find its zero; the full step if the loss still falls there."""
        slope, length, begun = float(dot(direction, gradient)), 1.0, self.x
        low, of_low, high, of_high = 0.0, slope, np.inf, 0.0
        for _ in range(30):
            self.x = begun + scale * length * direction
            out = self._gradient(scale)
            now = float(dot(direction, out))
            if now >= -0.1 * slope and (high == np.inf or now <= 0.1 * slope):
                break
            if now < 0.0:
                high, of_high = length, now
            else:
                low, of_low = length, now
            length = low + (high - low) * of_low / (of_low - of_high)
            length = min(max(length, low + 0.05 * (high - low)), high - 0.05 * (high - low))
        return out


def huber_pairs(
    a: Ints,
    b: Ints,
    delta: Floats,
    weight: Floats,
    *,
    n: int,
    scale: float | None = None,
    corner: float = EFFICIENT,
    start: Floats | None = None,
    tolerance: float = 1e-8,
) -> HuberFit:
    """Effects x that minimise Σ ρ(t), t = √w (delta − x_a + x_b)/scale, ρ Huber's with ψ(t) = t cut at ±`corner`.

    a, b are laboratories 0 … n − 1, `delta` = y_a − y_b, `weight` ≥ 0 as 1/variance of delta up to the square of the scale;
    mean zero in each component, 0 for a laboratory without pairs. The loss is convex, so that the start (zeros, or `start`)
    decides about time only, not about the answer. A `scale` that is not given solves scale = 1.4826 median |√w r| of all
    pairs together with the effects, as statsmodels' RLM does; it begins with the raw differences, which gross errors in
    fewer than half of the pairs cannot carry away, where few carry away the residuals of a least-squares start. Half of the
    residuals at 0: 1.2533 × their mean instead; all at 0: scale 0 and a perfect fit.

    Semismooth Newton with exact line search: Newton's matrix is the Laplacian of the pairs inside the corner; pairs outside
    keep a part of their weight that goes to 0 with the gradient. Ends when every laboratory's |Σ ±√w ψ(t)| ≤
    `tolerance` · Σ w/√(mean w). Pairs only: in a larger block it would have to be said against which level of the block a
    result is cut. Huber's loss bounds no leverage: a laboratory with one pair follows it. ValueError as
    `edges`, and for scale or corner ≤ 0 or not finite; ArithmeticError after 200 steps.
    Source: Huber 1964, doi:10.1214/aoms/1177703732; Qi & Sun 1993, doi:10.1007/BF01581275 (semismooth Newton).
    """
    if not (0.0 < corner < np.inf and (scale is None or 0.0 < scale < np.inf)):
        raise ValueError(f"Huber fit: scale {scale}, corner {corner}; expected finite and > 0")
    if start is not None and (np.shape(start) != (n,) or not np.isfinite(start).all()):
        raise ValueError(f"Huber fit: start of shape {np.shape(start)}; expected {n} finite effects")
    found = edges(a, b, weight, n=n)
    difference, of_pair = oriented(found, delta, weight)
    joined = paired(found.low, found.high, n=n).component
    newton = _Newton(found, difference, of_pair, np.zeros(n) if start is None else np.array(start, dtype=np.float64), corner)
    settled, gradient = scale, 0.0
    if settled is None:
        settled = newton.settle_scale()
    if settled > 0.0:
        gradient = newton.settle(settled, tolerance)
    return HuberFit(centred(newton.x, joined), joined, settled, newton.steps, newton.iterations, gradient)


def pair_scores(
    a: Ints, b: Ints, delta: Floats, weight: Floats, *, effect: Floats, scale: float, corner: float = EFFICIENT
) -> PairScores:
    """What each pair adds to the estimating equations of `huber_pairs` and to their derivative, at `effect` (n) and `scale`.

    Pairs in the order given; score in units of weight × delta; both 0 where the weight is 0.
    """
    root = np.sqrt(np.asarray(weight, dtype=np.float64))
    away = np.where(root > 0, root * (np.asarray(delta, dtype=np.float64) - effect[a] + effect[b]), 0.0)
    return PairScores(root * np.clip(away, -corner * scale, corner * scale), root**2 * (np.abs(away) <= corner * scale))
