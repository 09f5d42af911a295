"""What the operating system refused, in the reader's language, and what helps against it."""

from __future__ import annotations

import errno
import re

from labqa.core.wording.catalogue import Message, sentences

_HELP = {
    **dict.fromkeys(("enospc", "edquot", "efbig"), "space"),
    **dict.fromkeys(("eacces", "eperm", "erofs"), "rights"),
    **dict.fromkeys(("enoent", "enotdir", "eisdir", "enametoolong", "eloop", "enotempty", "eexist"), "path"),
    **dict.fromkeys(("eio", "estale", "enodev", "enxio"), "disk"),
    **dict.fromkeys(("ebusy", "etxtbsy", "eagain", "enolck", "enomem", "emfile", "enfile"), "others"),
}
"""What helps against an error, by its name; each name is a sentence `system.…` too."""
_SQLITE = {"full": "enospc", "readonly": "erofs", "perm": "eacces", "auth": "eacces", "ioerr": "eio", "busy": "ebusy"}
"""Errors of SQLite that are the system's, by the first word of their names."""


def reason(error: BaseException) -> Message | str:
    """Why the system refused; in its own words where there is no sentence for it."""
    name = _name(error)
    if f"system.{name}" in sentences("en"):
        return Message(f"system.{name}")
    return str(getattr(error, "strerror", None) or error).strip()


def remedy(error: BaseException) -> Message:
    """What to do about it, as a clause."""
    return Message(f"system.help_{_HELP.get(_name(error), 'any')}")


def _name(error: BaseException) -> str:
    """Name of the error in lower case, as `errno` has it; empty where it has none."""
    number = getattr(error, "errno", None)
    if number is None and (said := re.search(r"\(os error ([0-9]+)\)", str(error))):  # polars gives no number but this
        number = int(said[1])
    if number is not None:
        return errno.errorcode.get(number, "").lower()
    word = str(getattr(error, "sqlite_errorname", "")).lower().removeprefix("sqlite_").split("_")[0]
    return _SQLITE.get(word, "")
