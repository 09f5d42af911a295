"""Parts of the facts (period × product family), each made into blocks by itself and merged, give what one pass gives."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.observations import Observations, observations, starts
from labqa.analysis.weights import weighted
from labqa.simulate import network
from labqa.stats.network.blocks import fit
from labqa.stats.network.components import components
from tests.evaluations import calm


@cache
def simulated() -> network.Simulated:
    """Without results beyond a limit: which blocks near a limit enter is decided on the limits of all parts together."""
    small = calm(n_years=2, n=40, blameless=10, new=2, small=4)
    return network.simulate(replace(small, censoring=False), seed=11)


@cache
def scale() -> pl.DataFrame:
    """The yardsticks, which are of all parts together: they come before the blocks."""
    made = simulated()
    samples = pairing.samples(made.results, made.products)
    return yardsticks.yardsticks(
        made.items, pairing.blocks(made.results, samples), pairing.pairs(made.results, samples), made.results
    )


def seen(results: pl.DataFrame) -> Observations:
    made = simulated()
    blocks = pairing.blocks(results, pairing.samples(results, made.products))
    return observations(results, blocks, made.items, scale(), scale="standardised", include_objection=False, blunder=10.0)[0]


def parts() -> list[pl.DataFrame]:
    """The results by period and product family, in an order that is not the canonical one."""
    made = simulated()
    named = made.results.join(made.products.select("product", "family"), on="product", how="left", maintain_order="left")
    found = [part.drop("family") for _, part in named.group_by("period", "family", maintain_order=True)]
    assert len(found) > 10
    return found[::-1]


def runs(names: dict[str, list[str]], lab: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Code of the run in which each laboratory tested each sample: a run spans families, so that it goes by its name."""
    told = simulated().results.drop_nulls(["lab", "run"]).select("sample", "lab", "run").unique()
    assert not told.select(pl.struct("sample", "lab").is_duplicated().any()).item()
    named = {(one, two): f"{two}\0{three}" for one, two, three in told.iter_rows()}
    of = [named.get((names["samples"][s], [*names["labs"], ""][k])) for s, k in zip(sample, lab, strict=True)]
    place = {name: k for k, name in enumerate(sorted({name for name in of if name is not None}))}
    return np.array([-1 if name is None else place[name] for name in of])


def merged(found: list[Observations]) -> Observations:
    """The blocks of all parts in canonical order (item, sample, laboratory) under common codes."""
    names = {
        kind: sorted({name for one in found for name in getattr(one, kind)})
        for kind in ("labs", "items", "samples", "families")
    }

    def codes(kind: str, field: str) -> list[np.ndarray]:
        place = {name: k for k, name in enumerate(names[kind])}
        told = []
        for one in found:
            table = np.array([place[name] for name in getattr(one, kind)] + [len(names[kind])], dtype=np.int64)
            told.append(table[getattr(one, field)])
        return told

    lab, item, sample, family = (
        np.concatenate(codes(kind, field))
        for kind, field in (("labs", "lab"), ("items", "item"), ("samples", "sample"), ("families", "family"))
    )
    anchor = lab == len(names["labs"])  # assigned values stand before the laboratories of their block
    order = np.lexsort((np.where(anchor, -1, lab), sample, item))
    run = np.where(anchor, -1, runs(names, lab, sample))
    ids = np.concatenate([np.array(one.block_ids, dtype=object)[one.block] for one in found])[order]
    block = np.cumsum(ids != np.roll(ids, 1)) - 1
    columns = ("y", "u", "scale", "origin", "days")
    y, u, unit, origin, days = (np.concatenate([getattr(one, name) for one in found])[order] for name in columns)
    return Observations(
        names["labs"], names["items"], names["samples"], names["families"], list(ids[starts(block)[:-1]]),
        lab[order], item[order], sample[order], run[order], family[order], block, y, u, unit, origin, days,
    )  # fmt: skip


@cache
def both() -> tuple[Observations, Observations]:
    return seen(simulated().results), merged([seen(part) for part in parts()])


def plain(of: Observations) -> np.ndarray:
    """Effects of the plain fit of the largest component."""
    root = components(starts(of.block), of.lab, n=len(of.labs) + 1)[of.lab]
    kept = np.flatnonzero(root == np.argmax(np.bincount(root)))
    node = np.unique(of.lab[kept], return_inverse=True)[1]
    return fit(starts(of.block[kept]), node, np.ones(len(kept)), of.y[kept], n=int(node.max()) + 1).effect


def test_merged_blocks_are_those_of_one_pass_to_the_bit() -> None:
    whole, together = both()
    assert (whole.labs, whole.items, whole.samples, whole.block_ids) == (
        together.labs, together.items, together.samples, together.block_ids,
    )  # fmt: skip
    for name in ("lab", "item", "sample", "run", "family", "block", "y", "scale"):
        assert np.array_equal(getattr(whole, name), getattr(together, name)), name


def test_the_plain_fit_of_merged_blocks_has_the_same_bits() -> None:
    whole, together = both()
    assert plain(whole).tobytes() == plain(together).tobytes()


def test_the_robust_fit_of_merged_blocks_agrees_to_eight_digits() -> None:
    whole, together = both()
    settings = BiasSettings()
    one, other = (weighted(of, robust=True, corner=settings.corner, end=settings.end) for of in (whole, together))
    assert other.effect == pytest.approx(one.effect, abs=1e-8)
    assert other.weight == pytest.approx(one.weight, abs=1e-8)
