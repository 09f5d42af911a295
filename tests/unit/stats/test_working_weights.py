"""Weights over several items count what shares an effect once, at the limit."""

import numpy as np
import pytest

from labqa.stats.network.working import working_weights


def test_the_mean_with_working_weights_is_the_best_of_groups_of_unequal_size():
    """Groups of 1, 2 and 40 results that share an effect: weights are those of 1/(v + e/n) spread over the group."""
    size = np.array([1, 2, 40])
    group = np.repeat(np.arange(3), size)
    found = working_weights(np.ones(43), np.ones(43), [group], [0.5], error=1.0)
    of_groups = np.bincount(group, weights=found)
    best = 1.0 / (0.5 + 1.0 / size)
    assert of_groups / of_groups.sum() == pytest.approx(best / best.sum(), rel=1e-12)
    assert found.mean() == pytest.approx(1.0)


def test_without_shared_effects_or_groups_the_weights_stay_in_proportion():
    weight = np.array([1.0, 2.0, 0.0, 1.0])
    apart = working_weights(weight, np.ones(4), [np.arange(4)], [0.0], error=1.0)
    none = working_weights(weight, np.ones(4), [np.full(4, -1)], [3.0], error=1.0)
    assert apart == pytest.approx(weight) and none == pytest.approx(weight)
