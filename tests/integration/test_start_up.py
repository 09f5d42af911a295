"""Asking for help imports the command line and nothing that computes, draws, stores or serves."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "dash", "dashboards", "dash_mantine_components", "dataframely", "fastexcel", "flask", "jinja2", "numba", "numpy", "pandas",
    "plotly", "polars", "reports", "scipy", "sqlalchemy", "statsmodels", "typst", "waitress", "xlsxwriter",
}  # fmt: skip
CLI = {"custody", "deliveries", "options", "planning", "runs", "terminal", "trying", "usage"}
OURS = {"labqa", "labqa.cli", "labqa.core"}
OURS |= {f"labqa.core.{name}" for name in ("errors", "memory", "system", "wording")}
OURS |= {f"labqa.core.wording.{name}" for name in ("catalogue", "filling", "quoting", "typesetting")}
OURS |= {f"labqa.cli.{name}" for name in CLI}
LOOK = """
import json, sys, typer
from labqa.cli import app, main
def words_of(command, before=()):
    yield [*before]
    for name, inner in getattr(command, "commands", {}).items():
        yield from words_of(inner, (*before, name))
codes = {}
for words in [[]] if sys.argv[1] == "first" else [*words_of(typer.main.get_command(app))][1:]:
    sys.argv[:] = ["labqa", *words, "--help"]
    try:
        main()
    except SystemExit as ended:
        codes[" ".join(words)] = ended.code
print("IMPORTED", json.dumps([codes, sorted(sys.modules)]))
"""


def imported(which: str) -> tuple[dict[str, int], set[str], str]:
    """Exit code of each help, the modules that a process holds after them, and what it printed."""
    ran = subprocess.run([sys.executable, "-c", LOOK, which], capture_output=True, text=True, check=True)
    printed, _, told = ran.stdout.rpartition("IMPORTED ")
    codes, modules = json.loads(told)
    return codes, set(modules), printed


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_imports_nothing_heavy() -> None:
    codes, modules, printed = imported("first")
    assert codes == {"": 0} and "evaluate" in printed and "demo" in printed
    assert packages(modules) & HEAVY == set()
    assert {name for name in modules if name.partition(".")[0] == "labqa"} == OURS


def test_the_help_of_every_command_imports_no_more() -> None:
    codes, modules, _ = imported("every")
    assert {"demo", "evaluate", "ingest", "plan", "plan power", "serve", "verify"} <= codes.keys()
    assert set(codes.values()) == {0}
    assert packages(modules) & HEAVY == set()
