"""Contrasts of two fits whose observations share groups, against dense linear algebra written out."""

import numpy as np
import pytest
from test_network import dense, small_network

from labqa.stats.network.across import Side, spread_across
from labqa.stats.network.blocks import fit, incidence
from labqa.stats.network.columns import WIDE
from labqa.stats.network.felt import Grouping
from labqa.stats.network.variance import spread, written_out


def two_sides():
    """Two fits of seven laboratories each, and every laboratory's difference between them, less the mean of all."""
    networks = [small_network(seed) for seed in (11, 12)]
    sides, moved, first = [], [], 0
    contrast = np.eye(7) - 1 / 7
    for sign, (start, node, weight, y, _) in zip((1.0, -1.0), networks, strict=True):
        x, p, _ = dense(start, node, weight, 7)
        sides.append(Side(fit(start, node, weight, y, n=7), first + np.arange(len(node)), written_out(sign * contrast)))
        moved.append(p @ x @ np.linalg.pinv(x.T @ p @ x) @ (sign * contrast).T)
        first += len(node)
    return sides, np.vstack(moved), np.concatenate([one[1] for one in networks])


def test_what_two_fits_share_is_felt_once():
    sides, moved, node = two_sides()
    item = np.random.default_rng(3).integers(0, 3, len(node))
    group = node * 3 + item
    one = Grouping(incidence(group, n=21), np.arange(21) // 3)
    squares = (one.matrix.toarray().T @ moved) ** 2
    told = spread_across(sides, [one], lab=np.arange(7))
    assert told.total[:, 0] == pytest.approx(squares.sum(axis=0), abs=1e-10)
    own = [squares[3 * lab : 3 * lab + 3, lab].sum() for lab in range(7)]
    assert told.own[:, 0] == pytest.approx(own, abs=1e-10)


def test_an_effect_of_a_laboratory_on_all_its_results_cancels_between_two_fits():
    sides, _, node = two_sides()
    same = Grouping(incidence(node, n=7), np.arange(7))
    assert spread_across(sides, [same], lab=np.arange(7)).total == pytest.approx(0.0, abs=1e-20)


def test_one_side_is_the_spread_of_one_fit():
    start, node, weight, y, draw = small_network(13)
    found, contrast = fit(start, node, weight, y, n=7), np.tile(np.eye(7) - 1 / 7, (30, 1))
    lab = np.tile(np.arange(7), 30)
    assert len(lab) > WIDE, "more contrasts than are taken at a time"
    one = Grouping(incidence(node * 3 + draw.integers(0, 3, len(node)), n=21), np.arange(21) // 3)
    told = spread_across([Side(found, np.arange(len(node)), written_out(contrast))], [one], lab=lab)
    expected = spread(found, [one], contrast, lab=lab, needed=np.array([True]))
    assert told.total == pytest.approx(expected.total, abs=1e-10)
    assert told.own == pytest.approx(expected.own, abs=1e-10)


def test_a_fit_by_conjugate_gradients_says_the_same_and_inverts_nothing():
    start, node, weight, y, draw = small_network(14)
    contrast = np.eye(7) - 1 / 7
    one = Grouping(incidence(node * 3 + draw.integers(0, 3, len(node)), n=21), np.arange(21) // 3)
    exact, iterated = (fit(start, node, weight, y, n=7, iterated=way) for way in (False, True))
    told, found = (
        spread_across([Side(made, np.arange(len(node)), written_out(contrast))], [one], lab=np.arange(7))
        for made in (exact, iterated)
    )
    assert found.total == pytest.approx(told.total, rel=1e-5)
    assert found.own == pytest.approx(told.own, rel=1e-5)
    assert "inverse" not in vars(iterated)


def test_two_sides_of_one_fit_are_the_contrast_of_both_together():
    start, node, weight, y, draw = small_network(15)
    found, contrast = fit(start, node, weight, y, n=7), np.eye(7) - 1 / 7
    one = Grouping(incidence(node * 3 + draw.integers(0, 3, len(node)), n=21), np.arange(21) // 3)
    parts = [Side(found, np.arange(len(node)), written_out(share * contrast)) for share in (0.7, 0.3)]
    told = spread_across(parts, [one], lab=np.arange(7))
    assert told.total == pytest.approx(spread(found, [one], contrast, lab=np.arange(7), needed=np.array([True])).total)
