"""Deliveries spoiled at random: nothing crashes, no bad row is accepted, no good one is lost, each refusal says why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import polars as pl
import pytest
from fuzz_drafts import Draft, sound, written
from fuzzing import FILES, HARMLESS, KINDS, spoiled

from labqa.core import tables
from labqa.core.errors import DeliveryError
from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.registers import Registers

ITEMS = [
    {"item": "PB", "scale": "ratio", "unit": "mg/kg"},
    {"item": "PH", "scale": "interval", "unit": "1"},
    {"item": "CF", "scale": "ordinal", "unit": "1", "grades": "1|1-2|2|2-3|3|3-4|4|4-5|5"},
]
REGISTERS = Registers(
    labs=tables.shaped(pl.DataFrame({"lab": list("ABCD")}), tables.Labs),
    items=tables.shaped(pl.DataFrame(ITEMS).with_columns(compare_method=pl.lit("full")), tables.Items),
)


def deliver(path: Path) -> Delivery:
    known = tables.empty(tables.Results)
    return read_delivery(path, profiles.load("template"), REGISTERS, programme="national", known=known)


def check(seed: int, folder: Path) -> Draft:
    draft, data = spoiled(seed)
    path = folder / f"{seed}.{draft.kind}"
    path.write_bytes(data)
    if draft.whole:
        with pytest.raises(DeliveryError) as caught:
            deliver(path)
        assert caught.value.message.key.removeprefix("ingest.") in draft.whole, (seed, draft.applied)
        assert all(path.name in caught.value.message.text(language) for language in LANGUAGES)
        return draft
    found, expected = deliver(path), draft.refused()
    refused = {row: set() for row in found.refusals["row"].to_list()}
    for row in found.refusals.iter_rows(named=True):
        rule = row["rule"].removeprefix("ingest.")
        refused[row["row"]].add(rule)
        message = Message.from_json(row["message"])
        for language in LANGUAGES:
            text = message.text(language)
            assert path.name in text and str(row["row"]) in text and "{" not in text.replace(row["value"] or "", "")
    assert refused.keys() == expected.keys(), (seed, draft.applied, refused, expected)
    assert all(expected[row] <= rules for row, rules in refused.items()), (seed, draft.applied, refused, expected)
    _named(draft, found)
    accepted = set(draft.delivered_rows().values()) - expected.keys()
    assert sorted(found.results["row"]) == sorted(accepted), (seed, draft.applied)
    tables.Results.validate(found.results)
    tables.Refusals.validate(found.refusals)
    return draft


def _named(draft: Draft, found: Delivery) -> None:
    """The refusal names the column and the value that were spoiled."""
    numbers = draft.delivered_rows()
    for place, (rule, header) in draft.bad.items():
        told = found.refusals.filter((pl.col("row") == numbers[place]) & (pl.col("rule") == f"ingest.{rule}")).row(
            0, named=True
        )
        said = draft.rows[place]
        assert said is not None
        if rule == "missing_period":  # the year may stand in a column of its own, which is not there
            continue
        column = "unit" if rule == "unit_contradicts" else header
        assert (told["column"], (told["value"] or "").strip()) == (draft.names[column], said[column].strip())


def test_the_sound_delivery_is_accepted_in_full(tmp_path: Path) -> None:
    for seed, kind in enumerate(("csv", "xlsx", "parquet")):
        draft = sound(Random(seed), kind)
        path = tmp_path / f"sound.{kind}"
        path.write_bytes(written(draft))
        found = deliver(path)
        assert found.refusals.is_empty() and found.results.height == len(draft.rows)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_twenty_kinds_of_spoiling_and_more_for_each_kind_of_file(kind: str) -> None:
    spoiling = {name: change for name, change in KINDS.items() if name not in HARMLESS}
    applied = [name for name, change in spoiling.items() if any(change(sound(Random(seed), kind)) for seed in range(3))]
    assert len(applied) >= 20 and len([name for name in applied if name in FILES]) >= 10


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_two_hundred_spoiled_deliveries(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + 20):
        check(seed, tmp_path)


def flipped(seed: int, folder: Path) -> bool:
    """Whether a sound delivery with one to eight bits flipped anywhere was read: if so, every row is accounted for."""
    random = Random(seed)
    draft = sound(random, random.choice(["csv", "xlsx", "parquet"]))
    data = bytearray(written(draft))
    for _ in range(random.randint(1, 8)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path = folder / f"{seed}.{draft.kind}"
    path.write_bytes(data)
    try:
        found = deliver(path)
    except DeliveryError as error:
        assert all(path.name in error.message.text(language) for language in LANGUAGES)
        return False
    tables.Results.validate(found.results)
    tables.Refusals.validate(found.refusals)
    assert found.n_delivered == found.results.height + found.refusals["row"].n_unique()
    return True


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_flipped_bits_crash_nothing(start: int, tmp_path: Path) -> None:
    assert len({flipped(seed, tmp_path) for seed in range(start, start + 20)}) == 2


@pytest.mark.long
def test_a_thousand_files_with_flipped_bits_crash_nothing(tmp_path: Path) -> None:
    assert len({flipped(seed, tmp_path) for seed in range(10_000, 11_000)}) == 2


@pytest.mark.long
def test_two_thousand_spoiled_deliveries(tmp_path: Path) -> None:
    tried: Counter[str] = Counter()
    for seed in range(1_000, 3_000):
        tried.update(check(seed, tmp_path).applied)
    assert tried.keys() == KINDS.keys()
