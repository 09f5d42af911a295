"""The ledger: one chain whatever the number of writers, and every kind of tampering found and named."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from labqa.core.errors import IntegrityError, StoreError
from labqa.core.provenance import canonical_json, sha256_of
from labqa.store.chain import GENESIS, Head, Kind, Row
from labqa.store.database import APPEND_ONLY
from labqa.store.ledger import Ledger

NOON = datetime(2018, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request, tmp_path):
    """A ledger on each of the databases; whatever is tested here holds on both."""
    if request.param == "sqlite":
        return Ledger.at(tmp_path)
    return Ledger(request.getfixturevalue("postgres").ledger())


def filled(ledger, count=5):
    for number in range(count):
        ledger.append(Kind.DELIVERY, {"programme": "national", "raw": f"{number:064x}", "n": number}, NOON)
    return ledger.head()


UNPROTECTED = {
    "sqlite": (["DROP TRIGGER no_UPDATE", "DROP TRIGGER no_DELETE"], APPEND_ONLY["sqlite"]),
    "postgresql": (["ALTER TABLE entries DISABLE TRIGGER no_change"], ["ALTER TABLE entries ENABLE TRIGGER no_change"]),
}


def tamper(ledger, *statements):
    """Carry out statements as who owns the database can: past its protection, which is put back afterwards."""
    engine = sa.create_engine(ledger.url, poolclass=sa.NullPool)
    removed, restored = UNPROTECTED[engine.dialect.name]
    with engine.begin() as connection:
        for statement in [*removed, *statements, *restored]:
            connection.exec_driver_sql(statement)
    if engine.dialect.name == "sqlite":  # whoever can write the file can remove its seal
        Path(f"{engine.url.database}.seal").unlink()


def findings(ledger, anchor=None):
    return [(found.key, found.values.get("position")) for found in ledger.verify(anchor)]


def test_each_entry_carries_the_hash_of_the_one_before(ledger):
    filled(ledger, 3)
    entries = ledger.entries()
    assert [entry.position for entry in entries] == [1, 2, 3]
    assert [entry.previous_hash for entry in entries] == [GENESIS, entries[0].hash, entries[1].hash]
    assert ledger.head() == (3, entries[2].hash)
    assert ledger.verify(ledger.head()) == []


def test_an_empty_ledger_is_sound(ledger):
    assert ledger.head() == Head(0, GENESIS)
    assert ledger.data_version() == 0
    assert ledger.verify(Head(0, GENESIS)) == []


def test_the_data_version_moves_with_facts_only(ledger):
    filled(ledger, 2)
    ledger.append(Kind.RUN, {"run": "a"}, NOON)
    ledger.append("vote", {"for": 1}, NOON)
    assert ledger.data_version() == 2
    ledger.append(Kind.REGISTER, {"programme": None}, NOON)
    assert ledger.data_version() == 5
    ledger.append(Kind.CORRECTION, {"programme": "national"}, NOON)
    assert ledger.data_version() == 6


def test_entries_are_chosen_by_kind_programme_and_position(ledger):
    ledger.append(Kind.DELIVERY, {"programme": "usgs", "raw": "a"}, NOON)
    ledger.append(Kind.DELIVERY, {"programme": "national", "raw": "a"}, NOON)
    ledger.append(Kind.REGISTER, {"programme": None}, NOON)
    positions = [entry.position for entry in ledger.entries(programme="national")]
    assert positions == [2, 3]
    assert [entry.position for entry in ledger.entries([Kind.DELIVERY])] == [1, 2]
    assert [entry.position for entry in ledger.entries(until=1)] == [1]


def test_a_file_is_accepted_once_in_a_programme(ledger):
    first = ledger.append(Kind.DELIVERY, {"programme": "national", "raw": "f" * 64, "name": "a.xlsx"}, NOON)
    again = ledger.append(Kind.DELIVERY, {"programme": "national", "raw": "f" * 64, "name": "renamed.xlsx"}, NOON)
    assert again == first and again.repeated and not first.repeated
    assert ledger.delivery("f" * 64, "national") == first
    assert ledger.delivery("f" * 64, "usgs") is None
    assert not ledger.append(Kind.DELIVERY, {"programme": "usgs", "raw": "f" * 64}, NOON).repeated
    assert ledger.head().entries == 2


def test_a_register_may_return_to_what_it_was(ledger):
    for raw in ("a", "b", "a"):
        ledger.append(Kind.REGISTER, {"programme": None, "raw": raw}, NOON)
    assert [entry.payload["raw"] for entry in ledger.entries()] == ["a", "b", "a"]


def test_facts_that_came_in_meanwhile_stop_an_acceptance(ledger):
    filled(ledger, 1)
    with pytest.raises(StoreError) as caught:
        ledger.append(Kind.DELIVERY, {"programme": "national", "raw": "b"}, NOON, known_version=0)
    assert caught.value.message.key == "store.facts_moved_on"
    assert ledger.append(Kind.DELIVERY, {"programme": "national", "raw": "b"}, NOON, known_version=1).position == 2


def test_many_threads_make_one_chain_and_one_acceptance(ledger):
    receipts = []

    def work(thread):
        own = Ledger(ledger.url)
        for number in range(6):
            own.append("vote", {"thread": thread, "number": number}, NOON)
        receipts.append(own.append(Kind.DELIVERY, {"programme": "national", "raw": "same"}, NOON))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.head().entries == 6 * 6 + 1
    assert ledger.verify() == []
    assert len({receipt.position for receipt in receipts}) == 1
    assert sorted(receipt.repeated for receipt in receipts) == [False] + [True] * 5


def test_the_database_refuses_to_change_or_delete_an_entry(ledger):
    filled(ledger, 2)
    engine = sa.create_engine(ledger.url, poolclass=sa.NullPool)
    statements = ["UPDATE entries SET payload = '{}'", "DELETE FROM entries"]
    for statement in statements + ["TRUNCATE entries"] * (engine.dialect.name == "postgresql"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert ledger.head().entries == 2
    assert findings(ledger) == []


def test_a_database_that_no_longer_refuses_is_named(ledger):
    anchor = filled(ledger, 2)
    engine = sa.create_engine(ledger.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(UNPROTECTED[engine.dialect.name][0][0])
    assert ("store.ledger_unprotected", None) in findings(ledger, anchor)


@pytest.mark.parametrize("column", ["kind", "payload", "recorded_at", "once", "hash"])
def test_a_changed_column_is_named_by_its_entry(ledger, column):
    filled(ledger)
    tamper(ledger, f"UPDATE entries SET {column} = {column} || ' ' WHERE position = 3")
    assert findings(ledger) == [("store.entry_changed", 3)]


def test_a_changed_previous_hash_is_named_by_its_entry(ledger):
    filled(ledger)
    tamper(ledger, "UPDATE entries SET previous_hash = 'x' WHERE position = 3")
    assert findings(ledger) == [("store.entry_misplaced", 3)]


def test_a_deleted_entry_is_named(ledger):
    filled(ledger)
    tamper(ledger, "DELETE FROM entries WHERE position = 2")
    assert findings(ledger) == [("store.entry_missing", 2)]


def test_a_deleted_entry_whose_gap_was_closed_is_named(ledger):
    filled(ledger)
    tamper(ledger, "DELETE FROM entries WHERE position = 2", "UPDATE entries SET position = position - 1 WHERE position > 2")
    assert findings(ledger) == [("store.entry_misplaced", 2)]


def test_an_inserted_entry_is_named(ledger):
    filled(ledger)
    columns = "kind, payload, recorded_at, once || 'x', 'y', 'z' FROM entries WHERE position = 2"
    tamper(
        ledger,
        "UPDATE entries SET position = position + 100 WHERE position > 2",
        f"INSERT INTO entries SELECT 3, {columns}",
        "UPDATE entries SET position = position - 99 WHERE position > 100",
    )
    assert findings(ledger) == [("store.entry_misplaced", 3)]


def test_exchanged_entries_are_named(ledger):
    filled(ledger)
    tamper(
        ledger,
        "UPDATE entries SET position = 99 WHERE position = 2",
        "UPDATE entries SET position = 2 WHERE position = 4",
        "UPDATE entries SET position = 4 WHERE position = 99",
    )
    assert findings(ledger) == [("store.entry_misplaced", 2)]


def test_a_cut_off_tail_shows_against_an_anchor_only(ledger):
    anchor = filled(ledger)
    tamper(ledger, "DELETE FROM entries WHERE position > 3")
    assert findings(ledger) == []
    assert findings(ledger, anchor) == [("store.ledger_cut_off", None)]


def test_a_chain_computed_again_shows_against_an_anchor_only(ledger):
    """Every entry changed, and all hashes after it made to fit, as whoever knows how they are made can do."""
    anchor = filled(ledger, 3)
    previous, forged = GENESIS, []
    for entry in ledger.entries():
        payload = canonical_json({**entry.payload, "n": 7})
        told = canonical_json([entry.position, entry.kind, payload, entry.recorded_at, previous])
        found = sha256_of(told.encode())
        forged.append(
            f"UPDATE entries SET payload = '{payload}', previous_hash = '{previous}', hash = '{found}'"
            f" WHERE position = {entry.position}"
        )
        previous = found
    tamper(ledger, *forged)
    assert ledger.entries()[0].payload["n"] == 7
    assert findings(ledger) == []
    assert findings(ledger, anchor) == [("store.anchor_differs", 3)]


def test_a_fork_shows_against_an_anchor_only(ledger):
    """Two histories from one: the tail is cut off and the ledger goes on otherwise, to the same length and beyond."""
    anchor = filled(ledger)
    tamper(ledger, "DELETE FROM entries WHERE position > 3")
    for number in range(3):
        ledger.append(Kind.DELIVERY, {"programme": "national", "raw": f"{number + 9:064x}"}, NOON)
    assert findings(ledger) == []
    assert findings(ledger, anchor) == [("store.anchor_differs", 5)]


def test_a_second_entry_after_the_same_one_is_refused(ledger):
    filled(ledger)
    engine = sa.create_engine(ledger.url, poolclass=sa.NullPool)
    branch = "INSERT INTO entries SELECT 6, kind, payload, recorded_at, once || 'x', previous_hash, 'x' FROM entries"
    with pytest.raises(sa.exc.IntegrityError, match="previous_hash"), engine.begin() as connection:
        connection.exec_driver_sql(f"{branch} WHERE position = 5")


def test_a_second_entry_after_the_same_one_is_named_where_the_refusal_was_removed(ledger):
    filled(ledger)
    engine = sa.create_engine(ledger.url, poolclass=sa.NullPool)
    branch = "INSERT INTO other SELECT 6, kind, payload, recorded_at, once || 'x', previous_hash, 'x' FROM other"
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE other AS SELECT * FROM entries",
            f"{branch} WHERE position = 5",
            "DROP TABLE entries",
            "ALTER TABLE other RENAME TO entries",
        ):
            connection.exec_driver_sql(statement)
    found = findings(ledger)
    assert ("store.ledger_unprotected", None) in found and ("store.entry_misplaced", 6) in found


WRITER = """
import sys
from datetime import UTC, datetime
from labqa.store.ledger import Ledger
ledger = Ledger(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    print(ledger.append("vote", {"writer": sys.argv[2], "number": number}, datetime(2018, 5, 1, tzinfo=UTC)).position)
"""


def test_eight_processes_make_one_chain(ledger):
    """Each entry of each of them stands once, in the order in which its writer wrote, and no two follow the same one."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, ledger.url, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(8)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = {number: list(map(int, writer.communicate()[0].split())) for number, writer in enumerate(writers)}
    assert sorted(position for positions in told.values() for position in positions) == list(range(1, 201))
    entries = {entry.position: entry.payload for entry in ledger.entries()}
    for number, positions in told.items():
        expected = [{"number": k, "writer": str(number)} for k in range(25)]
        assert [entries[position] for position in positions] == expected
    assert len({entry.previous_hash for entry in ledger.entries()}) == 200
    assert findings(ledger, ledger.head()) == []


def test_an_anchor_holds_while_the_ledger_grows(ledger):
    anchor = filled(ledger, 2)
    ledger.append("vote", {}, NOON)
    assert findings(ledger, anchor) == []


def test_a_byte_flipped_in_the_database_file_is_named(tmp_path):
    ledger = Ledger.at(tmp_path)
    filled(ledger, 4)
    path = tmp_path / "ledger.sqlite"
    whole = bytearray(path.read_bytes())
    place = whole.index(canonical_json(ledger.entries()[2].payload).encode())
    whole[place + 3] ^= 0x80  # no longer valid UTF-8
    path.write_bytes(whole)
    assert ("store.entry_changed", 3) in findings(ledger)


def test_a_file_that_is_no_database_is_a_sentence(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(IntegrityError) as caught:
        Ledger.at(tmp_path)
    assert caught.value.message.key == "store.ledger_damaged"


def test_the_seal_is_of_the_last_entry_and_shows_what_no_entry_holds(tmp_path):
    ledger = Ledger.at(tmp_path)
    filled(ledger, 3)
    path, seal = tmp_path / "ledger.sqlite", tmp_path / "ledger.sqlite.seal"
    whole = path.read_bytes()
    assert json.loads(seal.read_text())["hash"] == ledger.head().hash
    changed = bytearray(whole)
    changed[80] ^= 1  # reserved by SQLite's file format, and never read
    path.write_bytes(changed)
    assert findings(ledger) == [("store.ledger_file_changed", None)]
    path.write_bytes(whole + b"\0")
    assert findings(ledger) == [("store.ledger_file_changed", None)]
    path.write_bytes(whole)
    assert findings(ledger) == []
    seal.write_text(seal.read_text().replace('"entries":3', '"entries":2'))
    assert findings(ledger) == [("store.seal_changed", None)]


def test_a_seal_that_a_kill_left_behind_is_no_finding_and_is_renewed(tmp_path):
    ledger = Ledger.at(tmp_path)
    filled(ledger, 2)
    seal = tmp_path / "ledger.sqlite.seal"
    before = seal.read_text()
    ledger.append("vote", {}, NOON)
    seal.write_text(before)
    assert findings(ledger, ledger.head()) == []
    ledger.seal()
    assert json.loads(seal.read_text())["entries"] == 3
    seal.unlink()
    assert findings(ledger, ledger.head()) == []


def test_a_cut_off_tail_shows_against_the_seal_too(tmp_path):
    ledger = Ledger.at(tmp_path)
    filled(ledger)
    seal = (tmp_path / "ledger.sqlite.seal").read_text()
    tamper(ledger, "DELETE FROM entries WHERE position > 3")
    (tmp_path / "ledger.sqlite.seal").write_text(seal)
    assert findings(ledger) == [("store.seal_changed", None)]


def test_a_large_ledger_is_sealed_as_it_grows_by_hundredths_and_when_its_process_ends(tmp_path):
    ledger = Ledger.at(tmp_path)
    ledger.refill(registers(1000))
    seal = tmp_path / "ledger.sqlite.seal"
    sealed = []
    for _ in range(25):
        ledger.append("vote", {}, NOON)
        sealed.append(json.loads(seal.read_text())["entries"])
    assert sealed == [1000] * 10 + [1011] * 11 + [1022] * 4
    code = "import sys; from pathlib import Path; from labqa.store.ledger import Ledger; from datetime import datetime, UTC;"
    code += "Ledger.at(Path(sys.argv[1])).append('vote', {}, datetime.now(UTC))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert json.loads(seal.read_text())["entries"] == 1026
    changed = bytearray((tmp_path / "ledger.sqlite").read_bytes())
    changed[80] ^= 1
    (tmp_path / "ledger.sqlite").write_bytes(changed)
    assert findings(ledger) == [("store.ledger_file_changed", None)]


def registers(count):
    rows, head = [], Head(0, GENESIS)
    for _ in range(count):
        rows.append(Row.following(head, Kind.REGISTER, {}, "2018-05-01T12:00:00+00:00"))
        head = rows[-1].head()
    return rows


@contextmanager
def asked():
    """The statements that databases are asked, each with the rows that it gives back or changes."""
    statements = []

    def after(connection, cursor, statement, *_):
        statements.append((statement, max(cursor.rowcount, 0)))

    sa.event.listen(sa.Engine, "after_cursor_execute", after)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", after)


@pytest.mark.parametrize("entries", [10, 1000])
def test_an_append_asks_the_same_of_a_small_and_a_large_ledger(ledger, entries):
    ledger.refill(registers(entries))
    version = ledger.data_version()
    with asked() as statements:
        ledger.append("vote", {}, NOON, known_version=version)
    assert 4 <= len(statements) <= 12
    assert sum(rows for _, rows in statements) <= 8  # SQLite does not say how many it gave back: see its steps below


def test_an_append_takes_as_many_steps_in_a_small_and_a_large_ledger(tmp_path):
    small, large = (steps(tmp_path / str(entries), entries) for entries in (200, 4000))
    assert small > 100 and large < small + 50


def steps(home, entries):
    """Instructions of SQLite's machine for an append to a ledger of so many entries, which is not sealed yet."""
    ledger = Ledger.at(home)
    ledger.refill(registers(entries))
    counted = []

    def connected(connection, _record):
        connection.set_progress_handler(lambda: counted.append(1) and None, 1)

    sa.event.listen(sa.pool.Pool, "connect", connected)
    try:
        ledger.append(Kind.REGISTER, {}, NOON, known_version=ledger.data_version())
    finally:
        sa.event.remove(sa.pool.Pool, "connect", connected)
    return len(counted)


def test_the_hash_is_over_everything_an_entry_says(ledger):
    entry = ledger.append("vote", {"for": "甲"}, NOON)
    told = '[1,"vote","{\\"for\\":\\"甲\\"}","2018-05-01T12:00:00+00:00","' + GENESIS + '"]'
    assert entry.hash == sha256_of(told.encode())


def test_refused_rows_of_a_file_are_judged_again_once_each_time(ledger):
    told = {"programme": "national", "raw": "f" * 64}
    first = ledger.append(Kind.DELIVERY, told, NOON)
    second = ledger.append(Kind.DELIVERY, told | {"again": first.position}, NOON)
    assert not second.repeated and ledger.delivery("f" * 64, "national") == second
    assert ledger.append(Kind.DELIVERY, told | {"again": first.position}, NOON).repeated
    third = ledger.append(Kind.DELIVERY, told | {"again": second.position}, NOON)
    assert ledger.delivery("f" * 64, "national") == third and ledger.verify() == []
