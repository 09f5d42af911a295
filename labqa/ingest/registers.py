"""Registers of laboratories, items, products and classes in force: read from files and sheets, or made of a delivery."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import dataframely as dy
import polars as pl

from labqa.core import tables
from labqa.core.errors import RegisterError
from labqa.core.vocabulary import CompareMethod, Scale
from labqa.ingest import capabilities, dates, ids, unseen, words
from labqa.ingest.columns import match, normal
from labqa.ingest.readers import ROW, Table, place, read

KINDS: Mapping[str, type[dy.Schema]] = {
    "labs": tables.Labs,
    "items": tables.Items,
    "products": tables.Products,
    "class": tables.ClassInForce,
}
"""Kinds of register file, and the table each fills; `labs` fills the capabilities too."""
_TABLE_OF = {"labs": "labs", "items": "items", "products": "products", "class": "class_in_force"}
_LISTS = {"scale": "scale", "compare_method": "compare_method", "severity": "severity", "lab_class": "lab_class"}
_GROUPED = r"^-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+|,[0-9]{3})$"
"""Numbers whose commas can only part thousands."""
_KEYS = {"labs": ["lab"], "items": ["item"], "products": ["product"], "class": ["lab", "valid_from"]}


@dataclass(frozen=True)
class Registers:
    """What is registered when a delivery is read."""

    labs: pl.DataFrame = field(default_factory=lambda: tables.empty(tables.Labs))
    capabilities: pl.DataFrame = field(default_factory=lambda: tables.empty(tables.Capabilities))
    items: pl.DataFrame = field(default_factory=lambda: tables.empty(tables.Items))
    products: pl.DataFrame = field(default_factory=lambda: tables.empty(tables.Products))
    class_in_force: pl.DataFrame = field(default_factory=lambda: tables.empty(tables.ClassInForce))

    def with_found(self, found: Mapping[str, pl.DataFrame]) -> Registers:
        """These registers, with the rows found taking the place of those of the same key."""
        keys = {
            "labs": ["lab"],
            "capabilities": ["lab"],
            "items": ["item"],
            "products": ["product"],
            "class_in_force": ["lab", "valid_from"],
        }
        merged = {}
        for name, key in keys.items():
            own: pl.DataFrame = getattr(self, name)
            fresh = found.get(name)
            merged[name] = own if fresh is None else pl.concat([own.join(fresh, on=key, how="anti"), fresh])
        return Registers(**merged)


@cache
def headers() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Headers understood in registers: kind → field → headers."""
    content = tomllib.loads(files(__package__).joinpath("registers.toml").read_text("utf-8"))
    return {kind: {name: tuple(aliases) for name, aliases in named.items()} for kind, named in content.items()}


def read_register(kind: str, path: Path, *, encoding: str | None = None) -> dict[str, pl.DataFrame]:
    """The register in a file, as `table_of` finds it, by table name; `labs` gives `labs` and `capabilities`."""
    return from_table(kind, path.name, table_of(kind, path, encoding=encoding))


def table_of(kind: str, path: Path, *, encoding: str | None = None) -> Table:
    """The table of a register in a csv (in `encoding`, else detected), xlsx or parquet file: the sheet named so, else the
    first."""
    if kind not in KINDS:
        raise RegisterError("ingest.register_kind", found=kind, expected=", ".join(KINDS))
    found = read(path, path.read_bytes(), encoding=encoding)
    return next((table for table in found if kind_of(table.sheet) == kind), found[0])


def unread_columns(kind: str, table: Table) -> list[str]:
    """Headers that no field of the register bears."""
    understood = match(table.headers, headers()[kind]).values()
    return [header for header in table.headers if not any(header in named for named in understood)]


def kind_of(sheet: str) -> str | None:
    """The kind of register that a sheet's name announces, as the template names its sheets."""
    names = {"labs": "实验室 Labs", "items": "项目 Items", "products": "产品 Products", "class": "现行分类 Class"}
    for kind, name in names.items():
        if normal(sheet) in {normal(name), *(normal(part) for part in name.split())}:
            return kind
    return None


def from_table(kind: str, file: str, table: Table) -> dict[str, pl.DataFrame]:
    """The register that a table holds, typed and checked; a RegisterError names the first row and column that is wrong."""
    where = {"file": place(file, table.sheet)}
    table.check()
    found = match(table.headers, headers()[kind])
    for name in (*_KEYS[kind], *(["scale"] if kind == "items" else []), *(["lab_class"] if kind == "class" else [])):
        if name not in found:
            raise RegisterError(
                "ingest.register_column", **where, column=" / ".join(headers()[kind][name][:2]), found=", ".join(table.headers)
            )
    _check_seen(where, file, table, {name: named[0] for name, named in found.items()}, _KEYS[kind][0])
    text = table.rows.select(ROW, *(_text(named[0]).alias(name) for name, named in found.items()))
    schema = KINDS[kind]
    types = schema.create_empty().schema
    typed = text.with_columns(
        _typed(name, dtype, table.date_system).alias(name) for name, dtype in types.items() if name in text.columns
    )
    for name in types:
        if name in text.columns:
            _check_understood(where, name, found[name][0], text, typed)
    typed = completed(kind, typed)
    _check_keys(where, kind, found, typed)
    if kind == "items":
        _check_limits(where, found, typed)
    register = tables.shaped(typed, schema)
    if not schema.is_valid(register):
        failed = schema.filter(register)[1]
        row = typed.join(failed.invalid(), on=_KEYS[kind], how="semi")[ROW][0]
        raise RegisterError("ingest.register_contract", **where, row=row, found=", ".join(failed.counts()))
    result = {_TABLE_OF[kind]: register}
    if kind == "labs":
        result["capabilities"] = capabilities.parsed(where, found.get("capabilities", ["capabilities"])[0], text)
    return result


def _check_seen(where: Mapping[str, str], file: str, table: Table, read: Mapping[str, str], key: str) -> None:
    """Refuse a register that does not show what it holds."""
    unseen.check_visible(file, table, read)
    for row, name, rule, expected in unseen.flawed(file, table, read, key=key).sort(ROW, "field").head(1).iter_rows():
        value = table.rows.filter(pl.col(ROW) == row)[read[name]][0] or ""
        raise RegisterError(f"ingest.{rule}", **where, row=row, column=read[name], value=value, expected=expected)


def _text(header: str) -> pl.Expr:
    text = words.plain_column(pl.col(header))
    return pl.when(text != "").then(text)


def _typed(name: str, dtype: pl.DataType, date_system: str) -> pl.Expr:
    """One column of a register as its table wants it; null where the text is not understood."""
    column = pl.col(name)
    if name in _LISTS:
        return words.word_column(column, _LISTS[name])
    if dtype == pl.Date:
        return dates.day(column, system=date_system or "1900")
    if dtype == pl.Boolean:
        return words.word_column(column, "yes_no") == "true"
    if dtype == pl.Float64:
        grouped = column.str.contains(_GROUPED)
        text = pl.when(grouped).then(column.str.replace_all(",", "", literal=True)).otherwise(column)
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    return column


def _check_understood(where: Mapping[str, str], name: str, header: str, text: pl.DataFrame, typed: pl.DataFrame) -> None:
    """Refuse a register in which a text could not be read as what its column holds."""
    lost = text.filter(text[name].is_not_null() & typed[name].is_null())
    if not lost.is_empty():
        expected = words.allowed(_LISTS[name]) if name in _LISTS else ("2018-03-05" if typed[name].dtype == pl.Date else "0.5")
        raise RegisterError(
            "ingest.register_value", **where, row=lost[ROW][0], column=header, value=lost[name][0], expected=expected
        )


def _check_keys(where: Mapping[str, str], kind: str, found: Mapping[str, list[str]], typed: pl.DataFrame) -> None:
    """Refuse a register with a missing, unsound or repeated key."""
    key, column = _KEYS[kind], found[_KEYS[kind][0]][0]
    for row, _, rule, expected in ids.unsound(typed.select(ROW, key[0])).sort(ROW).head(1).iter_rows():
        value = typed.filter(pl.col(ROW) == row)[key[0]][0]
        raise RegisterError(f"ingest.{rule}", **where, row=row, column=column, value=value, expected=expected)
    empty = typed.filter(pl.any_horizontal(pl.col(key).is_null()))
    if not empty.is_empty():
        raise RegisterError("ingest.register_key", **where, row=empty[ROW][0], column=column)
    twice = typed.filter(pl.struct(key).is_duplicated())
    if not twice.is_empty():
        rows = ", ".join(str(row) for row in twice[ROW].head(2))
        raise RegisterError("ingest.register_twice", **where, row=rows, column=column, value=str(twice[key[0]][0]))


def _check_limits(where: Mapping[str, str], found: Mapping[str, list[str]], typed: pl.DataFrame) -> None:
    """Refuse a register of items to which no result could conform."""
    crossed = typed.filter(pl.col("lower_limit") > pl.col("upper_limit"))
    if not crossed.is_empty():
        upper, lower = crossed["upper_limit"][0], crossed["lower_limit"][0]
        column = found["upper_limit"][0]
        raise RegisterError(
            "ingest.register_limits", **where, row=crossed[ROW][0], column=column, value=f"{upper:g}", expected=f"{lower:g}"
        )


def completed(kind: str, typed: pl.DataFrame) -> pl.DataFrame:
    """A register with what follows from the rest: family of a product, unit and compare method of an item."""
    if kind == "products":
        family = pl.col("product").str.split(".").list.head(2).list.join(".")
        own = pl.col("family") if "family" in typed.columns else pl.lit(None, dtype=pl.String)
        return typed.with_columns(pl.coalesce(own, family).alias("family"))
    if kind == "items":
        typed = tables.shaped(typed, tables.Items).with_columns(typed[ROW])
        wordy = pl.col("scale").is_in([str(Scale.ORDINAL), str(Scale.BINARY)])
        return typed.with_columns(
            pl.coalesce("unit", pl.when(wordy).then(pl.lit("1"))),
            pl.col("compare_method").fill_null(str(CompareMethod.FULL)),
            pl.when(pl.col("lower_limit").is_not_null())
            .then(pl.col("lower_inclusive").fill_null(True))
            .alias("lower_inclusive"),
            pl.when(pl.col("upper_limit").is_not_null())
            .then(pl.col("upper_inclusive").fill_null(True))
            .alias("upper_inclusive"),
        )
    return typed
