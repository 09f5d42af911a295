"""Runs: written once, in a fixed form, found by id, and compared with what is derived again."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from labqa.core.errors import IntegrityError, StoreError, UsageError
from labqa.core.provenance import Manifest, canonical_json, sha256_of
from labqa.core.tables import RUN_TABLES, Flags, Summary, empty, shaped
from labqa.store.ledger import Ledger
from labqa.store.runs import RunStore
from labqa.store.verification import compare, verify_store

NOON = datetime(2018, 5, 1, 12, tzinfo=UTC)


def manifest(**options):
    told = {"programme": "national", "period": "2018", "data_version": 3, "edition": "cn-2012-26", "edition_hash": "e"}
    return Manifest(**told | {"partitions": ("2016", "2017", "2018"), "settings": {"z_limit": 3, "lines": (1, 2)}} | options)


def summary(**figures):
    rows = [
        {"metric": name, "scope": "national", "scope_id": "", "period": "2018", "value": value, "n": 1}
        for name, value in figures.items()
    ]
    return shaped(pl.DataFrame(rows), Summary)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


@pytest.fixture
def run(store):
    return store.open(store.write(manifest(), {"summary": summary(b=2.0, a=1.0), "flags": empty(Flags)}, NOON).run_id)


def test_a_run_is_read_as_it_was_written_in_key_order(run, store):
    assert run.manifest.run_id == manifest().run_id == run.info.run_id
    assert run.manifest.partitions == ("2016", "2017", "2018")
    assert run.table("summary").equals(summary(a=1.0, b=2.0))
    assert run.table("summary") is run.table("summary")
    assert run.lazy("summary").select("metric").collect()["metric"].to_list() == ["a", "b"]
    assert run.table("flags").schema == empty(Flags).schema
    assert [info.run_id for info in store.runs()] == [info.run_id for info in RunStore(store.home).runs()] == [run.info.run_id]
    assert store.runs(programme="usgs") == []


def test_the_manifest_holds_inputs_and_two_hashes_a_table_but_no_time_and_no_path(run, store):
    text = (run.folder / "manifest.json").read_text()
    told = json.loads(text)
    assert set(told) == {"run", "programme", "inputs", "tables"}
    assert set(told["tables"]["summary"]) == {"rows", "file_sha256", "content_sha256"}
    assert told["tables"]["summary"]["file_sha256"] == sha256_of((run.folder / "summary.parquet").read_bytes())
    assert "12:00" not in text and str(store.home) not in text
    assert text == canonical_json(store.ledger.run(run.info.run_id).payload)


def test_the_same_run_again_is_the_one_that_is_there(run, store):
    again = store.write(manifest(), {"flags": empty(Flags), "summary": summary(a=1.0 + 1e-12, b=2.0)}, NOON.replace(hour=18))
    assert again == run.info
    assert store.ledger.head().entries == 1
    assert list((store.home / "tmp").iterdir()) == []


def test_other_content_under_the_same_id_is_refused_and_named(run, store):
    with pytest.raises(IntegrityError) as caught:
        store.write(manifest(), {"summary": summary(a=1.5, b=2.0), "flags": empty(Flags)}, NOON)
    assert caught.value.message.values["tables"] == "summary"
    assert run.table("summary")["value"].to_list() == [1.0, 2.0]


def test_other_inputs_make_another_run(run, store):
    other = store.write(manifest(seed=1), {"summary": summary(a=1.0)}, NOON)
    assert other.run_id != run.info.run_id
    assert [info.position for info in store.runs()] == [1, 2]


def test_a_table_that_breaks_the_dictionary_writes_nothing(store):
    with pytest.raises(StoreError, match=r"primary_key \(2\)"):
        store.write(manifest(), {"summary": pl.concat([summary(a=1.0), summary(a=2.0)])}, NOON)
    assert store.runs() == []
    assert list((store.home / "runs").iterdir()) == []


def test_what_an_interrupted_write_left_is_replaced(store):
    leftover = store.home / "runs" / manifest().run_id
    leftover.mkdir()
    (leftover / "half.parquet").write_bytes(b"half")
    info = store.write(manifest(), {"summary": summary(a=1.0)}, NOON)
    assert sorted(path.name for path in store.open(info.run_id).folder.iterdir()) == ["manifest.json", "summary.parquet"]


def test_what_is_not_there_is_said(run, store):
    with pytest.raises(UsageError) as caught:
        store.open("nowhere")
    assert caught.value.message.key == "store.no_such_run"
    with pytest.raises(UsageError) as caught:
        run.table("ratings")
    assert caught.value.message.values["known"] == "flags, summary"
    (run.folder / "summary.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"runs/.*/summary\.parquet"):
        run.lazy("summary")


def test_derived_again_names_the_tables_that_differ(run):
    same = {"summary": summary(b=2.0, a=1.0), "flags": empty(Flags)}
    assert compare(run, same) == []
    other = {"summary": summary(b=2.0, a=1.1), "ratings": empty(RUN_TABLES["ratings"])}
    assert [found.values["table"] for found in compare(run, other)] == ["flags", "ratings", "summary"]


def test_verification_of_one_run_leaves_the_others_out(run, store):
    other = store.write(manifest(seed=1), {"summary": summary(a=1.0)}, NOON)
    (store.home / "runs" / other.run_id / "summary.parquet").unlink()
    assert verify_store(store.home, store.ledger, run_id=run.info.run_id) == []
    (found,) = verify_store(store.home, store.ledger)
    assert (found.key, found.values["path"]) == ("store.file_missing", f"runs/{other.run_id}/summary.parquet")


def test_a_ledger_shared_with_the_store_sees_its_runs(tmp_path):
    ledger = Ledger.at(tmp_path)
    info = RunStore(tmp_path, ledger).write(manifest(), {"summary": summary(a=1.0)}, NOON)
    assert ledger.run(info.run_id).position == info.position
    assert ledger.data_version() == 0
