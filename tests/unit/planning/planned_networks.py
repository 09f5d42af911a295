"""An independent trial of a planned network: results with the stated effects, a plain fit, and how often a bias is shown."""

from __future__ import annotations

import numpy as np
from scipy import stats

from labqa.planning.evidence import RUNS_A_YEAR


class Trial:
    """The tests of a network, item by item; simulates results and fits laboratories and blocks by ordinary least squares."""

    def __init__(self, seen, plan, effects, rng):
        self.plan, self.effects, self.rng = plan, effects, rng
        tests = len(seen.lab)
        self.lab = np.repeat(seen.lab, plan.items)
        self.test = np.repeat(np.arange(tests), plan.items)
        self.item = (seen.family[seen.sample][:, None] * plan.items + np.arange(plan.items)).ravel()
        self.block = (seen.sample[:, None] * plan.items + np.arange(plan.items)).ravel()
        self.run = rng.integers(0, RUNS_A_YEAR * plan.years, tests)[self.test]

    def results(self, bias):
        """One draw of all results, in σR."""
        rng, effects, size = self.rng, self.effects, len(self.lab)
        run = self.lab * RUNS_A_YEAR * self.plan.years + self.run
        cell = self.lab * self.plan.items * self.plan.families + self.item
        return (
            rng.normal(0.0, 3.0, self.block.max() + 1)[self.block]
            + bias[self.lab]
            + rng.normal(0.0, effects.lab_item, cell.max() + 1)[cell]
            + rng.normal(0.0, effects.sample_lab, self.test.max() + 1)[self.test]
            + rng.normal(0.0, effects.lab_run, run.max() + 1)[run]
            + rng.normal(0.0, np.hypot(effects.error, effects.heterogeneity), size)
        )

    def design(self):
        """Deviations of the laboratories' columns from their block means."""
        columns = np.zeros((len(self.lab), self.plan.labs))
        columns[np.arange(len(self.lab)), self.lab] = 1.0
        return self.centred(columns)

    def centred(self, columns):
        """Deviations from block means."""
        order = np.argsort(self.block, kind="stable")
        start = np.flatnonzero(np.diff(self.block[order], prepend=-1))
        size = np.diff(np.append(start, len(order)))
        mean = np.add.reduceat(columns[order], start, axis=0) / (size if columns.ndim == 1 else size[:, None])
        return columns - mean[self.block]

    def fitter(self):
        """The linear map from results to biases against the mean of the others."""
        x = self.design()
        solve = np.linalg.pinv(x.T @ x)

        def fit(y):
            effect = solve @ (x.T @ self.centred(y))
            return (effect - effect.mean()) * self.plan.labs / (self.plan.labs - 1)

        return fit


def relative(bias):
    """Bias against the mean of the others."""
    return (bias - bias.mean()) * len(bias) / (len(bias) - 1)


def within_monte_carlo(hits, n, expected, *, sds=4.0, least=0.01):
    """Whether hits of n agree with the expected probability within so many binomial standard deviations."""
    return abs(hits / n - expected) <= sds * np.sqrt(max(expected * (1 - expected), 0.002) / n) + least


def shown(estimate, se, df, aim):
    """The one-sided test, from the textbook."""
    return (np.abs(estimate) - aim.tolerated) / se > stats.t.isf(aim.error_rate, df)
