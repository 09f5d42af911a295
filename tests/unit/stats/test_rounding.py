"""GB/T 8170-2008: the standard's own examples, and binary fractions that lie beside a tie."""

import numpy as np
import pytest

from labqa.stats.scores.rounding import rounded


@pytest.mark.parametrize(
    ("value", "interval", "expected"),
    [
        (12.1498, 0.1, 12.1),  # 3.2.1
        (1268, 100, 1300),  # 3.2.2
        (1.050, 0.1, 1.0),  # 3.2.4
        (0.35, 0.1, 0.4),
        (2500, 1000, 2000),
        (3500, 1000, 4000),
        (-355, 10, -360),  # 3.2.5
        (-325, 10, -320),
        (60.25, 0.5, 60.0),  # 3.4.1, half a unit
        (60.38, 0.5, 60.5),
        (-60.75, 0.5, -61.0),
        (830, 20, 840),  # 3.4.2, a fifth of a unit
        (842, 20, 840),
        (-930, 20, -920),
        (2.675, 0.01, 2.68),  # float below the tie
        (1.005, 0.01, 1.00),
        (0.145, 0.01, 0.14),
    ],
)
def test_examples(value: float, interval: float, expected: float) -> None:
    assert rounded(value, interval) == expected


def test_never_twice() -> None:
    # 15.4546 rounded once to 1 is 15; step by step it would become 16 (GB/T 8170-2008, 3.3.1)
    assert rounded(15.4546, 1.0) == 15.0


def test_missing_and_refused() -> None:
    assert np.isnan(rounded([np.nan, 1.0], [0.1, np.nan])).all()
    with pytest.raises(ValueError, match="positive"):
        rounded(1.0, 0.0)
