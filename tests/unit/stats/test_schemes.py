"""Grades and rules of proficiency testing schemes as their tables state them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.stats.scores import event_rules, schemes


def test_az2_is_capped_and_classed() -> None:
    assert schemes.az2([0, -100]) == 12.5
    assert schemes.az2_class([0, 2, 2.01, 2.99, 3, 25, np.nan]).tolist() == [0, 0, 1, 1, 2, 2, -1]
    assert np.isnan(schemes.az2([]))
    assert np.isnan(schemes.az2([1, np.nan]))


def test_category_a_needs_scope_and_no_false_positive() -> None:
    assert schemes.category_a([9, 8, 9, 18, 0], [10, 10, 10, 20, 0], [0, 0, 1, 0, 0]).tolist() == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_psp_rating() -> None:
    z = [0, 1, -1.01, 1.5, 2, -2.5, 2.6, 3, 3.01, -50, np.nan]
    assert schemes.psp_rating(z).tolist() == [5, 5, 4, 4, 3, 2, 1, 1, 0, 0, -1]


def test_a_w_n() -> None:
    def grade(x: float, u: float) -> int:
        return int(schemes.awn(x, u, 100.0, 2.0, limit_of_precision=0.15, largest_bias=0.20))

    assert grade(103.0, 3.0) == schemes.ACCEPTABLE
    assert grade(112.0, 1.0) == schemes.WARNING  # off by more than 2.58 × 2.24, bias 12 %
    assert grade(105.0, 20.0) == schemes.WARNING  # true, but P = 19 %
    assert grade(125.0, 1.0) == schemes.NOT_ACCEPTABLE
    assert grade(130.0, 40.0) == schemes.NOT_ACCEPTABLE  # true only by its uncertainty
    assert grade(0.0, 1.0) == schemes.UNKNOWN
    assert grade(np.nan, 1.0) == schemes.UNKNOWN


def test_cnas_response() -> None:
    found = schemes.cnas_response([2.9, -3.0, 3.0, 5.0, np.nan], [9.0, 1.0, 1.01, np.nan, 0.5])
    assert found.tolist() == [schemes.NO_ACTION, schemes.RISK_ASSESSMENT, schemes.ACT, schemes.ACT, schemes.UNKNOWN]


def test_event_scores_and_absence() -> None:
    acceptable = np.array([1, 1, 1, 1, 0, 1, 1, 1, 0, 0], dtype=bool)
    found = event_rules.event_score_by_group(acceptable, np.array([0, 5, 5, 10]))
    assert found.tolist() == [80.0, 0.0, 60.0]
    assert event_rules.unsatisfactory(found).tolist() == [False, True, True]
    assert event_rules.unsatisfactory([100.0, np.nan], least=100.0).tolist() == [False, True]
    assert event_rules.event_score([True, True, False, True]) == 75.0


def test_two_of_the_last_three() -> None:
    failed = [1, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    found = event_rules.failures_among_the_last(failed, window=3, at_least=2)
    assert found.tolist() == [False, False, True, False, False, False, True, True, False, False]
    assert event_rules.failures_among_the_last([1, 1], window=3, at_least=2).tolist() == [False, True]
    with pytest.raises(ValueError, match="cannot be asked"):
        event_rules.failures_among_the_last(failed, window=2, at_least=3)


@settings(max_examples=50, deadline=None)  # compiles on the first example
@given(st.lists(st.lists(st.booleans(), max_size=9), min_size=1, max_size=5), st.integers(1, 4), st.data())
def test_laboratories_do_not_share_events(labs: list[list[bool]], window: int, data: st.DataObject) -> None:
    at_least = data.draw(st.integers(1, window))
    failed, offsets = (
        np.array([one for some in labs for one in some], dtype=bool),
        np.cumsum([0] + [len(some) for some in labs]),
    )
    found = event_rules.failures_among_the_last_by_group(failed, offsets, window=window, at_least=at_least)
    by_hand = [sum(some[max(0, i - window + 1) : i + 1]) >= at_least for some in labs for i in range(len(some))]
    assert found.tolist() == by_hand
