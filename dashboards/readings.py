"""The readings that the dashboards keep, each for the viewer who asked."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import polars as pl

from dashboards.reading import Reading
from labqa.service import queries
from labqa.service.viewer import Viewer
from labqa.service.wiring import Platform


class Readings:
    """The last few readings of a platform, each bound to its viewer: runs never change, and what else is read changes only with
    the ledger."""

    def __init__(self, platform: Platform, *, most: int = 8) -> None:
        """Keeps the `most` readings that were asked for last."""
        self._platform, self._most = platform, most
        self._kept: OrderedDict[tuple[Viewer, str, tuple[int, str]], Reading] = OrderedDict()
        self._lock = Lock()

    def of(self, viewer: Viewer, run: str) -> Reading:
        """The reading of a run by a viewer, with the ledger as it stands."""
        return self._at(viewer, run, queries.ledger_head(self._platform, viewer=viewer))

    def opened(self, viewer: Viewer, run: str) -> Reading | None:
        """The reading of a run by its id, else of the newest national one, else of the newest; null where there is none yet."""
        head = queries.ledger_head(self._platform, viewer=viewer)
        runs = self._at(viewer, "", head).runs
        if runs.is_empty():
            return None
        if not run:
            run = str(runs.sort(pl.col("programme") != "national", maintain_order=True)["run"][0])
        return self._at(viewer, run, head)

    def _at(self, viewer: Viewer, run: str, head: tuple[int, str]) -> Reading:
        with self._lock:
            found = self._kept.pop((viewer, run, head), None) or Reading(self._platform, viewer, run)
            self._kept[viewer, run, head] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
