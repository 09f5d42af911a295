"""Where the shipped, read-only data lie: `data/` of a checkout, `labqa/shipped` of an installed wheel."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """The folder of shipped data."""
    installed = Path(__file__).parents[1] / "shipped"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "data"
