"""Work on several threads: answers in order, no more under way than there are threads, errors told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from labqa.core import threads


@pytest.mark.parametrize("n", ["1", "2", "8"])
def test_answers_come_in_the_order_of_the_things_whichever_ends_first(monkeypatch: pytest.MonkeyPatch, n: str) -> None:
    monkeypatch.setenv(threads.VARIABLE, n)

    def slow_first(k: int) -> int:
        time.sleep(0.02 if k == 0 else 0.0)
        return k * k

    assert [*threads.in_order(slow_first, range(20))] == [k * k for k in range(20)]


def test_two_work_at_a_time_and_things_wait_until_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, "2")
    met, asked = threading.Barrier(2, timeout=20), []

    def things() -> Iterator[int]:
        for k in range(6):
            asked.append(k)
            yield k

    def both(k: int) -> int:
        met.wait()  # is passed only if another works meanwhile
        return k

    answers = threads.in_order(both, things())
    assert next(answers) == 0
    assert asked == [0, 1, 2]
    assert [*answers] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("n", ["1", "3"])
def test_an_error_reaches_the_caller(monkeypatch: pytest.MonkeyPatch, n: str) -> None:
    monkeypatch.setenv(threads.VARIABLE, n)

    def failing(k: int) -> int:
        if k == 3:
            raise ValueError("three")
        return k

    with pytest.raises(ValueError, match="three"):
        list(threads.in_order(failing, range(8)))


@pytest.mark.parametrize("asked", ["", "0", "many"])
def test_without_a_number_that_can_be_meant_there_is_at_least_one_thread(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(threads.VARIABLE, asked)
    assert threads.threads() >= 1
