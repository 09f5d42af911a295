"""What a callback may be sent: each parameter states its type, shape and length, and refuses everything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """A value that was not declared; the sentence says what was expected, never what the data hold."""


class Param(Protocol):
    """One declared parameter: `check` returns the value, or raises Refused."""

    def check(self, value: object) -> object:
        """The value if it is what was declared."""


@dataclass(frozen=True)
class Text:
    """A text of at most `longest` characters that matches `pattern` as a whole; null where `optional`."""

    longest: int
    pattern: str = r"[^\x00-\x1f\x7f]*"
    optional: bool = False

    def check(self, value: object) -> object:
        """The text if it fits."""
        if value is None and self.optional:
            return None
        if not isinstance(value, str):
            raise Refused("a text was expected")
        if len(value) > self.longest:
            raise Refused(f"at most {self.longest} characters were expected")
        if re.fullmatch(self.pattern, value) is None:
            raise Refused("a text of another form was expected")
        return value


@dataclass(frozen=True)
class OneOf:
    """One word of a closed list."""

    words: tuple[str, ...]

    def check(self, value: object) -> object:
        """The word if it is on the list."""
        if not isinstance(value, str) or value not in self.words:
            raise Refused("a word of a closed list was expected")
        return value


@dataclass(frozen=True)
class Click:
    """A click on a figure: its first point's place (`lab/L001`, `pair/…`), a text; null before the first click."""

    longest: int = 240

    def check(self, value: object) -> object:
        """The place that was clicked, or null."""
        if value is None:
            return None
        points = value.get("points") if isinstance(value, dict) else None
        if not isinstance(points, list) or not points or not isinstance(points[0], dict):
            raise Refused("a click on a figure was expected")
        place = points[0].get("customdata")
        place = place[0] if isinstance(place, list) and place else place
        return None if place is None else Text(self.longest).check(place)


@dataclass(frozen=True)
class Each:
    """A list of at most `most` values of one kind."""

    of: Param
    most: int

    def check(self, value: object) -> object:
        """The list if each of its values fits."""
        if not isinstance(value, list) or len(value) > self.most:
            raise Refused(f"a list of at most {self.most} values was expected")
        return [self.of.check(one) for one in value]


@dataclass(frozen=True)
class Block:
    """Rows of a long grid from `first` to before `end`, in an order, of those that hold the texts searched for."""

    first: int
    end: int
    order: tuple[tuple[str, bool], ...]
    """Columns by which to sort, and whether downwards."""
    search: tuple[tuple[str, str], ...]
    """Columns, and the text that each is to hold."""


@dataclass(frozen=True)
class RowsAsked:
    """What a long grid asks for as it is scrolled, sorted and searched: at most `most` rows, by some of `columns`; or null."""

    columns: tuple[str, ...]
    most: int

    def check(self, value: object) -> object:
        """The block that is asked for."""
        if value is None:
            return None
        asked = value if isinstance(value, dict) else {}
        first, end = asked.get("startRow"), asked.get("endRow")
        if type(first) is not int or type(end) is not int or not 0 <= first < end <= first + self.most:
            raise Refused(f"at most {self.most} rows of a grid were expected")
        order = [(self._column(one, "colId"), self._word(one, "sort") == "desc") for one in self._list(asked.get("sortModel"))]
        sought = asked.get("filterModel") or {}
        if not isinstance(sought, dict):
            raise Refused("columns to search were expected")
        search = [(self._column({"colId": name}, "colId"), self._contained(one)) for name, one in sought.items()]
        return Block(first, end, tuple(order), tuple(search))

    def _list(self, value: object) -> list[object]:
        if not isinstance(value, list | None) or len(value or ()) > len(self.columns):
            raise Refused("columns to sort by were expected")
        return value or []

    def _column(self, given: object, key: str) -> str:
        return str(OneOf(self.columns).check(given.get(key) if isinstance(given, dict) else None))

    @staticmethod
    def _word(given: object, key: str) -> str:
        return str(OneOf(("asc", "desc")).check(given.get(key) if isinstance(given, dict) else None))

    @staticmethod
    def _contained(given: object) -> str:
        if not isinstance(given, dict) or given.get("type") != "contains":
            raise Refused("a text to search for was expected")
        return str(Text(80).check(given.get("filter")))


def checked(params: Sequence[Param], values: Sequence[object]) -> list[object]:
    """All values, each checked against its parameter."""
    if len(params) != len(values):
        raise Refused(f"{len(params)} values were expected")
    return [param.check(value) for param, value in zip(params, values, strict=True)]


PATH = Text(700, pattern=r"/[^\x00-\x1f\x7f\\]*")
SEARCH = Text(300, pattern=r"(\?[^\x00-\x1f\x7f]*)?", optional=True)
CODE = Text(200, pattern=r"[^\x00-\x1f\x7f]+")
NO_CODE = OneOf(("",))
RUN = Text(64, pattern=r"[0-9A-Za-z_-]*")
