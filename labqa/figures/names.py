"""What things are called on a figure: names from the registers, in the reader's language, with the code as fallback."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from labqa.core.wording.catalogue import Language, Message

Names = Mapping[str, str]


def names(register: pl.DataFrame, key: str, language: Language) -> dict[str, str]:
    """Code → name of a register of labs, items or products; the other language, then the code, where a name is missing."""
    other = "en" if language == "zh" else "zh"
    called = pl.coalesce(f"name_{language}", f"name_{other}", key)
    return dict(register.select(key, called.alias("called")).iter_rows())


def named(code: str, called: Names) -> str:
    """A name with its code behind it; the code alone where that is its name."""
    name = called.get(code, code)
    return code if name == code else f"{name} · {code}"


def family_names(products: pl.DataFrame, language: Language) -> dict[str, str]:
    """Family → its name: the register's own row of that code if there is one, else the code with its first product."""
    called = names(products, "product", language)
    found: dict[str, str] = {}
    for product, family in products.sort("product").select("product", "family").iter_rows():
        if family in called:
            found[family] = called[family]
        elif family not in found:
            known = called[product] != product
            found[family] = say("family_of", language, family=family, product=called[product]) if known else family
    return found


def units(items: pl.DataFrame) -> dict[str, str]:
    """Item → unit, empty for items without one."""
    return {item: "" if unit == "1" else unit for item, unit in items.select("item", "unit").iter_rows()}


def say(name: str, language: Language, /, **values: object) -> str:
    """A sentence of the figures, in the reader's language."""
    return Message(f"figures.{name}", values).typeset(language)


def shortened(text: str, width: int) -> str:
    """A name cut to about `width` half-width characters; a Chinese character counts two."""
    taken = 0
    for position, character in enumerate(text):
        taken += 2 if ord(character) > 0x2E7F else 1
        if taken > width:
            return text[:position].rstrip() + "…"
    return text


def in_order(code: str) -> list[tuple[bool, int, str]]:
    """Key by which codes stand as people count: 2 before 10, Lab2 before Lab10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", code)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def counted(frame: pl.DataFrame, code: str) -> pl.DataFrame:
    """The frame by a column of codes as people count, rows of one code in the order they had."""
    codes = frame[code].to_list()
    return frame[sorted(range(frame.height), key=lambda row: in_order(codes[row]))]
