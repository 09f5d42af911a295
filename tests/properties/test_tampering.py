"""Whatever byte of a stored file is flipped, verification names that file and no other."""

import random
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.core.errors import IntegrityError
from labqa.core.provenance import Manifest, sha256_of
from labqa.core.tables import Flags, Labs, Summary, empty, shaped
from labqa.store.acceptance import accept
from labqa.store.chain import Kind
from labqa.store.facts import FactStore
from labqa.store.ledger import Ledger
from labqa.store.runs import RunStore
from labqa.store.verification import verify_store

NOON = datetime(2018, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def ledger(home, tmp_path_factory):
    """The ledger of a home with two registers and a run."""
    folder = tmp_path_factory.mktemp("delivered")
    ledger = Ledger.at(home)
    for number in range(2):
        source = folder / f"{number}.csv"
        source.write_bytes(f"delivered {number}".encode())
        tables = {"labs": shaped(pl.DataFrame({"lab": [f"L{number}"]}), Labs)}
        sha256 = sha256_of(source.read_bytes())
        accept(FactStore(home), ledger, Kind.REGISTER, tables, NOON, source=source, sha256=sha256, programme=None, note={})
    manifest = Manifest("national", "2018", 2, "cn-2012-26", "e", ("2018",))
    row = {"metric": "pairs", "scope": "national", "scope_id": "", "period": "2018", "value": 1.5, "n": 3}
    RunStore(home, ledger).write(manifest, {"summary": shaped(pl.DataFrame([row]), Summary), "flags": empty(Flags)}, NOON)
    return ledger


@pytest.fixture(scope="module")
def files(home, ledger):
    return sorted(path for folder in ("facts", "raw", "runs") for path in (home / folder).rglob("*") if path.is_file())


def test_an_untouched_home_has_no_findings(home, ledger, files):
    assert len(files) == 2 + 2 + 3
    assert verify_store(home, ledger, ledger.head()) == []


def found_after_flips(home, files, anchor, count, seed):
    """What verification names, for each of so many bits drawn from all bits of the files: the file, and the findings."""
    chance = random.Random(seed)
    sizes = [path.stat().st_size for path in files]
    for path in chance.choices(files, weights=sizes, k=count):
        whole = path.read_bytes()
        place = chance.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            found = verify_store(home, Ledger.at(home), anchor)
        except IntegrityError as error:
            found = [error.message]
        finally:
            path.write_bytes(whole)
        yield path.relative_to(home), place, found


OF_THE_LEDGER = {
    *("store.ledger_damaged", "store.ledger_unprotected", "store.ledger_file_changed", "store.seal_changed"),
    *("store.entry_changed", "store.entry_missing", "store.entry_misplaced", "store.anchor_differs", "store.ledger_cut_off"),
}


def assert_every_flip_is_named(home, ledger, files, count, seed):
    everything = [*files, home / "ledger.sqlite", home / "ledger.sqlite.seal"]
    for path, place, found in found_after_flips(home, everything, ledger.head(), count, seed):
        if path.name.startswith("ledger."):
            assert found and {one.key for one in found} <= OF_THE_LEDGER, (path, place, found)
        else:
            assert [(one.key, one.values["path"]) for one in found] == [("store.file_changed", str(path))]
    assert verify_store(home, ledger, ledger.head()) == []


def test_each_of_300_flipped_bits_is_named(home, ledger, files):
    assert_every_flip_is_named(home, ledger, files, 300, seed=3)


@pytest.mark.long
def test_each_of_10000_flipped_bits_is_named(home, ledger, files):
    assert_every_flip_is_named(home, ledger, files, 10_000, seed=10)


@settings(deadline=None)
@given(st.data())
def test_a_cut_or_lengthened_file_is_named(home, ledger, files, data):
    path = data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    other = data.draw(st.sampled_from([whole[: len(whole) // 2], b"", whole + b"\0"]))
    path.write_bytes(other)
    try:
        found = verify_store(home, ledger)
    finally:
        path.write_bytes(whole)
    assert [one.values["path"] for one in found] == [str(path.relative_to(home))]
