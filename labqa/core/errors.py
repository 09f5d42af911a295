"""One family of errors: each says what is wrong, where, what was found and expected, and has its own exit code."""

from __future__ import annotations

import re

from labqa.core.wording.catalogue import Message


def _one_line(value: object) -> object:
    return re.sub(r"\s*[\r\n]+\s*", " ", value) if isinstance(value, str) else value


class LabQAError(Exception):
    """Something a user can understand and mend; shown as a sentence, never as a traceback.

    `message` is the sentence (key and values); `exit_code` is what the command line returns.
    """

    exit_code = 1

    def __init__(self, key: str, **values: object) -> None:
        """Take the sentence by its key, with the values that it names, each on one line as a sentence is."""
        self.message = Message(key, {name: _one_line(value) for name, value in values.items()})
        super().__init__(self.message.text("en"))


class UsageError(LabQAError):
    """The request itself cannot be carried out (unknown run, edition, profile, period)."""

    exit_code = 2


class DeliveryError(LabQAError):
    """A delivered file cannot be read as a whole; single bad rows are refusals, not errors."""

    exit_code = 3


class RegisterError(LabQAError):
    """A register file contradicts itself or what is in force."""

    exit_code = 4


class IntegrityError(LabQAError):
    """Something stored is not what was written: a flipped byte, a missing file, a broken chain."""

    exit_code = 5


class StoreError(LabQAError):
    """Nothing could be written or read: no space, no permission, locked by another process."""

    exit_code = 6


class EvaluationError(LabQAError):
    """An evaluation cannot be made of what is there (no facts, contract violated)."""

    exit_code = 7


class AccessDenied(LabQAError):
    """The viewer may not see this, or it does not exist; the two are not told apart."""

    exit_code = 8
