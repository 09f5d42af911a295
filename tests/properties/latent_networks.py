"""Simulated networks on one item: numbers with a reporting limit, or grades; known biases, and the rivals of our estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from labqa.stats.latent.grades import fit_grades
from labqa.stats.latent.network import Intervals
from labqa.stats.latent.numbers import fit_numbers, levels
from labqa.stats.latent.peers import relative
from labqa.stats.network.blocks import fit
from labqa.stats.network.zero import leave_one_out_centres

N_LABS = 40


@dataclass(frozen=True)
class Network:
    """Blocks of pairs and comparison rounds, values on the scale of one σR, and first results on the same item."""

    bias: np.ndarray
    start: np.ndarray
    lab: np.ndarray
    value: np.ndarray
    first: np.ndarray

    @property
    def block(self):
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def truth(self):
        return self.bias - leave_one_out_centres(self.bias).centre


def network(seed, *, pairs, rounds=4, size=15, spread=6.0, bias=0.7, error=0.7, unequal=0.0, heavy=True):
    """`spread` is the SD of true levels, `unequal` that between the mean levels of the laboratories' own samples."""
    draw = np.random.default_rng(seed)
    biases, own = draw.normal(0, bias, N_LABS), draw.normal(0, 1, N_LABS) * unequal
    members = [draw.permutation(N_LABS)[:2] for _ in range(pairs)] + [draw.permutation(N_LABS)[:size] for _ in range(rounds)]
    start = np.concatenate([[0], np.cumsum([len(one) for one in members])]).astype(np.int64)
    lab = np.concatenate(members).astype(np.int64)
    level = np.array([draw.normal(own[one[0]], spread) for one in members])

    def errors(n):
        return error * (draw.standard_t(5, n) / np.sqrt(5 / 3) if heavy else draw.normal(0, 1, n))

    value = np.repeat(level, np.diff(start)) + biases[lab] + errors(len(lab))
    others = draw.integers(0, N_LABS, 1200)
    first = draw.normal(own[others], spread) + biases[others] + errors(1200)
    return Network(biases, start, lab, value, np.concatenate([first, value[start[:-1]][:pairs]]))


def by_intervals(made, limit):
    """Our interval likelihood: estimate, standard error, degrees of freedom."""
    low, high = censored(made.value, limit)
    fitted = fit_numbers(made.start, made.lab, low, high, levels(*censored(made.first, limit)), n=N_LABS)
    return _relative(fitted, made)


def by_grades(made, cuts):
    """Our cumulative model of the values cut into grades."""
    grade = np.unique(np.searchsorted(cuts, made.value), return_inverse=True)[1].astype(np.int64)
    return _relative(fit_grades(made.start, made.lab, grade, grade, n=N_LABS, n_grades=int(grade.max()) + 1), made)


def _relative(fitted, made):
    seen = Intervals(made.start, made.lab, made.value, made.value, made.lab, made.lab)
    found = relative(fitted, seen, np.full(len(made.lab), -1), n=N_LABS)
    return found.estimate, found.se, found.df


def censored(values, limit):
    return np.where(values < limit, -np.inf, values), np.where(values < limit, limit, values)


def of_blocks(made, kept, values=None):
    """Least squares on the blocks `kept`: what dropping, a margin and substitution do."""
    inside = kept[made.block]
    start = np.concatenate([[0], np.cumsum(np.diff(made.start)[kept])]).astype(np.int64)
    y = (made.value if values is None else values)[inside]
    fitted = fit(start, made.lab[inside], np.ones(len(y)), y, n=N_LABS)
    centre = leave_one_out_centres(fitted.effect)
    contrast = np.eye(N_LABS) - centre.weight
    df = len(y) - (len(start) - 1) - (N_LABS - 1)
    variance = np.diag(contrast @ fitted.inverse @ contrast.T) * np.sum(fitted.score**2) / df
    return fitted.effect - centre.centre, np.sqrt(variance), np.full(N_LABS, df)


def all_ways(made, limit, half):
    """The interval likelihood and its rivals, by name; `half` is what stands for half the limit on this scale."""
    below = made.value < limit
    size = len(made.start) - 1
    clear = np.bincount(made.block, weights=below, minlength=size) == 0
    mean = np.bincount(made.block, weights=made.value, minlength=size) / np.diff(made.start)
    return {
        "dropped": of_blocks(made, clear),
        "margin": of_blocks(made, clear & (mean > limit + 2.5)),
        "substituted": of_blocks(made, np.ones(size, dtype=bool), np.where(below, half, made.value)),
        "interval": by_intervals(made, limit),
    }


@dataclass(frozen=True)
class Told:
    """Estimates of many networks beside the truth."""

    estimate: np.ndarray
    truth: np.ndarray
    covered: np.ndarray

    @property
    def coverage(self):
        return float(self.covered.mean())

    @property
    def rmse(self):
        return float(np.sqrt(np.mean((self.estimate - self.truth) ** 2)))

    @property
    def slope(self):
        """Of the estimates on the truth: below 1 where biases are drawn together."""
        return float(np.polyfit(self.truth, self.estimate, 1)[0])

    def most_biased(self, beyond):
        return Told(*(values[np.abs(self.truth) > beyond] for values in (self.estimate, self.truth, self.covered)))


def told(rows, *, scale=1.0):
    """`rows` of (estimate, se, df) and truth, the truth divided by `scale`."""
    parts = [(e, t / scale, np.abs(e - t / scale) <= special.stdtrit(df, 0.975) * se) for (e, se, df), t in rows]
    return Told(*(np.concatenate(column) for column in zip(*parts, strict=True)))
