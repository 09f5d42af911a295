"""How likely a blameless laboratory is to collect, by chance alone, as many outlying scores as a rule names."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
_SHARED = 9.0 * _NODES
_SHARED_WEIGHTS = 9.0 * _WEIGHTS * np.exp(-0.5 * _SHARED**2) / np.sqrt(2 * np.pi)


def chance_outlying(limit: float) -> float:
    """P(|Z| > limit) of a standard normal score: 0.0027 at 3, 0.0455 at 2."""
    return float(2 * special.ndtr(-limit))


def exceedance_correlation(rho: ArrayLike, *, limit: float) -> Floats:
    """Correlation of the two events |Z1| > limit and |Z2| > limit, for normal scores that are correlated at `rho`.

    With Z = √ρ F + √(1−ρ) E the events are independent given F, so P(both) = ∫ q(f)² φ(f) df with
    q(f) = P(|Z| > limit | F = f); Gauss–Legendre on ±9, 400 nodes, error < 1e-12. ρ is cut to [0, 0.99]: a negative
    correlation within a laboratory is taken as none. At ρ = 0.5: 0.058 (limit 3), 0.139 (limit 2).
    """
    clipped = np.clip(np.asarray(rho, dtype=np.float64), 0.0, 0.99)[..., None]
    shared, own = np.sqrt(clipped) * _SHARED, np.sqrt(1.0 - clipped)
    given = special.ndtr((shared - limit) / own) + special.ndtr((-limit - shared) / own)
    p = chance_outlying(limit)
    both = (given**2 * _SHARED_WEIGHTS).sum(axis=-1)
    return np.asarray(np.maximum(both - p * p, 0.0) / (p * (1.0 - p)), dtype=np.float64)


def chance_of_count(n: ArrayLike, *, at_least: int, p: ArrayLike) -> Floats:
    """Binomial P(N ≥ at_least) for `n` independent scores that each lie outside with chance `p`; 0 where n < at_least."""
    n, p = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(p, dtype=np.float64))
    reachable = n >= at_least
    return np.asarray(np.where(reachable, special.betainc(at_least, np.where(reachable, n, at_least) - at_least + 1, p), 0.0))


def chance_of_count_correlated(n: ArrayLike, *, at_least: int, p: ArrayLike, correlation: ArrayLike) -> Floats:
    """Beta-binomial P(N ≥ at_least); `correlation` is that of the exceedance events, not of the scores.

    N | π ~ Bin(n, π), π ~ Beta(p(1−c)/c, (1−p)(1−c)/c); summed over the counts below `at_least`. c < 1e-9 gives the binomial;
    0 where n < at_least.
    """
    n, p, c = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, p, correlation)))
    tied = c >= 1e-9
    spread = (1.0 - np.where(tied, c, 0.5)) / np.where(tied, c, 0.5)
    a, b = p * spread, (1.0 - p) * spread
    below = np.zeros(n.shape)
    for k in range(at_least):
        possible = n >= k
        rest = np.where(possible, n - k, 0.0)
        log_choose = special.gammaln(k + rest + 1) - special.gammaln(k + 1) - special.gammaln(rest + 1)
        below += np.where(possible, np.exp(log_choose + special.betaln(k + a, rest + b) - special.betaln(a, b)), 0.0)
    tail = np.where(n >= at_least, np.clip(1.0 - below, 0.0, 1.0), 0.0)
    return np.asarray(np.where(tied, tail, chance_of_count(n, at_least=at_least, p=p)), dtype=np.float64)


@kernel
def _unequal(p, seen, offsets):  # type: ignore[no-untyped-def]  # pragma: no cover
    found = np.ones(len(offsets) - 1)
    for g in range(len(offsets) - 1):
        least = seen[g]
        if least <= 0:
            continue
        below, reached = np.zeros(least), 0.0
        below[0] = 1.0
        for i in range(offsets[g], offsets[g + 1]):
            reached += below[least - 1] * p[i]
            for c in range(least - 1, 0, -1):
                below[c] = below[c] * (1.0 - p[i]) + below[c - 1] * p[i]
            below[0] *= 1.0 - p[i]
        found[g] = reached
    return found


def chance_of_count_unequal(p: ArrayLike, at_least: ArrayLike, offsets: ArrayLike) -> Floats:
    """P(N ≥ at_least) of each group of independent events that happen with chances `p` of their own (Poisson binomial).

    `offsets` delimits the groups in `p`, `at_least` has one count a group; 1 where it is 0, 0 where the group has fewer
    events. Exact: the number of events is built up one by one and all that reach `at_least` are kept in one sum of
    positive terms, so small tails keep their digits. Work n · at_least. Source: Wang 1993, Statistica Sinica 3, 295–312.
    """
    chances = np.ascontiguousarray(p, dtype=np.float64)
    where, seen = np.ascontiguousarray(offsets, dtype=np.int64), np.ascontiguousarray(at_least, dtype=np.int64)
    if not ((chances >= 0.0) & (chances <= 1.0)).all():
        raise ValueError("chances must lie in [0, 1]")
    return np.minimum(np.asarray(_unequal(chances, seen, where), dtype=np.float64), 1.0)
