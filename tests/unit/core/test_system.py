"""What the operating system refuses is said in the reader's language, with what helps against it."""

import errno
import os
import re
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from labqa.core import system
from labqa.core.wording.catalogue import Message, sentences
from labqa.store.durable import refusals_as_sentences

HELP = {
    errno.ENOSPC: "space",
    errno.EDQUOT: "space",
    errno.EACCES: "permissions",
    errno.EROFS: "permissions",
    errno.ENOENT: "path",
    errno.EISDIR: "path",
    errno.EIO: "disk",
    errno.EMFILE: "other programs",
}


def refused(number: int) -> OSError:
    return OSError(number, os.strerror(number), "somewhere")


@pytest.mark.parametrize("number", HELP)
def test_each_reason_is_said_in_both_languages_with_what_helps(number: int) -> None:
    said = system.reason(refused(number))
    assert isinstance(said, Message) and said.text("en") != said.text("zh")
    assert not re.search(r"[A-Za-z]", said.text("zh"))
    helps = system.remedy(refused(number)).text("en")
    assert HELP[number] in helps and ("space" in helps) == (HELP[number] == "space")


def test_every_sentence_is_of_an_error_that_there_is() -> None:
    names = {key.removeprefix("system.").upper() for key in sentences("en") if key.startswith("system.")}
    assert {name for name in names if not name.startswith("HELP_")} <= set(errno.errorcode.values())


def test_what_has_no_sentence_is_said_in_the_systems_words() -> None:
    assert system.reason(refused(errno.EXDEV)) == os.strerror(errno.EXDEV)
    assert system.reason(OSError("out of order")) == "out of order"
    assert "space and permissions" in system.remedy(OSError("out of order")).text("en")


def test_a_full_disk_is_known_from_polars_too() -> None:
    found = system.reason(pl.exceptions.ComputeError("could not write: No space left on device (os error 28)"))
    assert isinstance(found, Message) and found.key == "system.enospc"


def test_a_database_that_can_only_be_read(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "d.sqlite").close()
    connection = sqlite3.connect(f"file:{tmp_path / 'd.sqlite'}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    found = system.reason(caught.value)
    assert isinstance(found, Message) and found.key == "system.erofs"


@pytest.mark.parametrize(("language", "expected"), [("en", "no permission"), ("zh", "没有权限")])
def test_a_refusal_names_place_reason_and_remedy(language, expected) -> None:
    with pytest.raises(Exception, match="somewhere") as caught, refusals_as_sentences(Path("somewhere")):
        raise refused(errno.EACCES)
    told = caught.value.message.text(language)
    assert expected in told and ("permissions" in told or "权限" in told) and "space" not in told
