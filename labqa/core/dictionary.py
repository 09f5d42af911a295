"""The data dictionary as a page: every table and column of the contracts, rendered from the code that checks them."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import dataframely as dy

from labqa.core import tables as t

PAGE = "data-dictionary.md"
_OPENING = """# Data dictionary · 数据字典

Written by `make docs` from `labqa/core/tables`; a test fails when it is stale. Null means absent; no table holds NaN.
A unit of `item` is the item's own unit, `σR` the reproducibility standard deviation of the item, `1` none. Columns marked
**key** name a row; floats are rounded to the stated significant digits before the content of a table is hashed.
"""
_HEADER = "| Column | 名称 | Type | Unit | Source | Meaning |\n|---|---|---|---|---|---|"


def to_markdown() -> str:
    """The whole dictionary: facts first, then the tables of a run."""
    facts = "\n".join(_table(name, schema) for name, schema in t.FACT_TABLES.items())
    run = "\n".join(_table(name, schema) for name, schema in t.RUN_TABLES.items())
    return f"{_OPENING}\n## Facts · 事实\n\n{facts}\n## Evaluation run · 评价\n\n{run}"


def write(folder: Path) -> Path:
    """Writes the page into `folder`."""
    page = folder / PAGE
    page.write_text(to_markdown(), encoding="utf-8")
    return page


def _table(name: str, schema: type[dy.Schema]) -> str:
    rows = "\n".join(_row(column, entry) for column, entry in schema.columns().items())
    return f"### {name}\n\n{inspect.getdoc(schema)}\n\n{_HEADER}\n{rows}\n"


def _row(name: str, column: dy.Column) -> str:
    about: dict[str, Any] = column.metadata or {}
    words = f" One of: {', '.join(f'`{word}`' for word in about['words'])}." if "words" in about else ""
    cells = [f"`{name}`", about.get("zh", ""), _type(column), about.get("unit", ""), about.get("source", "")]
    return "| " + " | ".join([*cells, f"{column.description}.{words}".replace("|", "\\|")]) + " |"


def _type(column: dy.Column) -> str:
    """The type with what it demands: key, may be null, digits that count."""
    about: dict[str, Any] = column.metadata or {}
    marks = ["**key**"] if column.primary_key else ["may be null"] if column.nullable else []
    marks += [f"{about['digits']} digits"] if "digits" in about else []
    return ", ".join([str(column.dtype).lower(), *marks])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
