"""Whether the items of a proficiency test are homogeneous and stable enough (ISO 13528, Annex B)."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.precision.cells import checked, delimited, moments_of_cells
from labqa.stats.precision.experiment import experiment_by_set
from labqa.stats.precision.outliers import cochran_by_set

Column = NDArray[Any]
Floats = NDArray[np.float64]
T = TypeVar("T")

ALLOWED_SHARE = 0.3
"""Share of σ_pt that the between-sample SD, or a drift, may have (ISO 13528:2022, B.2.2 and B.5.1)."""


class Homogeneity(NamedTuple, Generic[T]):
    """`g` samples, `m` mean number of results each; mean, SD of sample means `s_x`, within `s_w` and between `s_s` samples.

    `limit` 0.3 σ_pt, `homogeneous`: s_s ≤ limit; `expanded_limit` √c, `homogeneous_expanded`: s_s ≤ √c. `cochran_p` P of the
    largest within-sample variance, `cochran_cell` the sample (cell) that has it.
    """

    g: T
    m: T
    mean: T
    s_x: T
    s_w: T
    s_s: T
    limit: T
    homogeneous: T
    expanded_limit: T
    homogeneous_expanded: T
    cochran_p: T
    cochran_cell: T


class Stability(NamedTuple):
    """Difference of the means (later less earlier), 0.3 σ_pt and that widened by the uncertainty of both; within each or
    not."""

    difference: Floats
    limit: Floats
    stable: NDArray[np.bool_]
    expanded_limit: Floats
    stable_expanded: NDArray[np.bool_]


def expanded_factors(g: ArrayLike, *, m: ArrayLike = 2) -> tuple[Floats, Floats]:
    """F1 and F2 of the expanded criterion c = F1 σ²_allow + F2 s_w², for g samples of m results.

    F1 = χ²₀.₉₅(g − 1)/(g − 1), F2 = (F₀.₉₅(g − 1, g(m − 1)) − 1)/m (ISO 13528:2022, B.2.3 and table B.1, which has m = 2; Fearn
    & Thompson 2001, doi:10.1039/b103812p). NaN for g < 2 or m ≤ 1.
    """
    g, m = np.broadcast_arrays(np.asarray(g, dtype=np.float64), np.asarray(m, dtype=np.float64))
    fits = (g >= 2) & (m > 1)
    df, rest = np.where(fits, g - 1, 1.0), np.where(fits, g * (m - 1), 1.0)
    f1 = special.chdtri(df, 0.05) / df
    f2 = (special.fdtri(df, rest, 0.95) - 1) / np.where(fits, m, 1.0)
    return np.where(fits, f1, np.nan), np.where(fits, f2, np.nan)


def homogeneity(values: ArrayLike, samples: ArrayLike, sigma_pt: float) -> Homogeneity[float]:
    """Homogeneity of one set of samples, as `homogeneity_by_set`."""
    found = homogeneity_by_set(values, samples, [0, len(np.asarray(samples)) - 1], [sigma_pt])
    return Homogeneity(*(column[0].item() for column in found))


def homogeneity_by_set(values: ArrayLike, samples: ArrayLike, sets: ArrayLike, sigma_pt: ArrayLike) -> Homogeneity[Column]:
    """Between-sample SD of each material against 0.3 σ_pt and against the expanded criterion (ISO 13528:2022, B.2 and B.3).

    s_w² = Σ(m_t − 1)s_t²/Σ(m_t − 1) (Σ w_t²/(2g) for duplicates), s_s² = max(0, s_x² − s_w²/m); for unequal m_t by one-way
    ANOVA with its mean number n̿ as m. `samples` (samples + 1) delimits the values of a sample, `sets` (sets + 1) the samples
    of a material, `sigma_pt` (sets) in the units of the values, NaN where unknown (no verdict: False, limits NaN).

    Look at `cochran_p` first, as Annex B asks for a check of the replicates: a sample whose results disagree by a slip
    inflates s_w and hides heterogeneity; leaving it out is a decision with a reason, not done here. Fewer than two samples or
    no replicates: s_s NaN and never homogeneous. ValueError for NaN among the values.
    """
    column = checked(values)
    at_samples = delimited(samples, len(column))
    at_sets = delimited(sets, len(at_samples) - 1)
    found = experiment_by_set(column, at_samples, at_sets)
    inner = moments_of_cells(column, at_samples)
    variance = np.where(inner.n > 1, inner.ss / np.maximum(inner.n - 1, 1), np.nan)
    with np.errstate(invalid="ignore"):
        worst = cochran_by_set(variance, at_sets, n=np.rint(found.n_bar))
        limit = ALLOWED_SHARE * np.broadcast_to(np.asarray(sigma_pt, dtype=np.float64), found.m.shape)
        f1, f2 = expanded_factors(found.p, m=found.n_bar)
        expanded = np.sqrt(np.maximum(f1 * limit**2 + f2 * found.s_r**2, 0.0))
        return Homogeneity(
            *(found.p, found.n_bar, found.m, found.s_x, found.s_r, found.s_L),
            *(limit, found.s_L <= limit, expanded, found.s_L <= expanded, worst.p_value, worst.cell),
        )


def stability(
    earlier: ArrayLike, later: ArrayLike, sigma_pt: ArrayLike, *, u_earlier: ArrayLike = 0.0, u_later: ArrayLike = 0.0
) -> Stability:
    """Is the mean of the later test within 0.3 σ_pt of the homogeneity test's mean (ISO 13528:2022, B.5)?

    |ȳ₂ − ȳ₁| ≤ 0.3 σ_pt; expanded: 0.3 σ_pt + 2 √(u²(ȳ₁) + u²(ȳ₂)), for a check that is less precise than that. All broadcast,
    in one unit; NaN gives NaN and False.
    """
    difference = np.asarray(later, dtype=np.float64) - np.asarray(earlier, dtype=np.float64)
    limit = ALLOWED_SHARE * np.asarray(sigma_pt, dtype=np.float64)
    expanded = limit + 2.0 * np.hypot(np.asarray(u_earlier, dtype=np.float64), np.asarray(u_later, dtype=np.float64))
    away = np.abs(difference)
    return Stability(difference, limit, np.asarray(away <= limit), expanded, np.asarray(away <= expanded))
