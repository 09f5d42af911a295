"""Whose bias explains a difference: worked by hand."""

import math

import pytest

from labqa.stats.network.explaining import Known, explained, left_out


def known(estimate: float, reach: float = 0.4, n: int = 1000) -> Known:
    return Known(estimate, reach, n, holds_pair=False)


@pytest.mark.parametrize(
    ("difference", "original", "retest", "by", "contribution"),
    [
        (3.0, 0.1, 2.0, "retest", 2.0),
        (3.0, -2.0, 0.1, "original", 2.0),
        (-3.0, 2.0, 0.1, "original", -2.0),
        (3.0, -1.0, 1.5, "both", 2.5),
        (3.0, 0.2, -0.3, "neither", 0.0),
        (3.0, 2.0, 0.1, "neither", -2.0),  # the bias leads the other way
        (-3.0, 0.7, 1.6, "neither", 0.9),  # the retest laboratory's bias outweighs that of the original
        (3.0, 0.5, 2.0, "retest", 1.5),
    ],
)
def test_whose_bias_explains(difference, original, retest, by, contribution):
    found = explained(difference, known(original), known(retest))
    assert found.by == by
    assert found.contribution == pytest.approx(contribution)
    assert found.left == pytest.approx(difference - contribution)


def test_a_pair_has_no_word_in_its_own_cause():
    # five blocks that show no bias and the pair itself, which alone would say +6: mean 1.0, without the pair 0
    own = Known(1.0, 0.4, 6, holds_pair=True)
    assert left_out(own, 6.0) == Known(0.0, pytest.approx(0.4 * math.sqrt(6 / 5)), 5, holds_pair=False)
    assert explained(6.0, known(0.0), own).by == "neither"
    assert explained(6.0, known(0.0), own._replace(holds_pair=False)).by == "retest"


def test_one_block_alone_says_nothing_of_itself():
    assert explained(6.0, known(0.0), Known(6.0, 0.5, 1, holds_pair=True)).by == "neither"
