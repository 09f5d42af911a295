"""The variable that lets a test fail at a point says what is wrong with itself."""

import pytest

from labqa.store.points import VARIABLE, passing


@pytest.mark.parametrize("asked", ["x", "x:kill", "file_written", "file_written:burn", "file_written:full:twice", ""])
def test_what_is_asked_for_and_not_understood(monkeypatch, asked):
    monkeypatch.setenv(VARIABLE, asked)
    with pytest.raises(ValueError, match=VARIABLE):
        passing("file_written")
