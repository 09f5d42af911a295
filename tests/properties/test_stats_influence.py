"""Influence on a network's biases: contributions sum, and every deletion is what a fit without those rows gives."""

from __future__ import annotations

import numpy as np
import pytest

from labqa.stats.network import influence
from labqa.stats.network.blocks import fit
from labqa.stats.network.components import components
from labqa.stats.network.zero import leave_one_out_centres

EXACT = {"rel": 1e-9, "abs": 1e-9}


class Network:
    """Blocks of 2 to 6 of n laboratories; blocks of one sample have the same laboratories; weights from 0.05 to 2."""

    def __init__(self, seed: int, *, n: int, samples: int, anchor: bool = False, widest: int = 6) -> None:
        draw = np.random.default_rng(seed)
        node, block, sample = [], [], []
        for s in range(samples):
            some = draw.choice(n, size=2 if draw.random() < 0.6 else draw.integers(3, widest + 1), replace=False)
            for _ in range(draw.integers(1, 5)):
                members = [*sorted(some), n] if anchor and len(some) > 2 and draw.random() < 0.7 else sorted(some)
                node += members
                block += [block[-1] + 1 if block else 0] * len(members)
                sample.append(s)
        self.n, self.anchor = n, anchor
        self.node, self.block, self.sample = np.array(node), np.array(block), np.array(sample)
        self.y = (
            draw.normal(0, 1, len(node)) + draw.normal(0, 1, n + 1)[self.node] + draw.normal(0, 9, block[-1] + 1)[self.block]
        )
        self.weight = draw.uniform(0.05, 2.0, len(node))
        self.start = starts(self.block)
        self.size = n + anchor
        assert len(set(components(self.start, self.node, n=self.size))) == 1
        ground = self.size - 1 if anchor else 0
        self.fitted = fit(self.start, self.node, self.weight, self.y, n=self.size, ground=ground)
        self.said = influence.stated(self.fitted, n=n, anchored=anchor)

    def again(self, kept: np.ndarray, lab: int) -> float:
        """Estimate of `lab` on the rows kept: normal equations written out, solved on the part that holds the laboratory."""
        node, block, y, weight = (one[kept] for one in (self.node, self.block, self.y, self.weight))
        laplacian, right = np.zeros((self.size, self.size)), np.zeros(self.size)
        for b in np.unique(block):
            here = np.flatnonzero(block == b)
            w = weight[here]
            p = np.diag(w) - np.outer(w, w) / w.sum()
            laplacian[np.ix_(node[here], node[here])] += p
            right[node[here]] += p @ y[here]
        reached = {lab}
        while True:
            more = reached | {int(j) for i in reached for j in np.flatnonzero(np.abs(laplacian[i]) > 1e-12)}
            if more == reached:
                break
            reached = more
        part = sorted(reached)
        effect = np.full(self.size, np.nan)
        effect[part] = np.linalg.lstsq(laplacian[np.ix_(part, part)], right[part], rcond=None)[0]
        zero = self.said.zero[lab, part]
        if zero.sum() < 0.5:
            return float("nan")
        return float(effect[lab] - effect[part] @ zero / zero.sum() - self.said.offset[lab])


def starts(block: np.ndarray) -> np.ndarray:
    return np.append(np.flatnonzero(np.diff(block, prepend=-1)), len(block))


NETWORKS = [
    pytest.param({"seed": 1, "n": 12, "samples": 60}, id="dense"),
    pytest.param({"seed": 2, "n": 9, "samples": 40, "anchor": True}, id="anchored"),
    pytest.param({"seed": 3, "n": 14, "samples": 22}, id="sparse"),
    pytest.param({"seed": 5, "n": 12, "samples": 16}, id="nearly a tree"),
    pytest.param({"seed": 8, "n": 10, "samples": 14, "anchor": True}, id="sparse and anchored"),
]


@pytest.fixture(params=NETWORKS)
def made(request) -> Network:
    return Network(**request.param)


def test_the_stated_bias_is_the_effect_less_the_robust_centre_of_the_others(made):
    effect = made.fitted.effect
    centre = effect[-1] if made.anchor else leave_one_out_centres(effect).centre
    assert made.said.estimate == pytest.approx(effect[: made.n] - centre, **EXACT)
    assert made.said.felt == pytest.approx((np.eye(made.n, made.size) - made.said.zero) @ made.fitted.inverse, **EXACT)


def test_contributions_of_all_blocks_sum_to_the_estimate(made):
    """Those of other laboratories' blocks are counted here by the derivative: the estimate with and without their values."""
    own = influence.contributions(made.fitted, made.start, made.y, made.said)
    for lab in range(made.n):
        mine = made.block[made.node == lab]
        elsewhere = np.where(np.isin(made.block, mine), 0.0, made.y)
        away = fit(made.start, made.node, made.weight, elsewhere, n=made.size, ground=made.size - 1 if made.anchor else 0)
        others = away.effect[lab] - made.said.zero[lab] @ away.effect
        total = np.nansum(own[made.node == lab]) + others - made.said.offset[lab]
        assert total == pytest.approx(made.said.estimate[lab], **EXACT)


@pytest.mark.parametrize("by", ["block", "sample"])
def test_leaving_out_a_sample_or_a_block_is_a_fit_without_it(made, by):
    group = made.sample if by == "sample" else np.arange(len(made.sample))
    found = influence.left_out(made.fitted, made.start, group, made.said, n_groups=int(group.max()) + 1)
    assert len(found.lab) == len({(n, g) for n, g in zip(made.node, group[made.block], strict=True) if n < made.n})
    for lab, other, shift in zip(*found, strict=True):
        kept = np.flatnonzero(group[made.block] != other)
        assert made.said.estimate[lab] + shift == pytest.approx(made.again(kept, lab), nan_ok=True, **EXACT)


def test_leaving_out_a_partner_is_a_fit_without_its_results_on_shared_blocks(made):
    found = influence.without_partners(made.fitted, made.start, made.y, made.said)
    met = {(i, j) for b in np.unique(made.block) for i in made.node[made.block == b] for j in made.node[made.block == b]}
    assert set(zip(found.lab.tolist(), found.other.tolist(), strict=True)) == {
        (i, j) for i, j in met if i != j and max(i, j) < made.n
    }
    for lab, other, shift in zip(*found, strict=True):
        shared = np.isin(made.block, made.block[made.node == lab]) & (made.node == other)
        kept = np.flatnonzero(~shared)
        assert made.said.estimate[lab] + shift == pytest.approx(made.again(kept, lab), nan_ok=True, **EXACT)


def test_some_deletions_cannot_be_said():
    """In a chain of two laboratories and a triangle, nothing is left of the first without its only partner."""
    node, block = np.array([0, 1, 1, 2, 2, 3, 1, 3]), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    y = np.array([1.0, 0.0, 0.0, 0.1, 0.0, 0.2, 0.0, 0.1])
    fitted = fit(starts(block), node, np.ones(8), y, n=4)
    said = influence.stated(fitted, n=4, anchored=False)
    found = influence.without_partners(fitted, starts(block), y, said)
    lost = {(i, j) for i, j, shift in zip(*found, strict=True) if np.isnan(shift)}
    assert lost == {(0, 1)}
    partner = {(i, j): shift for i, j, shift in zip(*found, strict=True)}
    # without 0 the zero of 1 is that of 2 and 3 alone; three of the four effects are near 0
    assert partner[1, 0] == pytest.approx((0.0 - np.mean([0.1, 0.15])) - said.offset[1] - said.estimate[1], abs=0.05)


def test_blocks_too_large_for_a_partner_are_left_whole():
    made = Network(4, n=influence.LARGEST + 2, samples=300, widest=influence.LARGEST + 1)
    found = influence.without_partners(made.fitted, made.start, made.y, made.said)
    width = np.diff(made.start)
    assert (width > influence.LARGEST).any()
    draw = np.random.default_rng(0).choice(len(found.lab), 40, replace=False)
    for lab, other, shift in ((found.lab[k], found.other[k], found.shift[k]) for k in draw):
        shared = np.isin(made.block, made.block[made.node == lab]) & (made.node == other)
        kept = np.flatnonzero(~(shared & (width[made.block] <= influence.LARGEST)))
        assert made.said.estimate[lab] + shift == pytest.approx(made.again(kept, lab), nan_ok=True, rel=1e-9, abs=1e-9)
