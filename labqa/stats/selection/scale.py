"""The scale on which σR is 1 everywhere, where it depends on the level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def levelled(value: Floats, constant: Floats, slope: Floats) -> Floats:
    """∫ dx / (constant + slope · x): ln(constant + slope · x) / slope, or x / constant where the slope is 0.

    A shift of one σR moves it by 1 to first order (by ln(1 + slope) / slope exactly). NaN where σR is not positive at the
    value. Source: variance-stabilising transformation, Bartlett 1947, doi:10.2307/3001536.
    """
    sigma = constant + slope * value
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithmic = np.log(np.where(sigma > 0, sigma, np.nan)) / np.where(slope != 0, slope, 1.0)
        linear = value / np.where(constant > 0, constant, np.nan)
    return np.asarray(np.where(slope != 0, logarithmic, linear))
