"""Where user data live, and how a home is laid out."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from labqa.core import system
from labqa.core.errors import StoreError

VARIABLE = "LABQA_HOME"
TMP, FACTS, RAW, RUNS, SWEPT = "tmp", "facts", "raw", "runs", "swept"
FOLDERS = (TMP, FACTS, RAW, RUNS, SWEPT)


def resolve(given: Path | None = None) -> Path:
    """The folder of user data: the one given, else `LABQA_HOME`, else the platform's user-data folder; absolute."""
    named = given or os.environ.get(VARIABLE)
    return Path(named or platformdirs.user_data_path("labqa", appauthor=False)).expanduser().absolute()


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prepare(home: Path) -> Path:
    """Make the folders of a home where they are missing, for good, and return it."""
    try:
        if missing := [name for name in FOLDERS if not (home / name).is_dir()]:
            for name in missing:
                (home / name).mkdir(parents=True, exist_ok=True)
            sync(home)
            sync(home.parent)
    except OSError as error:
        told = {"reason": system.reason(error), "remedy": system.remedy(error)}
        raise StoreError("store.cannot_write", path=str(home), **told) from error
    return home
