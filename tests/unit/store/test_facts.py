"""Facts: checked before they are written, kept to the byte, read only through the ledger."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pytest

from labqa.core.errors import IntegrityError, StoreError
from labqa.core.provenance import sha256_of
from labqa.core.tables import FACT_TABLES, Labs, Refusals, Results, empty, shaped
from labqa.store.acceptance import accept
from labqa.store.chain import Kind
from labqa.store.facts import FactFile, FactStore, files_of
from labqa.store.ledger import Ledger

NOON = datetime(2018, 5, 1, 12, tzinfo=UTC)


def labs(**named):
    return shaped(pl.DataFrame({"lab": list(named), "name_en": list(named.values())}), Labs)


def results(*ids, programme="national"):
    row = {"sample": "S", "item": "I", "role": "original", "replicate": 1, "revision": 0, "qualifier": "quantified", "raw": "1"}
    rows = [row | {"programme": programme, "result": one, "value": 1.0, "file": "f", "row": 2} for one in ids]
    return shaped(pl.DataFrame(rows), Results)


@pytest.fixture
def facts(tmp_path):
    return FactStore(tmp_path / "home")


@pytest.fixture
def ledger(facts):
    return Ledger.at(facts.home)


@pytest.fixture
def deliver(facts, ledger, tmp_path):
    def delivering(tables, kind=Kind.REGISTER, content=b"delivered", programme="national", **options):
        source = tmp_path / "delivered.csv"
        source.write_bytes(content)
        told = {"source": source, "sha256": sha256_of(content), "programme": programme, "note": {"file_name": "delivered.csv"}}
        return accept(facts, ledger, kind, tables, NOON, **told | options)

    return delivering


def test_an_acceptance_keeps_rows_and_bytes(facts, ledger, deliver):
    tables = {"results": results("a", "b"), "labs": labs(L1="One"), "refusals": empty(Refusals)}
    entry = deliver(tables, Kind.DELIVERY)
    assert [(file.table, file.rows) for file in files_of([entry])] == [("results", 2), ("labs", 1)]
    assert entry.payload["file_name"] == "delivered.csv"
    assert facts.raw_path(entry.payload["raw"]).read_bytes() == b"delivered"
    for file in files_of(ledger.entries()):
        assert sha256_of(facts.path(file).read_bytes()) == file.sha256
    assert facts.in_force(ledger.entries(), "results").equals(results("a", "b"))
    assert list((facts.home / "tmp").iterdir()) == []


def test_a_file_from_before_an_optional_column_is_read_with_it_absent(facts, ledger, deliver):
    """Homes that were filled before the dictionary gained the column stay readable; a column that must be there is missed."""
    deliver({"results": results("a", "b")}, Kind.DELIVERY)
    path = facts.path(files_of(ledger.entries())[0])
    pl.read_parquet(path).drop("selection_probability").write_parquet(path)
    assert facts.in_force(ledger.entries(), "results").equals(results("a", "b"))
    assert facts.in_force(ledger.entries(), "results", ["selection_probability", "result"])[
        "selection_probability"
    ].to_list() == [
        None,
        None,
    ]
    pl.read_parquet(path).drop("sample").write_parquet(path)
    with pytest.raises(IntegrityError):
        facts.in_force(ledger.entries(), "results")


def test_the_same_file_is_one_acceptance(ledger, deliver):
    first = deliver({"results": results("a")}, Kind.DELIVERY)
    again = deliver({"results": results("a")}, Kind.DELIVERY)
    assert again == first and again.repeated
    elsewhere = deliver({"results": results("a", programme="usgs")}, Kind.DELIVERY, programme="usgs")
    assert not elsewhere.repeated
    assert ledger.head().entries == 2


def test_a_later_register_supersedes_by_key(facts, ledger, deliver):
    deliver({"labs": labs(L2="Two", L1="One")}, content=b"1")
    deliver({"labs": labs(L2="Second", L3="Three")}, content=b"2")
    in_force = facts.in_force(ledger.entries(), "labs", ["lab", "name_en"])
    assert in_force.rows() == [("L1", "One"), ("L2", "Second"), ("L3", "Three")]
    before = facts.in_force(ledger.entries(until=1), "labs", ["name_en", "lab"])
    assert before.rows() == [("One", "L1"), ("Two", "L2")]


def test_results_of_all_deliveries_of_a_programme_are_read(facts, ledger, deliver):
    deliver({"results": results("a")}, Kind.DELIVERY, b"1")
    deliver({"results": results("b")}, Kind.DELIVERY, b"2")
    deliver({"results": results("c", programme="usgs")}, Kind.DELIVERY, b"3", programme="usgs")
    found = facts.in_force(ledger.entries(programme="national"), "results", ["result"])
    assert found["result"].to_list() == ["a", "b"]
    assert facts.in_force(ledger.entries(), "items").height == 0


@pytest.mark.parametrize(
    ("table", "frame", "key", "said"),
    [
        ("labs", pl.concat([labs(L1="One"), labs(L1="Again")]), "store.contract_broken", "primary_key (2)"),
        ("results", results("a").with_columns(value=pl.lit(float("nan"))), "store.contract_broken", "value|nan (1)"),
        ("results", results("a", "b").with_columns(role=pl.lit("first")), "store.contract_broken", "one_of_Role (2)"),
        ("labs", labs(L1="One").drop("region"), "store.columns_differ", "region missing≠String"),
        ("labs", labs(L1="One").with_columns(phone=pl.lit("1")), "store.columns_differ", "phone String≠none"),
        ("ratings", labs(L1="One"), "store.unknown_table", "ratings"),
    ],
)
def test_what_breaks_the_dictionary_is_named_and_nothing_is_written(facts, ledger, deliver, table, frame, key, said):
    with pytest.raises(StoreError) as caught:
        deliver({"products": empty(FACT_TABLES["products"]), table: frame})
    assert caught.value.message.key == key
    assert said in str(caught.value)
    assert ledger.head().entries == 0
    assert [*(facts.home / "facts").iterdir(), *(facts.home / "raw").iterdir()] == []


def test_a_file_that_changed_while_it_was_read_is_not_accepted(ledger, deliver):
    with pytest.raises(StoreError) as caught:
        deliver({"labs": labs(L1="One")}, sha256=sha256_of(b"as read"))
    assert caught.value.message.key == "store.delivery_changed"
    assert ledger.head().entries == 0


def test_a_missing_or_spoilt_file_is_named(facts, ledger, deliver):
    deliver({"labs": labs(L1="One")})
    (file,) = files_of(ledger.entries())
    facts.path(file).write_bytes(b"spoilt")
    with pytest.raises(IntegrityError):
        facts.in_force(ledger.entries(), "labs")
    facts.path(file).unlink()
    with pytest.raises(IntegrityError, match=file.sha256):
        facts.in_force(ledger.entries(), "labs")


def test_a_file_without_an_entry_is_not_read(facts, ledger, deliver):
    deliver({"labs": labs(L1="One")})
    unaccepted = facts.accept({"labs": labs(L9="Nine")})
    assert facts.in_force(ledger.entries(), "labs")["lab"].to_list() == ["L1"]
    assert facts.read(unaccepted, "labs")["lab"].to_list() == ["L9"]
    assert facts.read([FactFile("labs", "0" * 64, 1)], "items").height == 0


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "home").write_text("a file where the home should be")
    with pytest.raises(StoreError) as caught:
        FactStore(tmp_path / "home")
    assert caught.value.message.key == "store.cannot_write"


PROCESS = """
import sys, json, resource, signal
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from labqa.core.errors import StoreError
from labqa.core.tables import Labs, shaped
from labqa.store.acceptance import accept
from labqa.store.durable import sha256_of_file
from labqa.store.facts import FactStore
from labqa.store.chain import Kind
from labqa.store.ledger import Ledger

home, source, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
facts, ledger = FactStore(home), Ledger.at(home)
frame = shaped(pl.DataFrame({"lab": ["L1"]}), Labs)
sha256 = sha256_of_file(source)
print("ready", flush=True)
sys.stdin.readline()
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    now = datetime(2018, 5, 1, tzinfo=UTC)
    entry = accept(facts, ledger, Kind.DELIVERY, {"labs": frame}, now, source=source, sha256=sha256, programme="p", note={})
    print(json.dumps([entry.position, entry.repeated]))
except StoreError as error:
    print(json.dumps(error.message.key))
"""


def started(home, source, *, limit=0):
    command = [sys.executable, "-c", PROCESS, str(home), str(source), str(limit)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_that_deliver_the_same_file_at_once_get_one_receipt(tmp_path, ledger):
    source = tmp_path / "delivered.csv"
    source.write_bytes(b"x" * 100_000)
    processes = [started(tmp_path / "home", source) for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(json.loads(process.communicate()[0]) for process in processes)
    assert answers == [[1, False], [1, True], [1, True]]
    assert ledger.verify() == []


def test_a_full_disk_is_a_sentence_and_accepts_nothing(tmp_path, facts, ledger):
    source = tmp_path / "delivered.csv"
    source.write_bytes(b"x" * 100_000)
    process = started(facts.home, source, limit=50_000)
    assert json.loads(process.communicate("go\n")[0]) == "store.cannot_write"
    assert ledger.head().entries == 0
    process = started(facts.home, source)
    assert json.loads(process.communicate("go\n")[0]) == [1, False]
