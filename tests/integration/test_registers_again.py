"""A register sent again: answered with its receipt while it is in force, accepted where another one took its place."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from labqa.service import intake
from labqa.service.wiring import Platform, open_platform


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return open_platform(tmp_path / "home")


def labs(folder: Path, name: str, **named: str) -> Path:
    path = folder / name
    path.write_text("lab,name_en\n" + "".join(f"{lab},{title}\n" for lab, title in named.items()))
    return path


def names(platform: Platform) -> dict[str, str]:
    return dict(platform.table("national", "labs").select("lab", "name_en").iter_rows())


def test_while_in_force_it_gets_its_receipt(platform: Platform, tmp_path: Path) -> None:
    first = intake.register(platform, "labs", labs(tmp_path, "first.csv", L1="One"), programme="national")
    intake.register(platform, "labs", labs(tmp_path, "other.csv", L2="Two"), programme="national")
    again = intake.register(platform, "labs", labs(tmp_path, "renamed.csv", L1="One"), programme="national")
    assert again.already and again.position == first.position and not first.already
    assert platform.ledger.head().entries == 2
    elsewhere = intake.register(platform, "labs", labs(tmp_path, "first.csv", L1="One"), programme="usgs")
    assert not elsewhere.already


def test_replaced_by_another_it_is_accepted_again(platform: Platform, tmp_path: Path) -> None:
    for name, title in (("first.csv", "One"), ("second.csv", "Another"), ("first.csv", "One")):
        receipt = intake.register(platform, "labs", labs(tmp_path, name, L1=title), programme="national")
        assert not receipt.already
        assert names(platform) == {"L1": title}
    assert platform.ledger.head().entries == 3


def test_from_many_at_once_it_is_one_acceptance(tmp_path: Path) -> None:
    file = labs(tmp_path, "labs.csv", L1="One", L2="Two")
    receipts = []

    def send() -> None:
        receipts.append(intake.register(open_platform(tmp_path / "home"), "labs", file, programme="national"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.already for receipt in receipts) == [False] + [True] * 5
    assert {receipt.position for receipt in receipts} == {1}


def test_the_receipt_counts_rows_of_the_file_and_not_what_laboratories_may_test(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "labs.csv"
    path.write_text("lab,capabilities\nL1,01.02; 03.01; 05.01\nL2,\n")
    receipt = intake.register(platform, "labs", path, programme="national")
    assert (receipt.delivered, receipt.accepted) == (2, 2)
