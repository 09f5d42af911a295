"""Distribution of the true values of an item, from all its first results, and what a first result then says of its truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel
from labqa.stats.selection.error import RATIOS, Error

Floats = NDArray[np.float64]
SHAPES = ("normal", "skewed", "bimodal", "free")
"""Normal; lognormal with a start and a direction of its own; a mixture of two normals; any (nonparametric)."""
PARAMETERS = (2, 3, 5)
"""Free parameters of the shapes that have any."""
STEP, MOST = 0.3, 500
"""Step of the grid in SDs of the error, and its most points."""
LEAST_SHARE = 1e-5
"""Share of an error below which its part is left out."""
ROUNDS, FREE_ROUNDS = 120, 60
BEYOND = 8.0
"""First results further from the median than this many (robust) SDs lie off the grid."""


class Grid(NamedTuple):
    """Equally spaced points, and how many first results lie nearest to each."""

    point: Floats
    seen: Floats

    @property
    def step(self) -> float:
        """Distance of two points."""
        return float(self.point[1] - self.point[0])


class Fitted(NamedTuple):
    """Chance of each point of the grid to be the truth, and the logarithm of the likelihood of the first results."""

    chance: Floats
    likelihood: float


class Posterior(NamedTuple):
    """Given a first result at each point of the grid: mean and variance of the truth, and the slope of the mean."""

    mean: Floats
    variance: Floats
    slope: Floats


def grid_of(first: Floats, sd: float) -> Grid:
    """A grid over the first results, with room for errors at both ends; those far off (`BEYOND`) are left out."""
    low, middle, high = np.quantile(first, [0.25, 0.5, 0.75])
    reach = BEYOND * max((high - low) / 1.349, sd)
    kept = first[np.abs(first - middle) <= reach]
    bottom, top = kept.min() - 4.0 * sd, kept.max() + 4.0 * sd
    n = int(min(max(np.ceil((top - bottom) / (STEP * sd)), 20), MOST))
    point = np.linspace(bottom, top, n)
    near = np.rint((kept - bottom) / (point[1] - point[0])).astype(np.int64)
    return Grid(point, np.bincount(near, minlength=n).astype(np.float64))


def band_of(error: Error, step: float) -> Floats:
    """Density of the error at 0, 1, 2 … steps, up to five SDs of its largest part, on the scale on which all steps sum to 1."""
    shares = np.array(error.shares)
    sd = RATIOS[shares > LEAST_SHARE] * error.sd
    at = np.arange(int(np.ceil(5.0 * sd.max() / step)) + 1) * step
    with np.errstate(under="ignore"):
        found = (shares[shares > LEAST_SHARE] * np.exp(-0.5 * (at[:, None] / sd) ** 2) / sd).sum(axis=1)
    return np.asarray(found / (2.0 * found.sum() - found[0]))


@kernel
def _normal(point, middle, sd):  # type: ignore[no-untyped-def]  # pragma: no cover
    out = np.exp(-0.5 * ((point - middle) / sd) ** 2)
    return out / max(out.sum(), 1e-300)


@kernel
def _lognormal(point, mean, sd, skewness):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lognormal with a start and a direction of its own that has this mean, SD and skewness; normal where that is near 0."""
    size = min(abs(skewness), 4.0)
    if size < 0.02:
        return _normal(point, mean, sd)
    root = size * np.sqrt(1.0 + 0.25 * size * size)
    base = 1.0 + 0.5 * size * size
    omega = (base + root) ** (1.0 / 3.0) + (base - root) ** (1.0 / 3.0) - 1.0
    width = np.sqrt(np.log(omega))
    scale = sd / np.sqrt(omega * (omega - 1.0))
    start = -scale * np.sqrt(omega)
    turn = 1.0 if skewness > 0 else -1.0
    out = np.zeros(len(point))
    for k in range(len(point)):
        beyond = turn * (point[k] - mean) - start
        if beyond > 0:
            out[k] = np.exp(-0.5 * (np.log(beyond / scale) / width) ** 2) / beyond
    return out / max(out.sum(), 1e-300)


@kernel
def _seen(count, chance, band, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fills `weight` with the expected number of first results whose truth is each point; returns the log-likelihood."""
    n, reach = len(chance), len(band) - 1
    likelihood = 0.0
    weight[:] = 0.0
    for i in range(n):
        if count[i] == 0.0:
            continue
        low, high = max(0, i - reach), min(n, i + reach + 1)
        total = 0.0
        for j in range(low, high):
            total += band[abs(i - j)] * chance[j]
        total = max(total, 1e-300)
        likelihood += count[i] * np.log(total)
        for j in range(low, high):
            weight[j] += count[i] * band[abs(i - j)] * chance[j] / total
    return likelihood


@kernel
def _moments(point, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    total = weight.sum()
    mean = (weight * point).sum() / total
    away = point - mean
    variance = (weight * away * away).sum() / total
    third = (weight * away * away * away).sum() / total
    return mean, variance, third


@kernel
def _fit(point, count, band, least, shape, chance, rounds):  # type: ignore[no-untyped-def]  # pragma: no cover
    """EM: shape 0 normal, 1 lognormal by its first three moments, 2 two normals, 3 free; starts at `chance`."""
    weight = np.zeros(len(point))
    mean, variance, third = _moments(point, chance)
    sd = np.sqrt(max(variance, least * least))
    share, low, high, low_sd, high_sd = 0.5, mean - 0.8 * sd, mean + 0.8 * sd, 0.6 * sd, 0.6 * sd
    if shape == 2:
        chance = share * _normal(point, low, low_sd) + (1.0 - share) * _normal(point, high, high_sd)
    for _ in range(rounds):
        _seen(count, chance, band, weight)
        if shape == 3:
            chance = weight / weight.sum()
        elif shape == 2:
            first = share * _normal(point, low, low_sd)
            second = (1.0 - share) * _normal(point, high, high_sd)
            of_first = weight * first / np.maximum(first + second, 1e-300)
            of_second = weight - of_first
            share = min(max(of_first.sum() / weight.sum(), 0.02), 0.98)
            low, variance, third = _moments(point, of_first)
            low_sd = max(np.sqrt(variance), least)
            high, variance, third = _moments(point, of_second)
            high_sd = max(np.sqrt(variance), least)
            chance = share * _normal(point, low, low_sd) + (1.0 - share) * _normal(point, high, high_sd)
        else:
            mean, variance, third = _moments(point, weight)
            sd = max(np.sqrt(variance), least)
            skewness = third / sd**3 if shape == 1 else 0.0
            chance = _lognormal(point, mean, sd, skewness)
    return chance, _seen(count, chance, band, weight)


def fitted_truths(grid: Grid, error: Error, shape: str) -> Fitted:
    """Truths of that shape under which first results with such an error look as they do (deconvolution by EM).

    `normal`, `bimodal`: maximum likelihood; `skewed`: the lognormal whose mean, variance and skewness are those of the truths
    given the first results; `free`: any chances on the grid, `FREE_ROUNDS` steps from a wide normal, where stopping early
    keeps them smooth. No truth has an SD below half a step. Unit σR. Source: Kiefer & Wolfowitz 1956,
    doi:10.1214/aoms/1177728066; Efron 2016, doi:10.1093/biomet/asv068.
    """
    band = band_of(error, grid.step)
    mean, variance, _ = _moments(grid.point, grid.seen)
    known = max(variance - error.variance, 0.05 * error.variance)
    start = _normal(grid.point, mean, np.sqrt(known) * (1.5 if shape == "free" else 1.0)) + 1e-12
    rounds = FREE_ROUNDS if shape == "free" else ROUNDS
    chance, likelihood = _fit(
        grid.point, grid.seen, band, max(0.5 * grid.step, 0.3 * error.sd), SHAPES.index(shape), start, rounds
    )
    return Fitted(np.asarray(chance), float(likelihood))


def best_shape(truths: list[Fitted], grid: Grid) -> int:
    """Place among `SHAPES` of the parametric shape with the largest likelihood less ½ log(n) a parameter (BIC)."""
    penalty = 0.5 * np.log(grid.seen.sum())
    return int(np.argmax([one.likelihood - penalty * k for one, k in zip(truths, PARAMETERS, strict=False)]))


@kernel
def _posterior(point, chance, band):  # type: ignore[no-untyped-def]  # pragma: no cover
    n, reach = len(point), len(band) - 1
    mean, variance = np.zeros(n), np.zeros(n)
    for i in range(n):
        low, high = max(0, i - reach), min(n, i + reach + 1)
        total, first, second = 0.0, 0.0, 0.0
        for j in range(low, high):
            weight = band[abs(i - j)] * chance[j]
            away = point[j] - point[i]
            total += weight
            first += weight * away
            second += weight * away * away
        if total > 0.0:
            mean[i] = point[i] + first / total
            variance[i] = max(second / total - (first / total) ** 2, 0.0)
        else:
            mean[i] = point[i]
    return mean, variance


def posterior_of(grid: Grid, truths: Fitted, error: Error) -> Posterior:
    """Mean and variance of the truth given a first result at each point, and the slope of that mean (central differences)."""
    mean, variance = _posterior(grid.point, truths.chance, band_of(error, grid.step))
    return Posterior(np.asarray(mean), np.asarray(variance), np.asarray(np.gradient(mean, grid.step)))
