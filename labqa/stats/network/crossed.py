"""Crossed random effects by restricted maximum likelihood (REML): the mixed model that others fit, as a second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse
from scipy.sparse import linalg

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
STEP = 1e-4
"""Relative step of the central differences of the criterion."""
NO_SCATTER = 1e-14
"""Largest residual, over the largest result, that is rounding and no scatter."""


class Effects(NamedTuple):
    """Best linear unbiased predictions of the effects of one factor, with their prediction standard errors."""

    effect: Floats
    se: Floats


class CrossedReml(NamedTuple):
    """SDs of the factors, then of the error; coefficients of X with their SE; −2 log REML likelihood; predictions by factor.

    `effects` has an entry for each factor asked for, in the order asked."""

    sd: Floats
    coefficient: Floats
    se: Floats
    criterion: float
    effects: tuple[Effects, ...]


class _Products(NamedTuple):
    """Z'MZ, Z'MX, X'MX, what is left of y, Z, X, and the numbers that the criterion needs; M takes the blocks out."""

    zz: sparse.csc_array
    zx: Floats
    xx: Floats
    y: Floats
    z: sparse.csr_array
    x: Floats
    block: Ints | None
    size: Ints
    df: int
    log_blocks: float

    def within(self, values: Floats) -> Floats:
        """Deviations from the means of the blocks; the values themselves without blocks."""
        return values if self.block is None else _within(values, self.block)


class _Solution(NamedTuple):
    """Henderson's equations solved at given SD ratios."""

    criterion: float
    error_variance: float
    coefficient: Floats
    spherical: Floats
    scale: Floats
    factor: Any
    zx_solved: Floats
    information: Floats


def _within(values: Floats, block: Ints) -> Floats:
    """Deviations of a column, or of each column, from its mean in each block."""
    count = np.bincount(block)
    if values.ndim == 1:
        return np.asarray(values - (np.bincount(block, weights=values) / count)[block])
    return np.stack([_within(column, block) for column in values.T], axis=1) if values.shape[1] else values


class NoScatter(ValueError):
    """The fixed effects explain the results entirely: there is no variance to be split."""


def crossed_reml(
    y: Floats,
    x: Floats,
    factors: Sequence[Ints],
    *,
    block: Ints | None = None,
    predict: Sequence[int] = (),
    start: Sequence[float] | None = None,
    tolerance: float = 1e-12,
) -> CrossedReml:
    """Variances of crossed or nested factors that maximise the restricted likelihood of y = Xβ + block + Σ Z_k u_k + e.

    `x` (n × p, full rank, p ≥ 0) are fixed effects, `factors` K codes 0 … of the groups, `block` codes 0 … of a further fixed
    factor that is absorbed (X must then not lie in its span), `predict` the factors whose effects are wanted. With θ_k = σ_k/σ,
    Λ their diagonal, A = Λ Z'MZ Λ + I and r² the penalised residual sum of squares: criterion = log|A| + log|X'V⁻¹X| +
    (n − p)(1 + log 2πr²/(n − p)), the −2 log REML likelihood of lme4 (Bates et al. 2015, doi:10.18637/jss.v067.i01), minimised
    over θ ≥ 0 by L-BFGS-B with central differences; A is factored by SuperLU. Predictions and their errors solve
    Henderson's equations (Henderson 1975, doi:10.2307/2529430), variances taken as known. Runs for some 10⁴ groups; sums are
    not in a fixed order, so nothing here may touch a rating. ValueError without degrees of freedom for the error; NoScatter
    where the fixed effects leave nothing of y but rounding.
    """
    made = _products(y, x, factors, block)
    if made.df < 1:
        raise ValueError("a mixed model needs more results than fixed effects")
    left = made.y - made.x @ np.linalg.solve(made.xx, made.x.T @ made.y)
    if np.abs(left).max() <= NO_SCATTER * np.abs(y).max():
        raise NoScatter("a mixed model needs results that differ from what its fixed effects say")
    begin = np.ones(len(factors)) if start is None else np.asarray(start, dtype=np.float64)

    def level(ratio: Floats) -> float:
        """Criterion per degree of freedom, for which a first step of the size of the slope is about right."""
        return _solve(made, ratio).criterion / made.df

    def slope(ratio: Floats) -> Floats:
        found = np.empty(len(ratio))
        for k in range(len(ratio)):
            step = STEP * max(float(ratio[k]), 0.01)
            ends = [ratio.copy(), ratio.copy()]
            ends[0][k] = max(ratio[k] - step, 0.0)
            ends[1][k] = ratio[k] + step
            found[k] = (level(ends[1]) - level(ends[0])) / (ends[1][k] - ends[0][k])
        return found

    at = begin
    for _ in range(2 if start is None else 1):  # a second start from the first answer sets the curvature anew
        at = optimize.minimize(
            level,
            at,
            jac=slope,
            method="L-BFGS-B",
            bounds=[(0.0, None)] * len(factors),
            options={"ftol": tolerance, "gtol": 1e-9, "maxiter": 200, "maxfun": 2000},
        ).x
    return _told(made, _solve(made, at), at, predict)


def _products(y: Floats, x: Floats, factors: Sequence[Ints], block: Ints | None) -> _Products:
    n = len(y)
    size = np.array([int(group.max()) + 1 for group in factors], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
    column = np.concatenate([group + at for group, at in zip(factors, first, strict=True)])
    row = np.tile(np.arange(n), len(factors))
    z = sparse.csr_array((np.ones(len(column)), (row, column)), shape=(n, int(size.sum())))
    zz = sparse.csc_array(z.T @ z)
    log_blocks, n_blocks = 0.0, 0
    if block is not None:
        count = np.bincount(block)
        n_blocks, log_blocks = len(count), float(np.log(count).sum())
        member = sparse.csr_array((1.0 / np.sqrt(count[block]), (block, np.arange(n))), shape=(n_blocks, n))
        across = sparse.csr_array(member @ z)
        zz = sparse.csc_array(zz - across.T @ across)
        y, x = _within(y, block), _within(x, block)
    df = n - n_blocks - x.shape[1]
    return _Products(zz, np.asarray(z.T @ x), x.T @ x, y, z, x, block, size, df, log_blocks)


def _solve(made: _Products, ratio: Floats) -> _Solution:
    """Criterion, coefficients and spherical effects at the SD ratios."""
    scale = np.repeat(ratio, made.size)
    scaled = sparse.diags_array(scale)
    matrix = sparse.csc_array(scaled @ made.zz @ scaled + sparse.eye_array(len(scale)))
    factor = linalg.splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    log_det = float(np.log(np.abs(factor.U.diagonal())).sum())
    right_y = scale * (made.z.T @ made.y)
    p = made.x.shape[1]
    right_x = scale[:, None] * made.zx
    zx_solved = factor.solve(right_x) if p else right_x
    information = made.xx - right_x.T @ zx_solved
    coefficient = np.zeros(p)
    if p:
        coefficient = np.linalg.solve(information, made.x.T @ made.y - zx_solved.T @ right_y)
        log_det += float(np.linalg.slogdet(information)[1])
    spherical = factor.solve(right_y - right_x @ coefficient)
    left = made.within(made.y - made.x @ coefficient - made.z @ (scale * spherical))
    penalised = float(left @ left + spherical @ spherical)
    criterion = float(log_det + made.log_blocks + made.df * (1.0 + np.log(2.0 * np.pi * penalised / made.df)))
    return _Solution(criterion, penalised / made.df, coefficient, spherical, scale, factor, zx_solved, information)


def _told(made: _Products, found: _Solution, ratio: Floats, predict: Sequence[int]) -> CrossedReml:
    covariance = np.linalg.inv(found.information) if len(found.coefficient) else found.information
    ends = np.cumsum(made.size)
    effects = []
    for k in predict:
        chosen = np.arange(ends[k] - made.size[k], ends[k])
        unit = np.zeros((len(found.scale), len(chosen)))
        unit[chosen, np.arange(len(chosen))] = 1.0
        solved = found.factor.solve(unit)[chosen]
        of_fixed = found.zx_solved[chosen]
        variance = np.diag(solved) + np.einsum("ij,jk,ik->i", of_fixed, covariance, of_fixed)
        se = found.scale[chosen] * np.sqrt(found.error_variance * variance)
        effects.append(Effects(found.scale[chosen] * found.spherical[chosen], se))
    sd = np.sqrt(found.error_variance) * np.append(ratio, 1.0)
    se_fixed = np.sqrt(found.error_variance * np.diag(covariance))
    return CrossedReml(sd, found.coefficient, se_fixed, found.criterion, tuple(effects))
