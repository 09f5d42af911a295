"""A home that cannot be written, a disk without room: a sentence and an exit code, as an ordinary user would meet them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import parcels
from tests.parcels import IN_PART, Parcels

NOBODY = 65534


def without_rights(home: Path, *words: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    """One command, not as root: as nobody where that user can read the checkout, else as root without any capability."""
    environment = {**os.environ, "LABQA_HOME": str(home), "LABQA_LANG": language, "HOME": "/nonexistent"}
    command = [*_dropping(), sys.executable, "-m", "labqa.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@cache
def _dropping() -> list[str]:
    if os.geteuid() != 0:
        return []
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    asked = subprocess.run([*nobody, sys.executable, "-c", "import labqa.cli"], capture_output=True, check=False)
    return nobody if asked.returncode == 0 else ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that belongs to whom the commands run as."""
    with tempfile.TemporaryDirectory() as made:
        _hand_over(Path(made))
        yield Path(made)
        subprocess.run(["chmod", "-R", "u+rwX", made], check=True)


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0 and f"--reuid={NOBODY}" in _dropping():
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True)


@pytest.fixture(scope="module")
def sent(place: Path) -> Parcels:
    made = parcels.made(place, files=2, samples=6)
    _hand_over(place)
    return made


@pytest.fixture(scope="module")
def home(place: Path, sent: Parcels) -> Path:
    """A home with registers and one delivery."""
    for kind in parcels.REGISTERS:
        done = without_rights(place / "home", "register", kind, str(sent.registers / f"{kind}.csv"))
        assert done.returncode == 0, done.stderr
    done = without_rights(place / "home", "ingest", str(sent.files[0]))
    assert done.returncode == IN_PART, done.stderr
    return place / "home"


@pytest.fixture
def read_only(home: Path) -> Iterator[Path]:
    subprocess.run(["chmod", "-R", "a-w", str(home)], check=True)
    yield home
    subprocess.run(["chmod", "-R", "u+w", str(home)], check=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_read_only_home_takes_nothing_in_and_says_so(read_only: Path, sent: Parcels, language: str) -> None:
    for words in (
        ["ingest", str(sent.files[1])],
        ["register", "labs", str(sent.registers / "items.csv").replace("items", "labs")],
    ):
        done = without_rights(read_only, *words, language=language)
        assert done.returncode == 6, done.stdout + done.stderr
        assert str(read_only) in done.stderr and {"en": "no permission", "zh": "没有权限"}[language] in done.stderr
        assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_read_only_home_can_be_read(read_only: Path, sent: Parcels) -> None:
    verified = without_rights(read_only, "verify")
    assert verified.returncode == 0, verified.stderr
    assert without_rights(read_only, "runs").returncode == 0
    again = without_rights(read_only, "ingest", str(sent.files[0]))
    assert again.returncode == IN_PART and "already received" in again.stdout
    listed = without_rights(read_only, "refusals")
    assert listed.returncode == 0 and "about seven" in listed.stdout


def test_a_home_that_cannot_be_made_is_a_sentence(place: Path) -> None:
    locked = place / "locked"
    locked.mkdir()
    _hand_over(locked)
    locked.chmod(0o555)
    done = without_rights(locked / "home", "runs")
    assert done.returncode == 6 and str(locked / "home") in done.stderr and "Traceback" not in done.stderr
    assert without_rights(place, "template", str(locked / "template.xlsx")).returncode == 6


def test_a_file_that_may_not_be_read_is_a_sentence(home: Path, place: Path, sent: Parcels) -> None:
    secret = place / "secret.csv"
    secret.write_bytes(sent.files[1].read_bytes())
    _hand_over(secret)
    secret.chmod(0)
    for words in (["ingest", str(secret)], ["register", "labs", str(secret)], ["ingest", str(place)]):
        done = without_rights(home, *words)
        assert done.returncode == 3, done.stderr
        assert words[-1] in done.stderr and "Traceback" not in done.stderr


def test_a_file_whose_name_is_no_text_is_a_sentence(home: Path, place: Path, sent: Parcels) -> None:
    """What an archive made on a Chinese Windows leaves when it is unpacked elsewhere."""
    named = Path(os.fsdecode(os.fsencode(place) + b"/" + "抽查.csv".encode("gb18030")))
    named.write_bytes(sent.files[1].read_bytes())
    _hand_over(named)
    for words in (["ingest", str(named)], ["register", "labs", str(named)]):
        done = without_rights(home, *words)
        assert done.returncode == 3, done.stderr
        assert "rename" in done.stderr and "Traceback" not in done.stderr


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["labqa", *sys.argv[2:]]
from labqa.cli import main
main()
"""


def test_no_room_is_a_sentence_and_the_work_resumes(place: Path, home: Path, sent: Parcels) -> None:
    """Files may not grow beyond nothing, a page, nearly enough: it fails at a table, at the delivered file, at the ledger."""
    copy = place / "copy"
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)
    environment = {**os.environ, "LABQA_HOME": str(copy), "LABQA_LANG": "zh"}
    ledger = (copy / "ledger.sqlite").stat().st_size
    for limit in (0, 4_096, 8_192, 16_384, ledger - 4_096):
        command = [*_dropping(), sys.executable, "-c", FULL, str(limit), "ingest", str(sent.files[1])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 6, (limit, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
        assert str(copy) in done.stderr
    assert without_rights(copy, "verify").returncode == 0
    done = without_rights(copy, "ingest", str(sent.files[1]))
    assert done.returncode == IN_PART, done.stderr
    assert parcels.kept(copy) == sent.rows()
