"""Who looks: every query is bound to a viewer and returns only what that viewer may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from labqa.core.errors import AccessDenied

ViewerRole = Literal["analyst", "expert", "lab_manager"]


@dataclass(frozen=True)
class Viewer:
    """A person at a face: role, and the laboratory where the role is bound to one."""

    role: ViewerRole
    name: str
    lab: str | None = None


LOCAL_ANALYST = Viewer(role="analyst", name="local analyst")
"""The one viewer until accounts exist: whoever sits at the machine on which LabQA runs."""


def own_rows(frame: pl.DataFrame, viewer: Viewer, *columns: str) -> pl.DataFrame:
    """The rows that concern the viewer's laboratory in any of `columns`; all rows for roles not bound to one."""
    if viewer.role != "lab_manager":
        return frame
    return frame.filter(pl.any_horizontal(*(pl.col(column).eq_missing(pl.lit(viewer.lab)) for column in columns)))


def check_may_read_all(viewer: Viewer) -> None:
    """Raises AccessDenied unless the viewer may read rows of every laboratory."""
    if viewer.role == "lab_manager":
        raise AccessDenied("service.not_yours")


def check_may_read_lab(viewer: Viewer, lab: str) -> None:
    """Raises AccessDenied unless the viewer may read rows of `lab`; "not yours" and "does not exist" read alike."""
    if viewer.role == "lab_manager" and viewer.lab != lab:
        raise AccessDenied("service.not_yours")
