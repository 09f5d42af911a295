"""Start-up, the pen and the home: leftovers set aside, missing files named, writers one at a time."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from labqa.core.errors import IntegrityError, StoreError
from labqa.core.provenance import sha256_of
from labqa.core.tables import Labs, shaped
from labqa.store import home as homes
from labqa.store.acceptance import accept
from labqa.store.chain import Kind
from labqa.store.durable import writing
from labqa.store.facts import FactStore, files_of
from labqa.store.ledger import Ledger
from labqa.store.sweep import start
from labqa.store.verification import verify_store

NOON = datetime(2018, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def facts(tmp_path):
    return FactStore(tmp_path / "home")


@pytest.fixture
def ledger(facts, tmp_path):
    """A ledger with one register accepted."""
    source = tmp_path / "labs.csv"
    source.write_bytes(b"labs")
    ledger = Ledger.at(facts.home)
    tables = {"labs": shaped(pl.DataFrame({"lab": ["L1"]}), Labs)}
    accept(facts, ledger, Kind.REGISTER, tables, NOON, source=source, sha256=sha256_of(b"labs"), programme=None, note={})
    return ledger


def leave_behind(facts):
    """What writes that were killed at each step leave."""
    (left,) = facts.accept({"labs": shaped(pl.DataFrame({"lab": ["L9"]}), Labs)})
    (facts.home / "tmp" / "unfinished").write_bytes(b"half")
    (facts.home / "tmp" / "run").mkdir()
    (facts.home / "raw" / "beef").write_bytes(b"raw")
    (facts.home / "runs" / "0123").mkdir()
    (facts.home / "runs" / "0123" / "summary.parquet").write_bytes(b"run")
    return {f"{left.sha256}.parquet", "beef", "0123"}


def stored(home):
    return {path for folder in ("facts", "raw", "runs", "tmp") for path in (home / folder).rglob("*")}


def test_leftovers_are_set_aside_and_accepted_files_stay(facts, ledger):
    before = stored(facts.home)
    left = leave_behind(facts)
    assert {path.name for path in start(facts.home, ledger)} == left
    assert stored(facts.home) == before
    assert {path.name for path in (facts.home / "swept").iterdir()} == left
    assert start(facts.home, ledger) == []
    leave_behind(facts)
    assert len(start(facts.home, ledger)) == 3  # again, over what was set aside before


def test_a_lost_ledger_costs_no_data(facts, ledger):
    files = {path.name for path in stored(facts.home)}
    (facts.home / "ledger.sqlite").unlink()
    start(facts.home, Ledger.at(facts.home))
    assert {path.name for path in (facts.home / "swept").iterdir()} == files


def test_an_accepted_file_that_is_gone_is_named(facts, ledger):
    (file,) = files_of(ledger.entries())
    facts.path(file).unlink()
    with pytest.raises(IntegrityError) as caught:
        start(facts.home, ledger)
    assert caught.value.message.values == {"path": f"facts/{file.sha256}.parquet", "count": 1}


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [('"sha256":"', '"sha256":"0', "store.files_missing"), ('"sha256"', '"sha257"', "store.entry_changed")],
)
def test_a_ledger_that_tells_of_other_files_moves_none(facts, ledger, before, after, key):
    files = stored(facts.home)
    with sqlite3.connect(facts.home / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER no_UPDATE")
        connection.execute("UPDATE entries SET payload = replace(payload, ?, ?)", (before, after))
    connection.close()
    with pytest.raises(IntegrityError) as caught:
        start(facts.home, ledger)
    assert caught.value.message.key == key
    assert stored(facts.home) == files
    named = {found.key: found.values.get("position") for found in verify_store(facts.home, ledger)}
    assert named["store.entry_changed"] == 1 and set(named) - {"store.entry_changed"} == {
        "store.ledger_unprotected",
        "store.ledger_file_changed",
    }


def test_nothing_is_swept_while_another_writes(facts, ledger):
    leave_behind(facts)
    with writing(facts.home):
        assert start(facts.home, ledger) == []
    assert len(start(facts.home, ledger)) == 3


def test_writers_take_turns(facts):
    order = []

    def second():
        with writing(facts.home):
            order.append("second")

    waiting = threading.Thread(target=second)
    with writing(facts.home):
        waiting.start()
        with pytest.raises(StoreError) as caught, writing(facts.home, patience=0.1):
            order.append("never")
        order.append("first")
    waiting.join()
    assert caught.value.message.key == "store.locked"
    assert order == ["first", "second"]


def test_user_data_live_where_told(monkeypatch, tmp_path):
    monkeypatch.setenv("LABQA_HOME", str(tmp_path / "from-environment"))
    assert homes.resolve(tmp_path / "given") == tmp_path / "given"
    assert homes.resolve() == tmp_path / "from-environment"
    assert homes.resolve(Path("~/labqa")) == Path.home() / "labqa"
    monkeypatch.delenv("LABQA_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert homes.resolve().name == "labqa" and homes.resolve().is_absolute()
    assert homes.resolve(Path("here")) == tmp_path / "here"


def test_a_home_keeps_to_the_ledger_it_was_filled_with(monkeypatch, tmp_path, postgres):
    own, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    Ledger.at(own).append("vote", {}, NOON)
    address = postgres.ledger()
    monkeypatch.setenv("LABQA_LEDGER", address)
    with pytest.raises(StoreError) as caught:
        Ledger.at(own)
    assert caught.value.message.key == "store.ledger_embedded"
    Ledger.at(elsewhere).append("vote", {}, NOON)
    assert Ledger.at(elsewhere).head() == Ledger(address).head()
    assert not (elsewhere / "ledger.sqlite").exists()
    monkeypatch.setenv("LABQA_LEDGER", postgres.ledger())
    with pytest.raises(StoreError) as caught:
        Ledger.at(elsewhere)
    assert caught.value.message.key == "store.ledger_other"
    monkeypatch.delenv("LABQA_LEDGER")
    with pytest.raises(StoreError) as caught:
        Ledger.at(elsewhere)
    assert caught.value.message.key == "store.ledger_elsewhere"


@pytest.mark.parametrize("address", ["mysql://u:secret@h/d", "nonsense", "postgresql+nodriver://u:secret@h/d"])
def test_an_address_that_cannot_be_used_is_a_sentence_without_its_password(monkeypatch, tmp_path, address):
    monkeypatch.setenv("LABQA_LEDGER", address)
    with pytest.raises(StoreError) as caught:
        Ledger.at(tmp_path / "home")
    assert caught.value.message.key == "store.no_such_database"
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_answer_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("LABQA_LEDGER", f"postgresql://user:secret@/ledger?host={tmp_path}")
    with pytest.raises(StoreError) as caught:
        Ledger.at(tmp_path / "home")
    assert caught.value.message.key == "store.ledger_failed"
    assert "secret" not in str(caught.value)
    monkeypatch.delenv("LABQA_LEDGER")
    assert Ledger.at(tmp_path / "home").head().entries == 0  # nothing was noted
