"""Named points of what the store does, at which a test lets it die or fail as machines and disks do.

`LABQA_FAIL_AT=point:how` names one: `kill` ends the process at once, as a power cut does; `full` and `broken` fail as a full
and a broken disk do. Without the variable a point does nothing.
"""

from __future__ import annotations

import errno
import os
import signal

VARIABLE = "LABQA_FAIL_AT"
POINTS = {
    "file_written": "a table or manifest is in a temporary file, not yet on the disk",
    "file_copied": "a delivered file is copied in part",
    "file_synced": "a file or run is on the disk under its temporary name",
    "file_renamed": "it has its name, which is not yet on the disk",
    "entry_inserted": "everything is on the disk and the ledger entry is written, not yet committed",
    "entry_committed": "the entry is committed: accepted, but nobody was told",
    "seal_written": "the new seal of the ledger's file is beside the old one",
    "run_begun": "a run has its folder, and no table yet",
    "backup_written": "a backup is whole under its temporary name",
    "sweep_begun": "start-up is about to set aside what has no entry",
    "left_over_moved": "start-up has set aside one file of several",
}
"""Every point, and what is behind it there."""
_ERRORS = {"full": errno.ENOSPC, "broken": errno.EIO}


def passing(point: str) -> None:
    """Pass a point; OSError, or the end of the process, where the environment asks for it."""
    if (asked := os.environ.get(VARIABLE)) is not None:
        named, _, how = asked.partition(":")
        _fail(point, named, how)


def _fail(point: str, named: str, how: str) -> None:
    if named not in POINTS or how not in {"kill", *_ERRORS}:
        raise ValueError(f"{VARIABLE}={named}:{how}")
    if named != point:
        return
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(_ERRORS[how], os.strerror(_ERRORS[how]))
