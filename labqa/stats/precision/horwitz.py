"""Reproducibility as a function of the mass fraction alone: Horwitz, as modified by Thompson."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def horwitz_sd(mass_fraction: ArrayLike) -> Floats:
    """Horwitz σR of a mass fraction c (1 = 100 %), as modified by Thompson: 0.22 c, 0.02 c^0.8495, 0.01 c^0.5.

    The three hold for c < 1.2e-7, up to 0.138, and above (ISO 13528:2022, 8.4; Thompson, Analyst 2000, 125, 385).
    NaN unless 0 < c ≤ 1.
    """
    c = np.asarray(mass_fraction, dtype=np.float64)
    inside = np.where((c > 0) & (c <= 1), c, np.nan)
    middle, high = 0.02 * inside**0.8495, 0.01 * np.sqrt(inside)
    return np.where(inside < 1.2e-7, 0.22 * inside, np.where(inside <= 0.138, middle, high))


def horwitz_line(mass_fraction: float) -> tuple[float, float]:
    """Constant and slope of the tangent to `horwitz_sd` at c: exact there, within 4 % from c/2 to 2c (7 % above 0.138)."""
    sd = float(horwitz_sd(mass_fraction))
    exponent = 1.0 if mass_fraction < 1.2e-7 else 0.8495 if mass_fraction <= 0.138 else 0.5
    return sd * (1.0 - exponent), sd * exponent / mass_fraction


def horrat(sd: ArrayLike, level: ArrayLike, *, unit: float, modified: bool = True) -> Floats:
    """HorRat: an observed reproducibility SD over the one that Horwitz predicts at its level.

    s_R · unit/σ_H(c) with c = level × `unit` (mass fraction of one unit: 1e-6 for mg/kg), σ_H from `horwitz_sd`, or, with
    `modified` false, the original 0.02 c^0.8495 at every level (AOAC Official Methods, Appendix D: RSD_R = 2 C^−0.1505 %;
    Horwitz & Albert 2006, J. AOAC Int. 89, 1095). 0.5 to 2 is usual. `sd` and `level` broadcast, in one unit; NaN unless 0 < c
    ≤ 1.
    """
    m = np.asarray(level, dtype=np.float64)
    c = m * unit
    inside = np.where((c > 0) & (c <= 1), c, np.nan)
    predicted = horwitz_sd(inside) if modified else 0.02 * inside**0.8495
    return np.asarray(np.asarray(sd, dtype=np.float64) * unit / predicted, dtype=np.float64)
