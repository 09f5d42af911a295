"""Killed at any moment, out of space, refused by the disk: nothing is lost, nothing is there twice, and the work resumes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from labqa.core.errors import LabQAError
from labqa.core.tables import Summary, empty
from labqa.service import intake
from labqa.service.wiring import now, open_platform
from labqa.store.points import POINTS, VARIABLE
from labqa.store.verification import verify_store
from tests import parcels
from tests.interrupted import RUN, in_pieces, work
from tests.parcels import Parcels

AFTERWARDS = ("entry_committed", "seal_written", "backup_written", "sweep_begun", "left_over_moved")
"""Points at which nothing is to be accepted any more, or not yet."""
PASSED = [point for point in POINTS if point != "backup_written"]
"""Points that the work passes; a backup's is tried where backups are."""


def started(home: Path, sent: Parcels, **environment: str) -> subprocess.Popen[str]:
    """A process that does the work once it is told to go."""
    command = [sys.executable, "-m", "tests.interrupted", *map(str, [home, sent.registers, *sent.files])]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def leftovers(home: Path) -> list[str]:
    """What lies about in a home without an entry."""
    platform = open_platform(home)
    assert verify_store(home, platform.ledger, platform.ledger.head()) == []
    return [path.name for path in (home / "tmp").iterdir()]


def assert_all_there(home: Path, sent: Parcels) -> None:
    assert parcels.kept(home) == sent.rows()
    assert leftovers(home) == []
    assert [info.run_id for info in open_platform(home).runs.runs()] == [RUN.run_id]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Parcels:
    return parcels.made(tmp_path_factory.mktemp("sent"))


@pytest.fixture(scope="module")
def some(sent: Parcels) -> Parcels:
    """So many files that kills fall into different ones."""
    return replace(sent, files=sent.files[:8])


@pytest.fixture(scope="module")
def few(sent: Parcels) -> Parcels:
    return replace(sent, files=sent.files[:2])


def kept_on(database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let homes have their ledger on this database."""
    if database == "postgresql":
        monkeypatch.setenv("LABQA_LEDGER", request.getfixturevalue("postgres").ledger())


@pytest.mark.parametrize(
    ("point", "database"),
    [
        *((point, "sqlite") for point in PASSED),
        *((point, "postgresql") for point in PASSED if point != "seal_written"),  # it keeps checksums of its own
    ],
)
def test_a_kill_at_any_named_point_loses_nothing(
    tmp_path: Path,
    few: Parcels,
    point: str,
    database: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept_on(database, request, monkeypatch)
    home = tmp_path / "home"
    if point == "left_over_moved":  # only where there is something left over
        open_platform(home)
        for name in ("one", "two"):
            (home / "facts" / name).write_text("left over")
    process = started(home, few, **{VARIABLE: f"{point}:kill"})
    assert process.communicate("go\n")[1] == ""
    assert process.returncode == -signal.SIGKILL
    work(home, few)
    assert_all_there(home, few)


def kill_at_random(folder: Path, sent: Parcels, kills: int, chance: random.Random, new_ledger: Callable[[], None]) -> None:
    """Do the work over and over, killed at a random moment each time, until it was killed so often; some homes in between are
    finished without a kill and looked at. `new_ledger` is called before each home."""
    killed, homes, heads = 0, 0, set()
    new_ledger()
    process = started(folder / "whole", sent)
    begun = time.monotonic()
    go(process)
    process.communicate()
    whole = time.monotonic() - begun  # on this machine, as busy as it is
    new_ledger()
    while killed < kills:
        home = folder / str(homes)
        process = started(home, sent)
        go(process)
        time.sleep(chance.uniform(0.0, whole))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        heads.add(open_platform(home).ledger.head().entries)
        if process.returncode == 0 or chance.random() < 0.25:
            work(home, sent)
            assert_all_there(home, sent)
            homes += 1
            new_ledger()
    work(folder / str(homes), sent)
    assert_all_there(folder / str(homes), sent)
    assert len(heads) >= 5  # the kills fell into different parts of the work


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_twenty_kills_at_random_moments_lose_nothing(
    tmp_path: Path, some: Parcels, database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at_random(tmp_path, some, 20, random.Random(20), lambda: kept_on(database, request, monkeypatch))


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_fifty_kills_at_random_moments_lose_nothing(
    tmp_path: Path, sent: Parcels, database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at_random(tmp_path, sent, 50, random.Random(50), lambda: kept_on(database, request, monkeypatch))


@pytest.mark.parametrize("how", ["full", "broken"])
@pytest.mark.parametrize("point", [point for point in POINTS if point not in AFTERWARDS])
def test_a_disk_that_fails_at_any_named_point_is_a_sentence(
    tmp_path: Path, few: Parcels, point: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = work(tmp_path / "home", replace(few, files=few.files[:1]))
    before = parcels.kept(platform)
    monkeypatch.setenv(VARIABLE, f"{point}:{how}")
    with pytest.raises(LabQAError) as caught:
        if point == "run_begun":
            platform.runs.write(replace(RUN, seed=1), {"summary": empty(Summary)}, now())
        else:
            intake.ingest(platform, few.files[1], profile="template")
    assert caught.value.exit_code == 6
    assert {"full": "no space is left", "broken": "the disk failed"}[how] in str(caught.value)
    assert parcels.kept(platform) == before  # old data stay readable, in this process and in a new one
    assert parcels.kept(tmp_path / "home") == before
    monkeypatch.delenv(VARIABLE)
    assert list((tmp_path / "home" / "tmp").iterdir()) == []
    work(tmp_path / "home", few)
    assert_all_there(tmp_path / "home", few)


def test_a_seal_that_finds_no_room_does_not_undo_an_acceptance(
    tmp_path: Path, few: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "seal_written:full")
    work(tmp_path / "home", few)
    monkeypatch.delenv(VARIABLE)
    assert not (tmp_path / "home" / "ledger.sqlite.seal").exists()
    assert_all_there(tmp_path / "home", few)
    assert (tmp_path / "home" / "ledger.sqlite.seal").exists()  # the next start-up sealed it


@pytest.mark.parametrize("point", ["sweep_begun", "left_over_moved"])
def test_a_sweep_that_fails_keeps_nobody_from_reading(
    tmp_path: Path, few: Parcels, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(tmp_path / "home", few)
    (tmp_path / "home" / "facts" / "left").write_text("left over")
    monkeypatch.setenv(VARIABLE, f"{point}:full")
    assert parcels.kept(tmp_path / "home") == few.rows()


def labqa(home: Path, *words: str, language: str = "en", **options: object) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own."""
    environment = {**os.environ, "LABQA_HOME": str(home), "LABQA_LANG": language}
    command = [sys.executable, "-m", "labqa.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_six_processes_with_the_same_fifteen_files_accept_each_once(
    tmp_path: Path, sent: Parcels, database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_on(database, request, monkeypatch)
    home = tmp_path / "home"
    for kind in parcels.REGISTERS:
        assert labqa(home, "register", kind, str(sent.registers / f"{kind}.csv")).returncode == 0
    orders = [random.Random(number).sample(sent.files, len(sent.files)) for number in range(6)]
    command = [sys.executable, "-m", "labqa.cli", "ingest"]
    environment = {**os.environ, "LABQA_HOME": str(home), "LABQA_LANG": "en"}
    processes = [
        subprocess.Popen(
            [*command, *map(str, order)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for order in orders
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [parcels.IN_PART] * 6, said
    lines = [line for text in said for line in text.splitlines()]
    for file in sent.files:
        answers = [line for line in lines if line.startswith(f"{file.name}:")]
        accepted = [line for line in answers if "accepted" in line]
        assert len(answers) == 6 and len(accepted) == 1
        assert sum("already received" in line for line in answers) == 5
        receipt = accepted[0].rsplit("ledger entry ", 1)[1]
        assert all(f"ledger entry {receipt}" in line for line in answers)
    assert parcels.kept(home) == sent.rows()
    assert leftovers(home) == []


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of its own of that size, unmounted at the end."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def can_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="only root can mount a small disk; the named points fail like one for everybody")
@pytest.mark.parametrize("pieces", [False, True])
def test_a_disk_that_fills_up_at_any_stage_keeps_what_it_has(
    tmp_path: Path, few: Parcels, pieces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for 0, 4, 8 … KB more: the disk is full at another stage each time, until the file fits."""
    if pieces:
        in_pieces(monkeypatch.setattr)
    with small_disk(tmp_path / "disk", 2_000) as disk:
        home = disk / "home"
        platform = work(home, replace(few, files=few.files[:1]))
        before = parcels.kept(platform)
        filler = disk / "filler"
        refused = 0
        for room in range(0, 400, 4):
            size = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - room * 1024
            filler.write_bytes(b"\0" * max(size, 0))
            try:
                intake.ingest(open_platform(home), few.files[1], profile="template")
                break
            except LabQAError as error:
                assert error.exit_code == 6
                assert "no space is left" in str(error), str(error)
                refused += 1
                assert parcels.kept(home) == before
            filler.unlink()
        assert refused >= 5
        filler.unlink(missing_ok=True)
        work(home, few)
        assert_all_there(home, few)
