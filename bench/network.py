"""Times the network kernels on 5,000 laboratories × 1,000,000 pairs against what people use, in one run.

`python -m bench.network [labs] [pairs] [pyfixest]`. CPU time of this process on one thread, median of `REPEATS`; kernels are
compiled before. Contestants that take seconds run once; pyfixest (minutes) only if asked for. Aims: robust fit to 1e-8 at
least 500 times as fast as pyfixest's plain fit and 20 times as fast as IRLS over SciPy's lsqr; at most 50 iterations on each
network; standard errors within 1 %.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.sparse import linalg  # noqa: E402

from bench.network_kinds import KINDS, simulated  # noqa: E402
from labqa.stats.network.effect_errors import effect_errors  # noqa: E402
from labqa.stats.network.huber import EFFICIENT, huber_pairs  # noqa: E402
from labqa.stats.network.laplacian import fit_pairs  # noqa: E402

REPEATS = 5


def timed(work: Callable[[], Any], *, repeats: int = REPEATS) -> tuple[float, Any]:
    """Median CPU seconds, and the last answer."""
    taken, answer = [], None
    for _ in range(repeats):
        began = time.process_time()
        answer = work()
        taken.append(time.process_time() - began)
    return float(np.median(taken)), answer


def design(a, b, root, n):
    """√w (e_a − e_b), pairs × laboratories."""
    place = np.arange(len(a))
    return sparse.csr_array((np.r_[root, -root], (np.r_[place, place], np.r_[a, b])), shape=(len(a), n))


def conjugate_gradients(a, b, delta, weight, n):
    """SciPy's `cg` on the assembled Laplacian, preconditioned by its diagonal, to the same 1e-10."""
    x = design(a, b, np.sqrt(weight), n)
    laplacian = sparse.csr_array(x.T @ x)
    jacobi = sparse.diags_array(1.0 / laplacian.diagonal())
    return linalg.cg(laplacian, x.T @ (np.sqrt(weight) * delta), rtol=1e-10, M=jacobi, maxiter=5000)[0]


def reweighted(a, b, delta, weight, n, *, scale=1.0, most=50):
    """IRLS over `lsqr` until the gradient is 1e-8 as ours, or for `most` rounds; effects, rounds and gradient."""
    root, x = np.sqrt(weight), np.zeros(n)
    degree = np.bincount(a, weight, n) + np.bincount(b, weight, n)
    for step in range(most):
        t = root * (delta - x[a] + x[b]) / scale
        psi = root * np.clip(t, -EFFICIENT, EFFICIENT)
        gradient = np.max(np.abs(np.bincount(a, psi, n) - np.bincount(b, psi, n)) / degree)
        if step and gradient < 1e-8:
            break
        robust = root * np.sqrt(np.minimum(1.0, EFFICIENT / np.maximum(np.abs(t), 1e-300)))
        x = linalg.lsqr(design(a, b, robust, n), robust * delta, atol=1e-10, btol=1e-10)[0]
    return x, step, gradient


def inverted(a, b, weight, n):
    """LAPACK's inverse of the grounded Laplacian, and the standard errors from it."""
    x = design(a, b, np.sqrt(weight), n)
    laplacian = (x.T @ x).toarray()
    inverse = np.zeros((n, n))
    inverse[1:, 1:] = np.linalg.inv(laplacian[1:, 1:])
    return np.sqrt(np.maximum(np.diag(inverse) - 2 * inverse.mean(axis=0) + inverse.mean(), 0.0))


def fixest(a, b, delta, weight, n):
    """pyfixest's plain fit: two results a sample, effects of samples and laboratories, no regressor of interest."""
    import pandas as pd
    import pyfixest

    level = np.random.default_rng(1).normal(size=len(a))
    sample = np.arange(len(a))
    frame = pd.DataFrame(
        {
            "y": np.r_[level + delta, level],
            "x": np.random.default_rng(2).normal(size=2 * len(a)),
            "sample": np.r_[sample, sample],
            "lab": np.r_[a, b],
            "w": np.r_[weight, weight],
        }
    )
    return pyfixest.feols("y ~ x | sample + lab", data=frame, weights="w").fixef()


def of_kind(kind, labs, pairs):
    """Times the kernels on one network, prints its line and returns times and answers."""
    a, b, delta, weight = simulated(kind, labs=labs, pairs_=pairs)
    plain, fitted = timed(lambda: fit_pairs(a, b, delta, weight, n=labs))
    robust, huber = timed(lambda: huber_pairs(a, b, delta, weight, n=labs, scale=1.0))
    joint, _ = timed(lambda: huber_pairs(a, b, delta, weight, n=labs))
    errors, found = timed(lambda: effect_errors(a, b, weight, n=labs), repeats=3)
    print(
        f"{kind:8}{plain * 1e3:8.0f}{fitted.iterations:5}{robust * 1e3:8.0f}{huber.steps:6}{huber.iterations:5}"
        f"{joint * 1e3:8.0f}{errors * 1e3:8.0f}{np.nanmax(found.bound):9.1e}",
        flush=True,
    )
    return plain, fitted, robust, huber, errors, found


def main(labs: int, pairs: int, *, with_fixest: bool) -> None:
    """Prints one table of the five networks and one of the contestants on the random one."""
    for kind in KINDS:
        a, b, delta, weight = simulated(kind, labs=1000, pairs_=20_000)
        fit_pairs(a, b, delta, weight, n=1000)
        huber_pairs(a, b, delta, weight, n=1000)
        for largest in (2000, 100):
            effect_errors(a, b, weight, n=1000, exact_below=largest)
    print(f"{labs} laboratories, {pairs} pairs, CPU ms on one thread (median of {REPEATS})")
    print(f"{'network':8}{'plain':>8}{'it.':>5}{'Huber':>8}{'steps':>6}{'it.':>5}{'joint':>8}{'errors':>8}{'bound':>9}")
    ours = {kind: of_kind(kind, labs, pairs) for kind in KINDS}
    a, b, delta, weight = simulated("random", labs=labs, pairs_=pairs)
    plain, fitted, robust, huber, errors, found = ours["random"]
    print("\non the random network, ours at scale 1 (Huber to a gradient of 1e-8)")
    taken, x = timed(lambda: conjugate_gradients(a, b, delta, weight, labs), repeats=3)
    away = np.max(np.abs(x - x.mean() - fitted.effect))
    print(
        f"plain   SciPy cg, Jacobi        {taken * 1e3:10.0f} ms {taken / plain:9.2g} × ours; apart by {away:.0e}", flush=True
    )
    taken, (x, rounds, gradient) = timed(lambda: reweighted(a, b, delta, weight, labs), repeats=1)
    away = np.max(np.abs(x - x.mean() - huber.effect))
    print(
        f"Huber   IRLS over SciPy lsqr    {taken * 1e3:10.0f} ms {taken / robust:9.2g} × ours; {rounds} rounds "
        f"to {gradient:.0e}, apart by {away:.0e}",
        flush=True,
    )
    taken, expected = timed(lambda: inverted(a, b, weight, labs), repeats=1)
    away = np.max(np.abs(found.error / expected - 1))
    print(
        f"errors  LAPACK inverse          {taken * 1e3:10.0f} ms {taken / errors:9.2g} × ours; apart by {away:.1%}", flush=True
    )
    if with_fixest:
        taken, _ = timed(lambda: fixest(a, b, delta, weight, labs), repeats=1)
        print(f"plain   pyfixest feols, fixef   {taken * 1e3:10.0f} ms {taken / robust:9.2g} × our Huber fit")


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    main(*(numbers + [5000, 1_000_000][len(numbers) :]), with_fixest="pyfixest" in sys.argv)
