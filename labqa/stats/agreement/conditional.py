"""Whether a laboratory says yes more readily than others: the conditional logit of yes, given how many of a block said it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labqa.stats.kernels import kernel
from labqa.stats.latent.network import WEAK, LatentFit, Penalty, State
from labqa.stats.network.columns import solved_columns

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST_STEPS, CLOSE = 60, 1e-9


@kernel
def _conditional(start, lab, yes, bias):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(bias)
    gradient, information = np.zeros(n), np.zeros((n, n))
    score = np.zeros(len(lab))
    loglik = 0.0
    for block in range(len(start) - 1):
        first, k = start[block], start[block + 1] - start[block]
        said, top = 0, -np.inf
        for j in range(k):
            said += yes[first + j]
            top = max(top, bias[lab[first + j]])
        if said == 0 or said == k:
            continue
        odds = np.empty(k)
        for j in range(k):
            odds[j] = np.exp(bias[lab[first + j]] - top)
        # elementary symmetric functions of all odds, and of all but one or two, up to the number that said yes
        whole = np.zeros(said + 1)
        whole[0] = 1.0
        for j in range(k):
            for s in range(said, 0, -1):
                whole[s] += odds[j] * whole[s - 1]
        chance, joint = np.empty(k), np.zeros((k, k))
        rest = np.empty(said + 1)
        for a in range(k):
            for b in range(a, k):
                rest[:] = 0.0
                rest[0] = 1.0
                for j in range(k):
                    if j != a and j != b:
                        for s in range(said, 0, -1):
                            rest[s] += odds[j] * rest[s - 1]
                if a == b:
                    chance[a] = odds[a] * rest[said - 1] / whole[said]
                elif said >= 2:
                    joint[a, b] = joint[b, a] = odds[a] * odds[b] * rest[said - 2] / whole[said]
        loglik -= np.log(whole[said])
        for a in range(k):
            o = first + a
            loglik += yes[o] * (bias[lab[o]] - top)
            score[o] = yes[o] - chance[a]
            gradient[lab[o]] += score[o]
        for a in range(k):
            for b in range(k):
                i, j = lab[first + a], lab[first + b]
                information[i, j] += (chance[a] if a == b else joint[a, b]) - chance[a] * chance[b]
    return loglik, gradient, information, score


def conditional_logit(start: Ints, lab: Ints, yes: NDArray[np.bool_], *, n: int) -> LatentFit:
    """Maximises Π over blocks of exp(Σ bias of those who said yes) / Σ over all sets of as many, with a weak penalty.

    Blocks drop out of the likelihood, and so do items and true values; blocks in which all said the same tell nothing. Of pairs
    it is the model of Bradley & Terry 1952 (doi:10.2307/2334029); in general Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x.
    Biases are log odds, their common zero is arbitrary.
    """
    said = np.asarray(yes, dtype=np.int64)
    bias = np.zeros(n)
    loglik, gradient, information, score = _conditional(start, lab, said, bias)
    converged = False
    for _ in range(MOST_STEPS):
        solved = solved_columns(sparse.csr_array(information + WEAK * np.eye(n)), (gradient - WEAK * bias)[:, None])
        if solved is None:  # pragma: no cover - information and penalty are positive definite
            break
        step = solved[:, 0]
        step *= min(1.0, 3.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300))
        least = loglik - 0.5 * WEAK * float(np.sum(bias**2))
        for _ in range(30):
            found = _conditional(start, lab, said, bias + step)
            if found[0] - 0.5 * WEAK * float(np.sum((bias + step) ** 2)) >= least - 1e-9:
                break
            step = step / 2
        bias = bias + step
        loglik, gradient, information, score = found
        if np.abs(step).max(initial=0.0) < CLOSE:
            converged = True
            break
    state = State(bias, np.zeros(0), np.zeros(0), 1.0, 1.0)
    block = np.repeat(np.arange(len(start) - 1), np.diff(start))
    block_score = sparse.csr_array((score, (lab, block)), shape=(n, len(start) - 1))
    penalised = sparse.csr_array(information + WEAK * np.eye(n))
    return LatentFit(state, penalised, block_score, score, float(loglik), converged, Penalty(WEAK, WEAK))
