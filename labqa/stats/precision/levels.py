"""How precision depends on the level: constant, proportional, linear, power or two-component, with the choice recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

Floats = NDArray[np.float64]

MODELS = ("constant", "proportional", "linear", "power", "two_component")
"""σ = a; b m; a + b m; c mᵈ; √(a² + (b m)²)."""
_FREE = {"constant": 1, "proportional": 1, "linear": 2, "power": 2, "two_component": 2}


class LevelFit(NamedTuple):
    """A fitted model: its name, parameters in the order of its formula, −2 log likelihood (but for a constant), AIC."""

    model: str
    parameters: tuple[float, ...]
    deviance: float
    aic: float


class Choice(NamedTuple):
    """The model with the smallest AIC, and all that were fitted, in the order asked."""

    chosen: LevelFit
    fitted: tuple[LevelFit, ...]


def characteristic_function(level: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> Floats:
    """σ(m) = √(α² + (β m)²): constant SD α at low levels, constant relative SD β at high ones, equal at the break point α/β.

    Thompson's characteristic function (Trends Anal. Chem. 2011, 30 (7)); the two-component model of Rocke & Lorenzato
    1995, doi:10.1080/00401706.1995.10484302, for the SD at a true level m. All broadcast; α in the unit of the level.
    """
    m, a, b = (np.asarray(one, dtype=np.float64) for one in (level, alpha, beta))
    return np.asarray(np.hypot(a, b * m), dtype=np.float64)


def sd_at(model: str, parameters: Sequence[float], level: ArrayLike) -> Floats:
    """SD of a model of `MODELS` at each level; ValueError for another name."""
    m = np.asarray(level, dtype=np.float64)
    formulas: dict[str, Callable[..., Floats]] = {
        "constant": lambda a: np.full(m.shape, a),
        "proportional": lambda b: b * m,
        "linear": lambda a, b: a + b * m,
        "power": lambda c, d: c * m**d,
        "two_component": lambda a, b: characteristic_function(m, a, b),
    }
    if model not in formulas:
        raise ValueError(f"{model!r} is no model of precision against level; there are {', '.join(MODELS)}")
    return np.asarray(formulas[model](*parameters), dtype=np.float64)


def fit_level(level: ArrayLike, sd: ArrayLike, df: ArrayLike, *, model: str) -> LevelFit:
    """One model by maximum likelihood of s_j² ~ σ²(m_j) χ²(ν_j)/ν_j: minimises Σ ν_j (log σ_j² + s_j²/σ_j²).

    `level` m ≥ 0 (> 0 for proportional and power), `sd` s ≥ 0 and `df` ν > 0, one each a level; an SD of 0 is allowed. a, b ≥
    0. Constant and proportional in closed form, else SciPy's L-BFGS-B from three starts, in scaled units; 6 digits or more.
    ValueError: NaN or a value out of its range, fewer levels than parameters, all SDs 0.
    """
    m, s, nu = _levels(level, sd, df)
    if model not in _FREE:
        raise ValueError(f"{model!r} is no model of precision against level; there are {', '.join(MODELS)}")
    if len(m) < _FREE[model]:
        raise ValueError(f"{len(m)} level(s) for the {_FREE[model]} parameters of the {model} model")
    if model in ("proportional", "power") and np.any(m == 0):
        raise ValueError(f"the {model} model needs levels above 0")
    if not np.any(s > 0):
        raise ValueError("no SD above 0: no precision to describe")
    pooled = float(np.sqrt(np.sum(nu * s**2) / np.sum(nu)))
    if model == "constant":
        parameters: tuple[float, ...] = (pooled,)
    elif model == "proportional":
        parameters = (float(np.sqrt(np.sum(nu * (s / m) ** 2) / np.sum(nu))),)
    else:
        typical = float(np.sqrt(np.mean(m**2))) or 1.0
        x, y = _searched(model, m / typical, s / pooled, nu)
        if model == "power":
            parameters = (float(pooled * np.exp(x) * typical**-y), float(y))
        else:
            parameters = (float(x * pooled), float(y * pooled / typical))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = sd_at(model, parameters, m) ** 2
        deviance = float(np.sum(nu * (np.log(variance) + s**2 / variance)))
    return LevelFit(model, parameters, deviance, deviance + 2.0 * _FREE[model])


def choose_level(level: ArrayLike, sd: ArrayLike, df: ArrayLike, *, models: Sequence[str] = MODELS) -> Choice:
    """The model of precision against level with the smallest AIC; of equal ones that with fewer parameters, then the first.

    Models that the data cannot carry (more parameters than levels less one, a level of 0) are left out. A choice among
    few levels is weak: the other fits stand in the answer. Arguments and ValueError as `fit_level`.
    """
    m, s, nu = _levels(level, sd, df)
    possible = [
        model
        for model in models
        if (_FREE.get(model, 1) == 1 or len(m) > _FREE[model]) and not (model in ("proportional", "power") and np.any(m == 0))
    ]
    if not possible:
        raise ValueError(f"none of {', '.join(models)} can be fitted to {len(m)} level(s)")
    fitted = tuple(fit_level(m, s, nu, model=model) for model in possible)
    return Choice(min(fitted, key=lambda one: (round(one.aic, 9), _FREE[one.model])), fitted)


def iso_relation(level: ArrayLike, sd: ArrayLike, *, model: str) -> LevelFit:
    """The relation of ISO 5725-2 between SD and level: I proportional, II linear, III power, as the standard fits them.

    I: b = mean of s_j/m_j. II: s = a + b m by least squares with weights 1/ŝ², ŝ first s itself, then the last fit, three
    times. III: lg s = lg c + d lg m, unweighted (ISO 5725-2:1994, 7.5). No likelihood: deviance and AIC are NaN, and a may be
    negative. ValueError: level or SD not above 0, fewer than two levels (I: one), another model.
    """
    m, s, _ = _levels(level, sd, np.ones(len(np.atleast_1d(np.asarray(level)))))
    if np.any(m <= 0) or np.any(s <= 0) or len(m) < _FREE.get(model, 1):
        raise ValueError("the relations of ISO 5725-2, 7.5 need levels and SDs above 0, as many as parameters")
    if model == "proportional":
        parameters: tuple[float, ...] = (float(np.mean(s / m)),)
    elif model == "power":
        d, lg_c = np.polyfit(np.log10(m), np.log10(s), 1)
        parameters = (float(10.0**lg_c), float(d))
    elif model == "linear":
        smooth = s
        for _ in range(3):
            b, a = np.polyfit(m, s, 1, w=1.0 / smooth)
            smooth = a + b * m
        parameters = (float(a), float(b))
    else:
        raise ValueError(f"{model!r} is no relation of ISO 5725-2, 7.5: proportional, linear, power")
    return LevelFit(model, parameters, float("nan"), float("nan"))


def _levels(level: ArrayLike, sd: ArrayLike, df: ArrayLike) -> tuple[Floats, Floats, Floats]:
    m, s, nu = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (level, sd, df)))
    if not (np.all(np.isfinite(m) & (m >= 0)) and np.all(np.isfinite(s) & (s >= 0)) and np.all(np.isfinite(nu) & (nu > 0))):
        raise ValueError("levels and SDs must be finite and not negative, degrees of freedom above 0")
    return m, s, nu


def _searched(model: str, m: Floats, s: Floats, nu: Floats) -> Floats:
    """The two parameters in scaled units (m ≤ √n, pooled SD 1): a and b, or log c and d."""
    log_m = np.log(np.maximum(m, 1e-300))

    def cost(at: Floats) -> tuple[float, Floats]:
        if model == "power":
            variance = np.exp(2.0 * (at[0] + at[1] * log_m))
            toward = np.stack([2.0 * variance, 2.0 * variance * log_m])
        elif model == "linear":
            sigma = at[0] + at[1] * m
            variance, toward = sigma**2, np.stack([2.0 * sigma, 2.0 * sigma * m])
        else:
            variance = at[0] ** 2 + (at[1] * m) ** 2
            toward = np.stack([np.full(len(m), 2.0 * at[0]), 2.0 * at[1] * m**2])
        slope = nu / variance * (1.0 - s**2 / variance)
        return float(np.sum(nu * (np.log(variance) + s**2 / variance))), toward @ slope

    least = 1e-9  # keeps the SD above 0 at a level of 0
    bounds = None if model == "power" else [(least, None), (least if np.any(m == 0) else 0.0, None)]
    starts = [(0.0, 0.0), (0.0, 1.0), (0.0, 0.5)] if model == "power" else [(1.0, 1e-3), (1e-3, 1.0), (0.5, 0.5)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000}
    tries = [optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for start in starts]
    best = min(tries, key=lambda one: float(one.fun)).x
    return np.asarray(best if model == "power" else np.where(best <= 10 * least, 0.0, best), dtype=np.float64)
