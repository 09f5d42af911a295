"""A simulated network written as deliveries and read again is the same network, and its bad rows are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from labqa.core import tables
from labqa.ingest import deliver, profiles, registers
from labqa.simulate import card as cards
from labqa.simulate.deliveries import deliveries
from labqa.simulate.network import Simulated, simulate


@pytest.fixture(scope="module")
def made() -> Simulated:
    card = cards.load("demo")
    labs = replace(card.labs, n=60, blameless=15, new=2, small=3, groups=1, group_size=5)
    return simulate(replace(card, labs=labs), seed=9)


def test_the_deliveries_say_what_was_simulated(made: Simulated, tmp_path: Path) -> None:
    files = deliveries(made, tmp_path)
    found = {}
    for kind in ("labs", "items", "products", "class"):
        found |= registers.read_register(kind, tmp_path / "registers" / f"{kind}.csv")
    for name, register in found.items():
        key = [column for column in ("lab", "item", "product", "family") if column in register.columns][:2]
        assert register.sort(key).equals(getattr(made, name).sort(key)), name

    known, refused, n_delivered = tables.empty(tables.Results), [], 0
    for file in files:
        read = deliver.read_delivery(
            file, profiles.load("template"), registers.Registers(**found), programme="national", known=known
        )
        known = pl.concat([known, read.results])
        refused.append(read.refusals)
        n_delivered += read.n_delivered
        assert not read.unread_columns
    there = ["file", "row"]
    assert known.drop(there).sort("result").equals(made.results.drop(there).sort("result"))
    assert n_delivered == known.height + 30
    refusals = pl.concat(refused)
    assert refusals.select("file", "row").unique().height == 30
    assert refusals["rule"].n_unique() >= 8


def test_files_and_truth_lie_apart(made: Simulated, tmp_path: Path) -> None:
    files = deliveries(made, tmp_path, with_mistakes=False)
    assert len(files) == 15
    assert files == sorted(files)
    assert sum(_n_rows(file) for file in files) == made.results.height
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {"labs.parquet", "items.parquet"}
    words = {"blameless", "planted", "fabricator", "copier"}
    for file in files:
        assert not any(word.encode() in file.read_bytes() for word in words)


def _n_rows(file: Path) -> int:
    if file.suffix == ".parquet":
        return pl.read_parquet(file).height
    text = file.read_bytes().decode("gb18030" if "retests" in file.name else "utf-8")
    return pl.read_csv(text.encode(), infer_schema=False).height
