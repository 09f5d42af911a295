"""Backed up while others write, wiped, restored, verified: everything is there; what came in since a backup is told."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from labqa.core.errors import IntegrityError, StoreError, UsageError
from labqa.core.provenance import Manifest, canonical_json, sha256_of
from labqa.core.tables import Flags, Summary, empty
from labqa.service import custody, evaluations, intake
from labqa.service.wiring import now, open_platform
from labqa.store import backup as backups
from labqa.store.chain import GENESIS, Head, Row
from labqa.store.points import VARIABLE
from tests import parcels
from tests.commands import labqa
from tests.parcels import Parcels


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Parcels:
    return parcels.made(tmp_path_factory.mktemp("sent"), samples=45)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the next home that is opened has its ledger; a home restored elsewhere gets one of its own."""
    if request.param == "sqlite":
        return []
    postgres = request.getfixturevalue("postgres")
    addresses = [postgres.ledger() for _ in range(8)]
    monkeypatch.setenv("LABQA_LEDGER", addresses[-1])
    return addresses


def elsewhere(databases: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if databases:
        databases.pop()
        monkeypatch.setenv("LABQA_LEDGER", databases[-1])


WRITER = """
import sys
from pathlib import Path
from labqa.service import intake
from labqa.service.wiring import open_platform
platform = open_platform(Path(sys.argv[1]))
print("ready", flush=True)
for file in sys.argv[2:]:
    receipt = intake.ingest(platform, Path(file), profile="template")
    print(receipt.position, flush=True)
"""


def rows_of(files: list[Path], sent: Parcels) -> Counter[tuple[str, ...]]:
    return replace(sent, files=tuple(files)).rows()


def test_backups_taken_under_write_load_are_each_a_whole_state(
    tmp_path: Path, sent: Parcels, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each restored backup holds exactly the deliveries up to its head, and the last one everything after a wipe."""
    home = tmp_path / "home"
    platform = open_platform(home)
    for kind in parcels.REGISTERS:
        intake.register(platform, kind, sent.registers / f"{kind}.csv", programme="national")
    (tmp_path / "backups").mkdir()
    command = [sys.executable, "-c", WRITER, str(home), *map(str, sent.files)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    taken = []
    while writer.poll() is None:
        before = platform.ledger.head().entries
        try:
            path, _ = custody.backup(platform, tmp_path / "backups")
        except UsageError:  # nothing came in since the last one
            continue
        taken.append((before, path, platform.ledger.head().entries))
    assert writer.returncode == 0
    assert len({path for _, path, _ in taken}) >= 4
    platform.runs.write(Manifest("national", "2014", 7, "cn-2012-26", "e", ("2014",)), {"summary": empty(Summary)}, now())
    last, anchor = custody.backup(platform, tmp_path / "last.tar")
    shutil.rmtree(home)
    for before, path, after in taken[:: max(len(taken) // 3, 1)]:
        elsewhere(databases, monkeypatch)
        restored = open_platform(tmp_path / path.stem)
        entries, _, _ = custody.restore(restored, path).partition(":")
        assert before <= int(entries) <= after
        assert parcels.kept(restored) == rows_of(list(sent.files[: int(entries) - 4]), sent)
        assert evaluations.verify(restored) == []
    elsewhere(databases, monkeypatch)
    restored = open_platform(home)
    assert custody.restore(restored, last) == anchor
    assert parcels.kept(home) == sent.rows()
    assert evaluations.verify(open_platform(home), anchor=anchor) == []
    assert [info.manifest.period for info in restored.runs.runs()] == ["2014"]
    assert custody.backup(open_platform(home), tmp_path / "again.tar")[1] == anchor
    assert (tmp_path / "again.tar").read_bytes() == last.read_bytes()


@pytest.fixture
def home(tmp_path: Path, sent: Parcels) -> Path:
    """A home with its registers and two deliveries."""
    platform = open_platform(tmp_path / "home")
    for kind in parcels.REGISTERS:
        intake.register(platform, kind, sent.registers / f"{kind}.csv", programme="national")
    for file in sent.files[:2]:
        intake.ingest(platform, file, profile="template")
    return tmp_path / "home"


def test_yesterdays_backup_against_a_newer_anchor_tells_what_is_missing(home: Path, tmp_path: Path, sent: Parcels) -> None:
    yesterday = labqa(home, "backup", str(tmp_path / "yesterday.tar"))
    assert yesterday.returncode == 0, yesterday.stderr
    for file in sent.files[2:4]:
        intake.ingest(open_platform(home), file, profile="template")
    today = labqa(home, "ledger", "anchor").stdout.strip()
    assert today.startswith("8:") and yesterday.stdout.rsplit(" ", 1)[1].startswith("6:")
    home.rename(tmp_path / "lost")
    restored = labqa(home, "restore", str(tmp_path / "yesterday.tar"))
    assert restored.returncode == 0, restored.stderr
    assert labqa(home, "verify").returncode == 0
    for words in (("verify",), ("ledger", "verify")):
        told = labqa(home, *words, "--anchor", today)
        assert told.returncode == 5
        assert "the anchor counts 8 entries, 6 are there" in told.stderr and "entries 7 to 8" in told.stderr
    for file in sent.files[2:4]:  # delivered again, the rows are there; the ledger is another one, and says so
        assert labqa(home, "ingest", str(file)).returncode == parcels.IN_PART
    assert parcels.kept(home) == rows_of(list(sent.files[:4]), sent)
    assert "Ledger entry 8 is not the one the anchor names" in labqa(home, "ledger", "verify", "--anchor", today).stderr


def test_the_ledger_is_shown_checked_and_anchored(home: Path, sent: Parcels) -> None:
    lines = labqa(home, "ledger", "show").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert sent.files[1].name in lines[-1] and "delivery" in lines[-1] and "national" in lines[-1]
    assert len(labqa(home, "ledger", "show", "--last", "1").stdout.splitlines()) == 1
    anchor = labqa(home, "ledger", "anchor").stdout.strip()
    assert anchor.split(":")[1][:12] in lines[-1]
    verified = labqa(home, "ledger", "verify", "--anchor", anchor)
    assert verified.returncode == 0 and anchor in verified.stdout
    short = anchor[: len("6:") + 16]
    assert labqa(home, "ledger", "verify", "--anchor", short).returncode == 0
    assert labqa(home, "ledger", "verify", "--anchor", f"{short[:-1]}{'0' if short[-1] != '0' else '1'}").returncode == 5
    for wrong in ("six", "6", f"6:{'a' * 15}", f"6:{'g' * 16}"):
        assert labqa(home, "ledger", "verify", "--anchor", wrong).returncode == 2


def test_a_damaged_home_makes_no_backup(home: Path, tmp_path: Path) -> None:
    fact = next((home / "facts").iterdir())
    whole = fact.read_bytes()
    fact.write_bytes(whole[:-1] + b"x")
    with pytest.raises(IntegrityError, match=fact.name):
        custody.backup(open_platform(home), tmp_path / "backup.tar")
    platform = open_platform(home)
    fact.unlink()
    with pytest.raises(IntegrityError, match=fact.name):
        custody.backup(platform, tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_a_backup_takes_no_place_and_a_restoration_needs_an_empty_home(home: Path, tmp_path: Path) -> None:
    platform = open_platform(home)
    path, _ = custody.backup(platform, tmp_path / "backup.tar")
    whole = path.read_bytes()
    with pytest.raises(UsageError):
        custody.backup(platform, path)
    with pytest.raises(UsageError):
        custody.restore(platform, path)
    assert path.read_bytes() == whole
    assert evaluations.verify(platform) == []


def test_a_damaged_backup_restores_nothing(home: Path, tmp_path: Path) -> None:
    path, anchor = custody.backup(open_platform(home), tmp_path / "backup.tar")
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        starts = {member.name: member.offset_data for member in tar}
    empty_home = tmp_path / "other"
    changes = {name: bytearray(whole) for name in starts}
    for name, start in starts.items():
        changes[name][start + 7] ^= 1
    cut = [whole[: len(whole) // 3], whole[: starts["ledger.jsonl"] + 10], b"", b"no tar at all" * 100]
    for content in [*changes.values(), *cut]:
        path.write_bytes(content)
        with pytest.raises(IntegrityError):
            custody.restore(open_platform(empty_home), path)
        assert open_platform(empty_home).ledger.head().entries == 0
    path.write_bytes(whole)
    assert custody.restore(open_platform(empty_home), path) == anchor
    assert parcels.kept(empty_home) == parcels.kept(home)


def test_a_backup_with_a_strange_member_writes_nothing_outside(home: Path, tmp_path: Path) -> None:
    path, _ = custody.backup(open_platform(home), tmp_path / "backup.tar")
    (tmp_path / "strange").write_text("strange")
    with tarfile.open(path, "a") as tar:
        tar.add(tmp_path / "strange", "../outside")
        tar.add(tmp_path / "strange", "facts/strange.parquet")
    other = open_platform(tmp_path / "deep" / "other")
    custody.restore(other, path)
    assert not (tmp_path / "deep" / "outside").exists()
    assert evaluations.verify(other) == []
    assert not (other.home / "facts" / "strange.parquet").exists()


def test_a_forged_backup_writes_nothing_outside(tmp_path: Path) -> None:
    """Its chain is whole, but an entry names a file outside of the home."""
    content = b"planted"
    tables = {"flags": {"rows": 1, "file_sha256": sha256_of(content), "content_sha256": ""}}
    told = {"run": "../../planted", "programme": "national", "inputs": {}, "tables": tables}
    row = Row.following(Head(0, GENESIS), "run", told, "2018-05-01T12:00:00+00:00")
    members = {
        "ledger.jsonl": f"{canonical_json(list(row))}\n".encode(),
        "runs/../../planted/manifest.json": canonical_json(told).encode(),
        "runs/../../planted/flags.parquet": content,
    }
    with tarfile.open(tmp_path / "forged.tar", "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    home = tmp_path / "deep" / "home"
    with pytest.raises(IntegrityError, match=r"planted"):
        custody.restore(open_platform(home), tmp_path / "forged.tar")
    assert not list(tmp_path.rglob("planted*")) and open_platform(home).ledger.head().entries == 0


@pytest.mark.parametrize("point", ["file_copied", "file_synced", "file_renamed", "entry_inserted", "entry_committed"])
def test_a_restoration_killed_at_a_named_point_is_begun_again(home: Path, tmp_path: Path, point: str) -> None:
    path, anchor = custody.backup(open_platform(home), tmp_path / "backup.tar")
    script = """
import sys
from pathlib import Path
from labqa.service import custody
from labqa.service.wiring import open_platform
custody.restore(open_platform(Path(sys.argv[1])), Path(sys.argv[2]))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "other"), str(path)]
    killed = subprocess.run(command, env=os.environ | {VARIABLE: f"{point}:kill"}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    other = open_platform(tmp_path / "other")
    if point != "entry_committed":
        assert other.ledger.head().entries == 0
        assert custody.restore(other, path) == anchor
    assert parcels.kept(other) == parcels.kept(home)
    assert evaluations.verify(open_platform(tmp_path / "other"), anchor=anchor) == []


def test_a_killed_backup_has_no_name_and_is_taken_again(home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "labqa.cli", "backup", str(tmp_path / "backup.tar"), "--home", str(home)]
    killed = subprocess.run(command, env=os.environ | {VARIABLE: "backup_written:kill"}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "backup.tar").exists()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup.tar"]


@pytest.mark.parametrize("how", ["full", "broken"])
def test_a_disk_that_fails_leaves_no_half_a_backup(
    home: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = open_platform(home)
    monkeypatch.setenv(VARIABLE, f"backup_written:{how}")
    with pytest.raises(StoreError):
        custody.backup(platform, tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []
    monkeypatch.setenv(VARIABLE, f"file_copied:{how}")
    with pytest.raises(StoreError):
        custody.backup(platform, tmp_path / "missing" / "backup.tar")


def test_a_ledger_moves_to_another_database_by_backup_and_restoration(
    home: Path, tmp_path: Path, postgres: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, anchor = custody.backup(open_platform(home), tmp_path / "backup.tar")
    before = parcels.kept(home)
    monkeypatch.setenv("LABQA_LEDGER", postgres.ledger())  # type: ignore[attr-defined]
    moved = open_platform(tmp_path / "moved")
    assert custody.restore(moved, path) == anchor
    assert parcels.kept(moved) == before
    moved.runs.write(Manifest("national", "2014", 6, "cn-2012-26", "e", ("2014",)), {"flags": empty(Flags)}, now())
    assert evaluations.verify(moved, anchor=anchor) == []


def test_a_home_that_is_not_there_is_not_called_whole(tmp_path: Path) -> None:
    for words in (("verify",), ("ledger", "verify")):
        told = labqa(tmp_path / "mistyped", *words)
        assert told.returncode == 2 and "mistyped" in told.stderr and not told.stdout
    assert not (tmp_path / "mistyped").exists()


AT_ONCE = """
import sys
from pathlib import Path
from labqa.core.errors import LabQAError
from labqa.service import custody
from labqa.service.wiring import open_platform
platform = open_platform(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    print(custody.backup(platform, Path(sys.argv[2]))[1])
except LabQAError as error:
    print(error.message.key)
"""


def test_two_backups_to_one_path_at_once_are_one_whole_file(tmp_path: Path, sent: Parcels) -> None:
    home, target = tmp_path / "home", tmp_path / "backup.tar"
    platform = open_platform(home)
    for file in sent.files:
        intake.ingest(platform, file, profile="template")
    command = [sys.executable, "-c", AT_ONCE, str(home), str(target)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(process.communicate()[0].strip() for process in both)
    assert answers == [custody.anchor(platform), "store.backup_there"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup.tar"]
    assert custody.restore(open_platform(tmp_path / "restored"), target) == custody.anchor(platform)


@pytest.mark.parametrize("links", [True, False])
def test_a_backup_that_another_overtook_takes_nobodys_place(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a file system without hard links, such as a memory stick's."""

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", refused)
    target = tmp_path / "backup.tar"
    with pytest.raises(UsageError) as caught, backups._new(target) as slow:
        slow.write_text("slow")
        with backups._new(target) as fast:
            fast.write_text("fast")
    assert caught.value.message.key == "store.backup_there"
    assert target.read_text() == "fast" and list(tmp_path.iterdir()) == [target]


def test_a_backup_that_another_takes_for_a_killed_one_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the making of its file and the lock on it, which no lock can help."""
    target, lock, others = tmp_path / "backup.tar", fcntl.flock, []

    def late(held: IO[bytes], how: int) -> None:
        if not others:
            others.append(target)
            backups._forget_killed(target)
        lock(held, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with backups._new(target) as part:
        assert part.exists()
        part.write_text("whole")
    assert target.read_text() == "whole" and list(tmp_path.iterdir()) == [target]
