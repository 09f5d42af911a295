"""The zero of a relative bias: the robust centre of the other laboratories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labqa.stats.kernels import kernel

Floats = NDArray[np.float64]
HUBER = 1.5


class Centres(NamedTuple):
    """Centre of the others for each laboratory, and the weight of each other laboratory in it (rows sum to 1)."""

    centre: Floats
    weight: Floats


@kernel
def _centres(values, constant, weight):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(values)
    out = np.zeros(n)
    others = np.empty(max(n - 1, 1))
    for left in range(n):
        count = 0
        for j in range(n):
            if j != left:
                others[count] = values[j]
                count += 1
        if count == 0:
            continue
        middle = np.median(others[:count])
        scale = 1.4826022185056018 * np.median(np.abs(others[:count] - middle))
        limit = constant * scale
        centre = middle
        for _ in range(100):
            total, inside = 0.0, 0
            for k in range(count):
                gap = others[k] - centre
                if abs(gap) <= limit:
                    inside += 1
                    total += gap
                else:
                    total += limit if gap > 0 else -limit
            step = total / max(inside, 1)
            centre += step
            if abs(step) <= 1e-13 * (abs(centre) + scale):
                break
        out[left] = centre
        inside = 0
        for j in range(n):
            if j != left and abs(values[j] - centre) <= limit:
                inside += 1
        for j in range(n):
            if j != left:
                if inside > 0:
                    weight[left, j] = 1.0 / inside if abs(values[j] - centre) <= limit else 0.0
                else:
                    weight[left, j] = 1.0 / count
    return out


def leave_one_out_centres(values: Floats, *, constant: float = HUBER) -> Centres:
    """Huber's location of all values but one, for each value, with the derivative by each of the others.

    The centre solves Σ ψ((x − centre)/s) = 0, ψ cut at `constant`, s = 1.4826 MAD of the others; weight[i, j] = ∂centre_i/∂x_j
    with s held (1/number inside the cut, else 0). One other value is its own centre; MAD 0 gives the median. Same unit as
    `values` (n); weight is n × n. Source: Huber 1964, doi:10.1214/aoms/1177703732.
    """
    weight = np.zeros((len(values), len(values)))
    centre = _centres(np.ascontiguousarray(values, dtype=np.float64), constant, weight)
    return Centres(np.asarray(centre), weight)
