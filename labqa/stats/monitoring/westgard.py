"""Which of Westgard's rules does a sequence of z scores break, and where?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labqa.stats.groups import Integers, in_groups
from labqa.stats.kernels import kernel


class Westgard(NamedTuple):
    """Positions in `z` at which each rule is broken: of the last score of the pattern, ascending."""

    one_2s: Integers
    one_3s: Integers
    two_2s: Integers
    r_4s: Integers
    four_1s: Integers
    ten_x: Integers


@kernel
def _broken(z, offsets, length):  # type: ignore[no-untyped-def]  # pragma: no cover
    found = np.zeros((6, len(z)), np.bool_)
    for g in range(len(offsets) - 1):
        twos, ones, side, last_two, last_one, last_side = 0, 0, 0, 0, 0, 0
        for i in range(offsets[g], offsets[g + 1]):
            x = z[i]
            two = int(x > 2.0) - int(x < -2.0)
            one = int(x > 1.0) - int(x < -1.0)
            here = int(x > 0.0) - int(x < 0.0)
            twos = 0 if two == 0 else (twos + 1 if two == last_two else 1)
            ones = 0 if one == 0 else (ones + 1 if one == last_one else 1)
            side = 0 if here == 0 else (side + 1 if here == last_side else 1)
            found[0, i] = two != 0
            found[1, i] = abs(x) > 3.0
            found[2, i] = twos >= 2
            found[3, i] = two * last_two == -1
            found[4, i] = ones >= 4
            found[5, i] = side >= length
            last_two, last_one, last_side = two, one, here
    return found


def westgard(z: ArrayLike, offsets: Integers | None = None, *, length: int = 10) -> Westgard:
    """Westgard's multirules on sequences of z scores in time order (groups, see `labqa.stats.groups`).

    1-2s: |z| > 2 (a warning; the others reject). 1-3s: |z| > 3. 2-2s: two in succession above +2, or two below −2.
    R-4s: two in succession, one above +2 and one below −2. 4-1s: four in succession above +1, or below −1.
    10-x: `length` (10) in succession on one side of 0; a score of exactly 0 ends the run. A score on a limit is not beyond
    it. A longer pattern is named at each of its further scores; none crosses from one sequence to the next. Of independent
    normal scores 4.6 % break 1-2s, 0.27 % 1-3s, 0.1 % each 2-2s, R-4s and 4-1s, and 0.2 % 10-x. A broken rule is a reason to
    look; the pair's other laboratory may be the cause. Source: Westgard et al. 1981, Clin. Chem. 27, 493–501.
    """
    if length < 2:
        raise ValueError(f"length must be 2 or more, found {length}")
    column, where = in_groups(z, offsets)
    broken: NDArray[np.bool_] = _broken(column, where, length)
    return Westgard(*(np.flatnonzero(one) for one in broken))
