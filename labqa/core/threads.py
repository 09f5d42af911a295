"""Independent work on several processors at a time, told in its order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

VARIABLE = "LABQA_THREADS"
"""How many pieces of work are under way at a time; else as many as the process may use processors."""
Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def threads() -> int:
    """How many threads work at a time, at least 1."""
    asked = os.environ.get(VARIABLE, "")
    if asked.isdecimal():
        return max(int(asked), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[Thing], Answer], things: Iterable[Thing]) -> Iterator[Answer]:
    """The answers of `work` for each of the things, in their order; as many are worked on at a time as there are threads.

    No more than these are under way or wait to be read, so that memory does not grow with the things. Each piece must
    be of its own: the answers are then the same to the last bit on any number of threads. It pays for kernels, numpy and
    polars, which let other threads run. The first error is raised; what was not begun by then never is.
    """
    n = threads()
    if n == 1:
        yield from map(work, things)
        return
    with ThreadPoolExecutor(n) as pool:
        waiting: deque[Future[Answer]] = deque()
        try:
            for thing in things:
                waiting.append(pool.submit(work, thing))
                if len(waiting) > n:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
