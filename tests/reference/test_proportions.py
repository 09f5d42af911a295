"""Wilson's interval against Newcombe 1998, Statistics in Medicine 17, 857–872, table I (score method, no correction)."""

import numpy as np
import pytest

from labqa.stats.proportions import wilson

PUBLISHED = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("hits", "n", "low", "high"), PUBLISHED)
def test_published_intervals_to_their_four_digits(hits, n, low, high):
    assert [float(end) for end in wilson(hits, n)] == pytest.approx([low, high], abs=0.5e-4)


def test_nothing_counted_has_no_interval():
    low, high = wilson(np.array([0, 3]), np.array([0, 3]))
    assert np.isnan(low[0]) and np.isnan(high[0]) and high[1] == 1.0
